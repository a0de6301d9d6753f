//! `data_requests` and `data_export_chunks`.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::VarChar;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_db::{Tx, words};
use pitchey_events::UserId;

use crate::schema::{data_export_chunks, data_requests};

words! {
    /// What a user asked for.
    Kind: VarChar {
        /// A copy of everything.
        Export = "export",
        /// To be forgotten.
        Deletion = "deletion",
    }
}

words! {
    /// What became of it.
    Status: VarChar {
        /// Waits: for a worker, or for the end of the days of grace.
        Pending = "pending",
        /// A worker has it.
        Processing = "processing",
        /// Done.
        Completed = "completed",
        /// The user came back.
        Cancelled = "cancelled",
        /// The copy is gone.
        Expired = "expired",
        /// It could not be made within a day.
        Failed = "failed",
    }
}

const OPEN: [&str; 2] = [Status::Pending.as_str(), Status::Processing.as_str()];

/// A row.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = data_requests, check_for_backend(Pg))]
pub struct DataRequest {
    pub id: i64,
    pub user_id: i32,
    pub kind: Kind,
    pub status: Status,
    pub attempts: i32,
    pub completed_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub size_bytes: Option<i64>,
    pub created_at: DateTime<Utc>,
}

/// A new request; `None` if one of the kind is open.
pub async fn insert(
    tx: &mut Tx,
    user: UserId,
    kind: Kind,
    expires_at: Option<DateTime<Utc>>,
    at: DateTime<Utc>,
) -> QueryResult<Option<DataRequest>> {
    diesel::insert_into(data_requests::table)
        .values((
            data_requests::user_id.eq(user.0),
            data_requests::kind.eq(kind.as_str()),
            data_requests::expires_at.eq(expires_at),
            data_requests::next_try_at.eq(at),
            data_requests::created_at.eq(at),
        ))
        .on_conflict_do_nothing()
        .returning(DataRequest::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// The user's newest request of the kind.
pub async fn newest(tx: &mut Tx, user: UserId, kind: Kind) -> QueryResult<Option<DataRequest>> {
    data_requests::table
        .filter(data_requests::user_id.eq(user.0))
        .filter(data_requests::kind.eq(kind.as_str()))
        .order(data_requests::id.desc())
        .select(DataRequest::as_select())
        .first(tx)
        .await
        .optional()
}

/// The user's requests, newest first.
pub async fn of_user(tx: &mut Tx, user: UserId) -> QueryResult<Vec<DataRequest>> {
    data_requests::table
        .filter(data_requests::user_id.eq(user.0))
        .order(data_requests::id.desc())
        .limit(500)
        .select(DataRequest::as_select())
        .load(tx)
        .await
}

pub async fn get(tx: &mut Tx, user: UserId, id: i64) -> QueryResult<Option<DataRequest>> {
    data_requests::table
        .find(id)
        .filter(data_requests::user_id.eq(user.0))
        .select(DataRequest::as_select())
        .first(tx)
        .await
        .optional()
}

/// Ends the user's open requests of the kind.
pub async fn end(
    tx: &mut Tx,
    user: UserId,
    kind: Kind,
    status: Status,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(data_requests::table)
        .filter(data_requests::user_id.eq(user.0))
        .filter(data_requests::kind.eq(kind.as_str()))
        .filter(data_requests::status.eq_any(OPEN))
        .set((
            data_requests::status.eq(status.as_str()),
            data_requests::completed_at.eq(at),
            data_requests::claimed_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn due(at: DateTime<Utc>) -> _ {
    let open: [&'static str; 2] = OPEN;
    data_requests::table
        .filter(data_requests::kind.eq("export"))
        .filter(data_requests::status.eq_any(open))
        .filter(data_requests::next_try_at.le(at))
        .filter(data_requests::claimed_until.is_null().or(data_requests::claimed_until.lt(at)))
        .order(data_requests::next_try_at)
}

/// Takes the next export until `until`; no other worker gets it before.
pub async fn claim(tx: &mut Tx, at: DateTime<Utc>, until: DateTime<Utc>) -> QueryResult<Option<DataRequest>> {
    let next =
        due(at).select(data_requests::id).for_update().skip_locked().first::<i64>(tx).await.optional()?;
    let Some(id) = next else { return Ok(None) };
    diesel::update(data_requests::table.find(id))
        .set((
            data_requests::status.eq(Status::Processing.as_str()),
            data_requests::attempts.eq(data_requests::attempts + 1),
            data_requests::claimed_until.eq(until),
        ))
        .returning(DataRequest::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// What became of an export that this worker took; whether it still had it.
pub async fn settle(
    tx: &mut Tx,
    taken: &DataRequest,
    status: Status,
    next_try_at: DateTime<Utc>,
    ready: Option<(DateTime<Utc>, DateTime<Utc>, i64)>,
) -> QueryResult<bool> {
    let settled = diesel::update(data_requests::table.find(taken.id))
        .filter(data_requests::status.eq(Status::Processing.as_str()))
        .filter(data_requests::attempts.eq(taken.attempts))
        .set((
            data_requests::status.eq(status.as_str()),
            data_requests::next_try_at.eq(next_try_at),
            data_requests::claimed_until.eq(None::<DateTime<Utc>>),
            data_requests::completed_at.eq(ready.map(|(at, ..)| at)),
            data_requests::expires_at.eq(ready.map(|(_, expires_at, _)| expires_at)),
            data_requests::size_bytes.eq(ready.map(|(.., size)| size)),
        ))
        .execute(tx)
        .await?;
    Ok(settled == 1)
}

/// Adds a piece of the archive.
pub async fn add_chunk(tx: &mut Tx, request: &DataRequest, number: i32, content: &str) -> QueryResult<()> {
    diesel::insert_into(data_export_chunks::table)
        .values((
            data_export_chunks::data_request_id.eq(request.id),
            data_export_chunks::user_id.eq(request.user_id),
            data_export_chunks::number.eq(number),
            data_export_chunks::content.eq(content),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// A piece of the archive; `None` after the last.
pub async fn chunk(tx: &mut Tx, id: i64, number: i32) -> QueryResult<Option<String>> {
    data_export_chunks::table
        .find((id, number))
        .select(data_export_chunks::content)
        .first(tx)
        .await
        .optional()
}

/// Removes archives that can't be fetched any more.
pub async fn sweep(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    let expired = diesel::update(data_requests::table)
        .filter(data_requests::kind.eq("export"))
        .filter(data_requests::status.eq("completed"))
        .filter(data_requests::expires_at.le(now))
        .set(data_requests::status.eq(Status::Expired.as_str()))
        .execute(connection)
        .await?;
    let over = data_requests::table
        .filter(data_requests::status.ne(Status::Completed.as_str()))
        .select(data_requests::id);
    let chunks = data_export_chunks::table.filter(data_export_chunks::data_request_id.eq_any(over));
    Ok(expired + diesel::delete(chunks).execute(connection).await?)
}

/// Removes the archives of a user who is gone.
pub async fn forget_archives(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::delete(data_export_chunks::table.filter(data_export_chunks::user_id.eq(user.0)))
        .execute(tx)
        .await?;
    diesel::update(data_requests::table)
        .filter(data_requests::user_id.eq(user.0))
        .filter(data_requests::kind.eq("export"))
        .filter(data_requests::status.eq("completed"))
        .set(data_requests::status.eq(Status::Expired.as_str()))
        .execute(tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use pitchey_testkit::{Plan, TestDatabase};

    use super::*;

    #[tokio::test]
    async fn the_next_export_is_found_by_its_index() {
        let db = TestDatabase::create().await;
        let mut connection = db.connect_as("pitchey_accounts_system").await;
        let now = pitchey_clock::Clock::system().now();
        let plan = Plan::of(&mut connection, due(now).select(data_requests::id)).await;
        plan.assert_uses_index("data_requests_next_try_at_idx");
    }
}
