use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;
use pitchey_web::{Cursor, Paging, Refusal};
use serde_json::Value;
use uuid::Uuid;

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
#[derive(Debug, Insertable)]
#[diesel(table_name = notifications)]
pub(crate) struct New<'a> {
    pub(crate) user_id: i32,
    pub(crate) event_id: Uuid,
    pub(crate) kind: &'a str,
    pub(crate) title: &'a str,
    pub(crate) body: Option<&'a str>,
    pub(crate) data: &'a Value,
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

/// Writes `new` unless the event told this user already.
pub(crate) async fn insert(tx: &mut Tx, new: &New<'_>) -> QueryResult<()> {
    diesel::insert_into(notifications::table).values(new).on_conflict_do_nothing().execute(tx).await?;
    Ok(())
}

/// The page of `user`'s list, newest first, with one row more than its limit if there is one.
pub(crate) async fn page(
    tx: &mut Tx,
    user: UserId,
    which: Which,
    paging: &Paging,
) -> Result<Vec<Notification>, Refusal> {
    let mut query = notifications::table
        .filter(notifications::user_id.eq(user.0))
        .order((notifications::created_at.desc(), notifications::id.desc()))
        .select(Notification::as_select())
        .limit(paging.limit + 1)
        .into_boxed();
    if which == Which::Unread {
        query = query.filter(notifications::read_at.is_null());
    }
    query = match &paging.cursor {
        None => query.offset(paging.offset()),
        Some(cursor) => {
            let (at, id): (DateTime<Utc>, i64) = cursor.key()?;
            query
                .filter(notifications::created_at.le(at))
                .filter(notifications::created_at.lt(at).or(notifications::id.lt(id)))
        }
    };
    Ok(query.load(tx).await?)
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
