use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;

use crate::schema::user_consents;

/// What was said about a purpose.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = user_consents, check_for_backend(Pg))]
pub struct Consent {
    pub purpose: String,
    pub document_version: String,
    pub granted: bool,
    pub ip_address: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// A row to be.
#[derive(Insertable)]
#[diesel(table_name = user_consents)]
pub struct NewConsent<'a> {
    pub user_id: i32,
    pub purpose: &'static str,
    pub document_version: &'static str,
    pub granted: bool,
    pub ip_address: Option<&'a str>,
    pub created_at: DateTime<Utc>,
}

pub async fn insert(tx: &mut Tx, consents: &[NewConsent<'_>]) -> QueryResult<()> {
    diesel::insert_into(user_consents::table).values(consents).execute(tx).await?;
    Ok(())
}

/// The newest word on each purpose.
pub async fn newest(tx: &mut Tx, user: UserId) -> QueryResult<Vec<Consent>> {
    user_consents::table
        .filter(user_consents::user_id.eq(user.0))
        .distinct_on(user_consents::purpose)
        .order((user_consents::purpose, user_consents::id.desc()))
        .select(Consent::as_select())
        .load(tx)
        .await
}

/// Every word that was said, oldest first.
pub async fn all(tx: &mut Tx, user: UserId) -> QueryResult<Vec<Consent>> {
    user_consents::table
        .filter(user_consents::user_id.eq(user.0))
        .order(user_consents::id)
        .select(Consent::as_select())
        .load(tx)
        .await
}

/// Takes the addresses out of those of a user who is anonymised.
pub async fn clear_addresses(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    #[derive(QueryableByName)]
    struct Cleared {
        #[diesel(sql_type = BigInt)]
        cleared: i64,
    }
    let cleared: Cleared = diesel::sql_query("SELECT clear_consent_addresses($1) AS cleared")
        .bind::<Integer, _>(user.0)
        .get_result(tx)
        .await?;
    tracing::debug!(%user, cleared = cleared.cleared, "addresses of consents");
    Ok(())
}
