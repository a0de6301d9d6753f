use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::VarChar;
use diesel_async::RunQueryDsl;
use pitchey_db::{Tx, words};
use pitchey_events::UserId;

use super::users::User;
use crate::schema::{company_verifications as rows, users};

words! {
    /// What became of a request.
    Status: VarChar {
        /// No admin has decided yet.
        Pending = "pending",
        /// The company is verified.
        Approved = "approved",
        /// It is not.
        Rejected = "rejected",
        /// The company changed its name or number before anybody decided.
        Superseded = "superseded",
    }
}

/// A row.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = rows, check_for_backend(Pg))]
pub struct Verification {
    pub id: i32,
    pub user_id: i32,
    pub company_name: String,
    pub company_number: Option<String>,
    pub company_website: Option<String>,
    pub note: Option<String>,
    pub status: Status,
    pub reason: Option<String>,
    pub decided_by: Option<i32>,
    pub decided_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// A row to be.
#[derive(Insertable)]
#[diesel(table_name = rows)]
pub struct NewVerification<'a> {
    pub user_id: i32,
    pub company_name: &'a str,
    pub company_number: Option<&'a str>,
    pub company_website: Option<&'a str>,
    pub note: Option<&'a str>,
    pub created_at: DateTime<Utc>,
}

/// A new request; `None` if one is pending.
pub async fn insert(tx: &mut Tx, new: NewVerification<'_>) -> QueryResult<Option<Verification>> {
    diesel::insert_into(rows::table)
        .values(new)
        .on_conflict_do_nothing()
        .returning(Verification::as_returning())
        .get_result(tx)
        .await
        .optional()
}

pub async fn newest_of(tx: &mut Tx, user: UserId) -> QueryResult<Option<Verification>> {
    rows::table
        .filter(rows::user_id.eq(user.0))
        .order(rows::id.desc())
        .select(Verification::as_select())
        .first(tx)
        .await
        .optional()
}

/// Every request of the user, oldest first.
pub async fn of_user(tx: &mut Tx, user: UserId) -> QueryResult<Vec<Verification>> {
    rows::table
        .filter(rows::user_id.eq(user.0))
        .order(rows::id)
        .select(Verification::as_select())
        .load(tx)
        .await
}

pub async fn get(tx: &mut Tx, id: i32) -> QueryResult<Option<Verification>> {
    rows::table.find(id).select(Verification::as_select()).first(tx).await.optional()
}

/// Requests with their users, newest first, before `before`.
pub async fn list(
    tx: &mut Tx,
    status: Option<Status>,
    before: Option<i32>,
    skip: i64,
    most: i64,
) -> QueryResult<Vec<(Verification, User)>> {
    let mut query = rows::table
        .inner_join(users::table.on(users::id.eq(rows::user_id)))
        .order(rows::id.desc())
        .offset(skip)
        .limit(most)
        .select((Verification::as_select(), User::as_select()))
        .into_boxed();
    if let Some(status) = status {
        query = query.filter(rows::status.eq(status.as_str()));
    }
    if let Some(before) = before {
        query = query.filter(rows::id.lt(before));
    }
    query.load(tx).await
}

/// How many there are, counted up to `most`.
pub async fn count(tx: &mut Tx, status: Option<Status>, most: i64) -> QueryResult<i64> {
    let mut query = rows::table.select(rows::id).limit(most).into_boxed();
    if let Some(status) = status {
        query = query.filter(rows::status.eq(status.as_str()));
    }
    let ids: Vec<i32> = query.load(tx).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// Decides a pending request; `None` if it is not pending.
pub async fn decide(
    tx: &mut Tx,
    id: i32,
    status: Status,
    reason: Option<&str>,
    admin: UserId,
    at: DateTime<Utc>,
) -> QueryResult<Option<Verification>> {
    diesel::update(rows::table.find(id))
        .filter(rows::status.eq(Status::Pending.as_str()))
        .set((
            rows::status.eq(status.as_str()),
            rows::reason.eq(reason),
            rows::decided_by.eq(admin.0),
            rows::decided_at.eq(at),
        ))
        .returning(Verification::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// What is pending is about a name or number that the user's company does not have any more.
pub async fn supersede(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::update(rows::table)
        .filter(rows::user_id.eq(user.0))
        .filter(rows::status.eq(Status::Pending.as_str()))
        .set(rows::status.eq(Status::Superseded.as_str()))
        .execute(tx)
        .await?;
    Ok(())
}

/// The user is gone.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::delete(rows::table.filter(rows::user_id.eq(user.0))).execute(tx).await?;
    Ok(())
}
