use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_db::Tx;
use pitchey_events::UserId;

use super::users::User;
use crate::schema::{user_blocks, users};

/// Whether one of the two blocked the other.
pub async fn between(mut connection: &AsyncPgConnection, one: UserId, other: UserId) -> QueryResult<bool> {
    let row = |blocker: UserId, blocked: UserId| {
        user_blocks::blocker_id.eq(blocker.0).and(user_blocks::blocked_id.eq(blocked.0))
    };
    diesel::select(diesel::dsl::exists(user_blocks::table.filter(row(one, other).or(row(other, one)))))
        .get_result(&mut connection)
        .await
}

/// Everybody with whom `user` has a block, whichever side made it.
pub async fn around(connection: &mut AsyncPgConnection, user: UserId) -> QueryResult<Vec<i32>> {
    let made = user_blocks::table.filter(user_blocks::blocker_id.eq(user.0)).select(user_blocks::blocked_id);
    let met = user_blocks::table.filter(user_blocks::blocked_id.eq(user.0)).select(user_blocks::blocker_id);
    made.union(met).load(connection).await
}

/// (who blocked, whom), wherever one of `users` is one of the two.
pub async fn around_all(connection: &mut AsyncPgConnection, users: &[i32]) -> QueryResult<Vec<(i32, i32)>> {
    let pair = (user_blocks::blocker_id, user_blocks::blocked_id);
    let made = user_blocks::table.filter(user_blocks::blocker_id.eq_any(users)).select(pair);
    let met = user_blocks::table.filter(user_blocks::blocked_id.eq_any(users)).select(pair);
    made.union(met).load(connection).await
}

/// Whether the block is new.
pub async fn insert(tx: &mut Tx, blocker: UserId, blocked: UserId) -> QueryResult<bool> {
    let inserted = diesel::insert_into(user_blocks::table)
        .values((user_blocks::blocker_id.eq(blocker.0), user_blocks::blocked_id.eq(blocked.0)))
        .on_conflict_do_nothing()
        .execute(tx)
        .await?;
    Ok(inserted == 1)
}

/// Whether there was a block.
pub async fn delete(tx: &mut Tx, blocker: UserId, blocked: UserId) -> QueryResult<bool> {
    let deleted = diesel::delete(user_blocks::table.find((blocker.0, blocked.0))).execute(tx).await?;
    Ok(deleted == 1)
}

/// Whom `blocker` blocked, by id, after `after`; at most `most`.
pub async fn blocked(
    tx: &mut Tx,
    blocker: UserId,
    after: i32,
    skip: i64,
    most: i64,
) -> QueryResult<Vec<User>> {
    user_blocks::table
        .inner_join(users::table.on(users::id.eq(user_blocks::blocked_id)))
        .filter(user_blocks::blocker_id.eq(blocker.0))
        .filter(user_blocks::blocked_id.gt(after))
        .order(user_blocks::blocked_id)
        .offset(skip)
        .limit(most)
        .select(User::as_select())
        .load(tx)
        .await
}

/// How many `blocker` blocked, counted up to `most`.
pub async fn count(tx: &mut Tx, blocker: UserId, most: i64) -> QueryResult<i64> {
    let ids = user_blocks::table
        .filter(user_blocks::blocker_id.eq(blocker.0))
        .select(user_blocks::blocked_id)
        .limit(most)
        .load::<i32>(tx)
        .await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// Forgets every block of a user who is gone, from either side.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::delete(
        user_blocks::table.filter(user_blocks::blocker_id.eq(user.0).or(user_blocks::blocked_id.eq(user.0))),
    )
    .execute(tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use pitchey_testkit::{Plan, TestDatabase};

    use super::*;

    #[tokio::test]
    async fn blocks_are_found_by_index_from_either_side() {
        let db = TestDatabase::create().await;
        let mut connection = db.connect_as("pitchey_accounts_system").await;
        let made = user_blocks::table.filter(user_blocks::blocker_id.eq(1)).select(user_blocks::blocked_id);
        Plan::of(&mut connection, made).await.assert_uses_index("user_blocks_pkey");
        let met = user_blocks::table.filter(user_blocks::blocked_id.eq(1)).select(user_blocks::blocker_id);
        Plan::of(&mut connection, met).await.assert_uses_index("user_blocks_blocked_id_idx");
    }
}
