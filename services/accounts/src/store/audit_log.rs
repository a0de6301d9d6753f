//! `audit_log`, read. It is written by `pitchey_db::audit`.

use chrono::{DateTime, Utc};
use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_db::Tx;
use pitchey_events::UserId;
use serde_json::Value;

use crate::schema::audit_log;

/// A row.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = audit_log, check_for_backend(Pg))]
pub struct Logged {
    pub id: i64,
    pub user_id: Option<i32>,
    pub action: String,
    pub entity_type: Option<String>,
    pub entity_id: Option<i64>,
    pub entity_key: Option<String>,
    pub old_values: Option<Value>,
    pub new_values: Option<Value>,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub user: Option<i32>,
    pub action: Option<String>,
    pub entity_type: Option<String>,
    pub entity_id: Option<i64>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

fn narrowed(wanted: &Wanted) -> IntoBoxed<'_, audit_log::table, Pg> {
    let mut query = audit_log::table.into_boxed();
    if let Some(user) = wanted.user {
        query = query.filter(audit_log::user_id.eq(user));
    }
    if let Some(action) = &wanted.action {
        query = query.filter(audit_log::action.eq(action));
    }
    if let Some(entity_type) = &wanted.entity_type {
        query = query.filter(audit_log::entity_type.eq(entity_type));
    }
    if let Some(entity_id) = wanted.entity_id {
        query = query.filter(audit_log::entity_id.eq(entity_id));
    }
    if let Some(from) = wanted.from {
        query = query.filter(audit_log::created_at.ge(from));
    }
    if let Some(to) = wanted.to {
        query = query.filter(audit_log::created_at.lt(to));
    }
    query
}

/// Newest first, before `before`.
pub async fn list(
    tx: &mut Tx,
    wanted: &Wanted,
    before: Option<i64>,
    skip: i64,
    most: i64,
) -> QueryResult<Vec<Logged>> {
    let mut query = narrowed(wanted);
    if let Some(before) = before {
        query = query.filter(audit_log::id.lt(before));
    }
    let query = query.order(audit_log::id.desc()).offset(skip).limit(most);
    query.select(Logged::as_select()).load(tx).await
}

/// How many there are, counted up to `most`.
pub async fn count(tx: &mut Tx, wanted: &Wanted, most: i64) -> QueryResult<i64> {
    let ids: Vec<i64> = narrowed(wanted).limit(most).select(audit_log::id).load(tx).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// What the user did, oldest first, after `after`.
pub async fn of_user(tx: &mut Tx, user: UserId, after: i64, most: i64) -> QueryResult<Vec<Logged>> {
    audit_log::table
        .filter(audit_log::user_id.eq(user.0))
        .filter(audit_log::id.gt(after))
        .order(audit_log::id)
        .limit(most)
        .select(Logged::as_select())
        .load(tx)
        .await
}

/// What one call of [`purge`] did.
#[derive(QueryableByName)]
pub struct Purged {
    #[diesel(sql_type = BigInt)]
    pub addresses_cleared: i64,
    #[diesel(sql_type = BigInt)]
    pub rows_deleted: i64,
}

/// Retention, at most `most` rows of each kind; whether there is more to do.
pub async fn purge(connection: &mut AsyncPgConnection, at: DateTime<Utc>, most: i32) -> QueryResult<Purged> {
    diesel::sql_query("SELECT * FROM purge_audit_log($1, $2)")
        .bind::<Timestamptz, _>(at)
        .bind::<Integer, _>(most)
        .get_result(connection)
        .await
}

#[cfg(test)]
mod tests {
    use pitchey_testkit::{Plan, TestDatabase};

    use super::*;

    #[tokio::test]
    async fn the_log_is_read_in_the_order_of_an_index() {
        let db = TestDatabase::create().await;
        let mut connection = db.connect_as("pitchey_accounts").await;
        for (wanted, index) in [
            (Wanted::default(), "audit_log_pkey"),
            (Wanted { user: Some(1), ..Wanted::default() }, "audit_log_user_id_idx"),
            (Wanted { action: Some("login.failed".into()), ..Wanted::default() }, "audit_log_action_idx"),
        ] {
            let page = narrowed(&wanted).order(audit_log::id.desc()).limit(20).select(audit_log::id);
            let plan = Plan::of(&mut connection, page).await;
            plan.assert_uses_index(index);
            plan.assert_never_sorts();
        }
    }
}
