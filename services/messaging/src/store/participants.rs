//! `conversation_participants`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{ConversationId, UserId};

use crate::schema::conversation_participants as participants;
use crate::words::Role;

/// A row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = participants)]
pub struct Participant {
    pub conversation_id: i32,
    pub user_id: i32,
    pub role: Role,
    pub joined_at: DateTime<Utc>,
    pub last_read_at: Option<DateTime<Utc>>,
    pub is_active: bool,
    pub last_read_message_id: Option<i64>,
    pub last_delivered_message_id: Option<i64>,
    pub left_at: Option<DateTime<Utc>>,
    pub archived_at: Option<DateTime<Utc>>,
}

impl Participant {
    pub const fn user(&self) -> UserId {
        UserId(self.user_id)
    }
}

/// A row to be.
#[derive(Insertable)]
#[diesel(table_name = participants)]
pub struct New {
    pub conversation_id: i32,
    pub user_id: i32,
    pub role: Role,
    pub joined_at: DateTime<Utc>,
    pub active_until: Option<DateTime<Utc>>,
}

/// Inserts members; who is or was one stays as he is.
pub async fn insert(tx: &mut Tx, new: &[New]) -> QueryResult<()> {
    diesel::insert_into(participants::table).values(new).on_conflict_do_nothing().execute(tx).await?;
    Ok(())
}

/// All members, former ones included, by user.
pub async fn of(tx: &mut Tx, conversation: ConversationId) -> QueryResult<Vec<Participant>> {
    of_all(tx, &[conversation.0]).await
}

/// All members of `conversations`, former ones included, by conversation and user.
pub async fn of_all(tx: &mut Tx, conversations: &[i32]) -> QueryResult<Vec<Participant>> {
    participants::table
        .filter(participants::conversation_id.eq_any(conversations))
        .order((participants::conversation_id, participants::user_id))
        .select(Participant::as_select())
        .load(tx)
        .await
}

/// Moves the reader on to `up_to`, never back. `None`: it was there already. Otherwise where it was before.
pub async fn read(
    tx: &mut Tx,
    conversation: ConversationId,
    user: UserId,
    up_to: i64,
    now: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    let row = participants::table
        .filter(participants::conversation_id.eq(conversation.0))
        .filter(participants::user_id.eq(user.0));
    let before: Option<i64> =
        row.select(participants::last_read_message_id).for_no_key_update().first(tx).await?;
    let before = before.unwrap_or(0);
    if before >= up_to {
        return Ok(None);
    }
    let delivered = diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::BigInt>>(
        "greatest(last_delivered_message_id, ",
    )
    .bind::<diesel::sql_types::BigInt, _>(up_to)
    .sql(")");
    diesel::update(row)
        .set((
            participants::last_read_message_id.eq(up_to),
            participants::last_read_at.eq(now),
            participants::last_delivered_message_id.eq(delivered),
        ))
        .execute(tx)
        .await?;
    Ok(Some(before))
}

/// Puts the conversation away for one member, or takes it back.
pub async fn archive(
    tx: &mut Tx,
    conversation: ConversationId,
    user: UserId,
    at: Option<DateTime<Utc>>,
) -> QueryResult<usize> {
    diesel::update(participants::table)
        .filter(participants::conversation_id.eq(conversation.0))
        .filter(participants::user_id.eq(user.0))
        .set(participants::archived_at.eq(at))
        .execute(tx)
        .await
}

/// Ends a membership; the conversation is locked.
pub async fn end(
    tx: &mut Tx,
    conversation: ConversationId,
    user: UserId,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let ended = diesel::update(participants::table)
        .filter(participants::conversation_id.eq(conversation.0))
        .filter(participants::user_id.eq(user.0))
        .filter(participants::is_active)
        .set((participants::is_active.eq(false), participants::left_at.eq(now)))
        .execute(tx)
        .await?;
    Ok(ended > 0)
}

/// Makes a membership active again, until `until` if that is known; the conversation is locked. Whether it was not.
pub async fn resume(
    tx: &mut Tx,
    conversation: ConversationId,
    user: UserId,
    until: Option<DateTime<Utc>>,
) -> QueryResult<bool> {
    let row = participants::table
        .filter(participants::conversation_id.eq(conversation.0))
        .filter(participants::user_id.eq(user.0));
    let resumed = diesel::update(row.filter(participants::is_active.eq(false)))
        .set((
            participants::is_active.eq(true),
            participants::left_at.eq(None::<DateTime<Utc>>),
            participants::active_until.eq(until),
        ))
        .execute(tx)
        .await?;
    if resumed == 0 {
        diesel::update(row).set(participants::active_until.eq(until)).execute(tx).await?;
    }
    Ok(resumed > 0)
}

/// Memberships whose time is over: (conversation, user), at most `most`.
pub async fn overdue(tx: &mut Tx, now: DateTime<Utc>, most: i64) -> QueryResult<Vec<(i32, i32)>> {
    participants::table
        .filter(participants::is_active)
        .filter(participants::active_until.le(now))
        .order((participants::conversation_id, participants::user_id))
        .select((participants::conversation_id, participants::user_id))
        .limit(most)
        .load(tx)
        .await
}

/// The conversations of which `user` is an active member.
pub async fn active_of(tx: &mut Tx, user: UserId) -> QueryResult<Vec<i32>> {
    participants::table
        .filter(participants::user_id.eq(user.0))
        .filter(participants::is_active)
        .order(participants::conversation_id)
        .select(participants::conversation_id)
        .load(tx)
        .await
}

/// (who is to know, of whom): active members of one conversation, the ones of `watchers`, the others of `moved`.
pub async fn acquainted(tx: &mut Tx, watchers: &[i32], moved: &[i32]) -> QueryResult<Vec<(i32, i32)>> {
    #[derive(QueryableByName)]
    struct Pair {
        #[diesel(sql_type = Integer)]
        watcher: i32,
        #[diesel(sql_type = Integer)]
        moved: i32,
    }
    let sql = "SELECT DISTINCT w.user_id AS watcher, m.user_id AS moved
               FROM conversation_participants AS m
               JOIN conversation_participants AS w ON w.conversation_id = m.conversation_id AND w.user_id <> m.user_id
               WHERE m.user_id = ANY ($1) AND m.is_active AND w.user_id = ANY ($2) AND w.is_active";
    let pairs: Vec<Pair> = diesel::sql_query(sql)
        .bind::<Array<Integer>, _>(moved)
        .bind::<Array<Integer>, _>(watchers)
        .load(tx)
        .await?;
    Ok(pairs.into_iter().map(|pair| (pair.watcher, pair.moved)).collect())
}
