//! `typing_indicators`.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{ConversationId, UserId};

use crate::schema::typing_indicators as typing;

/// How long an indicator counts.
pub const LIVES: TimeDelta = TimeDelta::seconds(6);
/// One that counts longer than this is not told again.
const STILL_GOOD: TimeDelta = TimeDelta::seconds(3);

/// Notes that `user` types. Whether that is worth telling.
pub async fn begin(
    tx: &mut Tx,
    conversation: ConversationId,
    user: UserId,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let sql = "INSERT INTO typing_indicators AS t (conversation_id, user_id, started_at, expires_at) VALUES ($1, $2, $3, $4)
               ON CONFLICT (conversation_id, user_id) DO UPDATE SET started_at = excluded.started_at, expires_at = excluded.expires_at
               WHERE t.expires_at < $5";
    let told = diesel::sql_query(sql)
        .bind::<Integer, _>(conversation.0)
        .bind::<Integer, _>(user.0)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now + LIVES)
        .bind::<Timestamptz, _>(now + STILL_GOOD)
        .execute(tx)
        .await?;
    Ok(told > 0)
}

/// Notes that `user` stopped. Whether that is news.
pub async fn end(
    tx: &mut Tx,
    conversation: ConversationId,
    user: UserId,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let removed: Option<DateTime<Utc>> = diesel::delete(typing::table)
        .filter(typing::conversation_id.eq(conversation.0))
        .filter(typing::user_id.eq(user.0))
        .returning(typing::expires_at)
        .get_result(tx)
        .await
        .optional()?;
    Ok(removed.is_some_and(|expires_at| expires_at > now))
}

/// Forgets what does not count any more, and everything of `user`, if one is named.
pub async fn forget(tx: &mut Tx, user: Option<UserId>, now: DateTime<Utc>) -> QueryResult<usize> {
    match user {
        Some(user) => diesel::delete(typing::table.filter(typing::user_id.eq(user.0))).execute(tx).await,
        None => {
            let over = typing::expires_at.lt(now - TimeDelta::minutes(1));
            diesel::delete(typing::table.filter(over)).execute(tx).await
        }
    }
}
