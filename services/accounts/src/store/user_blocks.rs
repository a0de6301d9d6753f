use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_events::UserId;

use crate::schema::user_blocks;

/// Whether one of the two blocked the other.
pub async fn between(connection: &mut AsyncPgConnection, one: UserId, other: UserId) -> QueryResult<bool> {
    let row = |blocker: UserId, blocked: UserId| {
        user_blocks::blocker_id.eq(blocker.0).and(user_blocks::blocked_id.eq(blocked.0))
    };
    diesel::select(diesel::dsl::exists(user_blocks::table.filter(row(one, other).or(row(other, one)))))
        .get_result(connection)
        .await
}

/// Everybody with whom `user` has a block, whichever side made it.
pub async fn around(connection: &mut AsyncPgConnection, user: UserId) -> QueryResult<Vec<i32>> {
    let made = user_blocks::table.filter(user_blocks::blocker_id.eq(user.0)).select(user_blocks::blocked_id);
    let met = user_blocks::table.filter(user_blocks::blocked_id.eq(user.0)).select(user_blocks::blocker_id);
    made.union(met).load(connection).await
}
