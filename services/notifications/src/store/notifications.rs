use chrono::{DateTime, Utc};
use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Integer, Jsonb, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;
use pitchey_web::{Cursor, Paging, Refusal};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::consumers::Links;
use crate::schema::notifications;

/// Rows are counted up to here; it is one more than what lists show as exact.
const COUNTED: i64 = 1_001;

/// What the bell shows.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = notifications)]
pub(crate) struct Notification {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) data: Option<Value>,
    pub(crate) read_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
}

/// One to be written.
#[derive(Debug, Serialize)]
pub(crate) struct New<'a> {
    pub(crate) user_id: i32,
    pub(crate) event_id: Uuid,
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    pub(crate) title: &'a str,
    pub(crate) body: Option<&'a str>,
    pub(crate) data: &'a Links,
}

/// One that was written.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(crate) struct Written {
    #[diesel(sql_type = BigInt)]
    pub(crate) id: i64,
    #[diesel(sql_type = Integer)]
    pub(crate) user_id: i32,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub(crate) event_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) created_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Which of a user's notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    Unread,
}

/// Writes `new`, those of a user in their order, but nothing that an event told this user already; returns what was written.
pub(crate) async fn insert(tx: &mut Tx, new: &[New<'_>], now: DateTime<Utc>) -> QueryResult<Vec<Written>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let rows = serde_json::to_value(new).map_err(|error| DieselError::SerializationError(error.into()))?;
    // One text for any number of rows.
    diesel::sql_query(
        "INSERT INTO notifications (user_id, event_id, type, title, body, data, created_at)
         SELECT user_id, event_id, type, title, body, data, $2
         FROM ROWS FROM (jsonb_to_recordset($1) AS (user_id integer, event_id uuid, type text, title text, body text, data jsonb))
              WITH ORDINALITY AS new (user_id, event_id, type, title, body, data, number)
         ORDER BY user_id, number
         ON CONFLICT (event_id, user_id) DO NOTHING
         RETURNING id, user_id, event_id, created_at",
    )
    .bind::<Jsonb, _>(rows)
    .bind::<Timestamptz, _>(now)
    .load(tx)
    .await
}

type Rows = notifications::BoxedQuery<'static, Pg, SqlTypeOf<AsSelect<Notification, Pg>>>;

/// The page of `user`'s list, newest first, with one row more than its limit if there is one.
pub(crate) async fn page(
    tx: &mut Tx,
    user: UserId,
    which: Which,
    paging: &Paging,
) -> Result<Vec<Notification>, Refusal> {
    Ok(query(user, which, paging)?.load(tx).await?)
}

fn query(user: UserId, which: Which, paging: &Paging) -> Result<Rows, Refusal> {
    let own = notifications::table
        .filter(notifications::user_id.eq(user.0))
        .order((notifications::created_at.desc(), notifications::id.desc()))
        .select(Notification::as_select())
        .limit(paging.limit + 1);
    let rows = match which {
        Which::All => own.into_boxed(),
        Which::Unread => own.filter(notifications::read_at.is_null()).into_boxed(),
    };
    Ok(match &paging.cursor {
        None => rows.offset(paging.offset()),
        Some(cursor) => {
            let (at, id): (DateTime<Utc>, i64) = cursor.key()?;
            rows.filter(notifications::created_at.le(at))
                .filter(notifications::created_at.lt(at).or(notifications::id.lt(id)))
        }
    })
}

/// The place after `notification` in its list.
pub(crate) fn cursor(notification: &Notification) -> Cursor {
    Cursor::after(&(notification.created_at, notification.id))
}

/// How many there are; not counted on beyond 1,001.
pub(crate) async fn count(tx: &mut Tx, user: UserId, which: Which) -> QueryResult<i64> {
    let unread = match which {
        Which::All => "",
        Which::Unread => "AND read_at IS NULL",
    };
    // The DSL counts no more than it can name: a count of a limited query it can't.
    let counted: Counted = diesel::sql_query(format!(
        "SELECT count(*) AS count FROM (SELECT FROM notifications WHERE user_id = $1 {unread} LIMIT $2) AS rows"
    ))
    .bind::<Integer, _>(user.0)
    .bind::<BigInt, _>(COUNTED)
    .get_result(tx)
    .await?;
    Ok(counted.count)
}

/// Marks the one called `id` as read, if it is `user`'s; the first reading counts.
pub(crate) async fn mark_read(
    tx: &mut Tx,
    user: UserId,
    id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Option<Notification>> {
    let own = notifications::table.filter(notifications::id.eq(id)).filter(notifications::user_id.eq(user.0));
    diesel::update(own.filter(notifications::read_at.is_null()))
        .set(notifications::read_at.eq(now))
        .execute(tx)
        .await?;
    own.select(Notification::as_select()).first(tx).await.optional()
}

/// Marks all of `user`'s as read, and says how many were not.
pub(crate) async fn mark_all_read(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> QueryResult<usize> {
    let unread = notifications::table
        .filter(notifications::user_id.eq(user.0))
        .filter(notifications::read_at.is_null());
    diesel::update(unread).set(notifications::read_at.eq(now)).execute(tx).await
}

/// Forgets up to `limit` that are older than `before`.
pub(crate) async fn forget(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> QueryResult<usize> {
    let old = notifications::table
        .filter(notifications::created_at.lt(before))
        .order(notifications::created_at)
        .select(notifications::id)
        .limit(limit);
    let ids: Vec<i64> = old.load(tx).await?;
    diesel::delete(notifications::table.filter(notifications::id.eq_any(ids))).execute(tx).await
}

/// Forgets all of a user who is gone.
pub(crate) async fn erase(tx: &mut Tx, user: UserId) -> QueryResult<usize> {
    diesel::delete(notifications::table.filter(notifications::user_id.eq(user.0))).execute(tx).await
}

/// Up to `limit` of `user`'s after `after`, by id.
pub(crate) async fn after(
    tx: &mut Tx,
    user: UserId,
    after: i64,
    limit: i64,
) -> QueryResult<Vec<Notification>> {
    notifications::table
        .filter(notifications::user_id.eq(user.0))
        .filter(notifications::id.gt(after))
        .order(notifications::id)
        .select(Notification::as_select())
        .limit(limit)
        .load(tx)
        .await
}

#[cfg(test)]
mod tests {
    use diesel_async::SimpleAsyncConnection;
    use pitchey_events::UserType;
    use pitchey_testkit::{Plan, TestDatabase};

    use pitchey_web::{Cursor, Paging};

    use super::{Which, query};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_page_is_read_from_the_index_in_order() {
        let db = TestDatabase::create().await;
        let mut users = Vec::new();
        for _ in 0..10 {
            users.push(db.user(UserType::Creator).await);
        }
        db.execute(&format!(
            "INSERT INTO notifications (user_id, event_id, type, title, read_at, created_at)
             SELECT {} + n % 10, gen_random_uuid(), 'welcome', 'x', CASE WHEN n % 50 >= 10 THEN now() END, now() - n * interval '1 minute'
             FROM generate_series(1, 20000) AS n;
             ANALYZE notifications",
            users[0]
        ))
        .await;
        let mut connection = db.connect_as("pitchey_notifications").await;
        connection.batch_execute(&format!("SET app.uid = '{}'", users[3])).await.unwrap();
        for (which, index) in
            [(Which::All, "notifications_user_id_idx"), (Which::Unread, "notifications_unread_idx")]
        {
            let after = Cursor::after(&(pitchey_clock::Clock::system().now(), i64::MAX));
            for cursor in [None, Some(after)] {
                let paging = Paging { page: 1, limit: 20, cursor };
                let plan = Plan::of(&mut connection, query(users[3], which, &paging).unwrap()).await;
                plan.assert_uses_index(index);
                plan.assert_never_sorts();
                plan.assert_never_scans("notifications");
            }
        }
    }
}
