//! What stands between two users, over `ndas`, `follows` and `pitches`: for other services.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_events::{PitchId, UserId};

use crate::schema::follows;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Standing {
    #[diesel(sql_type = Bool)]
    pub signed_nda_between: bool,
    #[diesel(sql_type = Bool)]
    pub mutual_follow: bool,
    #[diesel(sql_type = Bool)]
    pub user_has_published_pitch: bool,
    #[diesel(sql_type = Bool)]
    pub other_has_published_pitch: bool,
}

/// An NDA in force: signed, not run out, and its pitch is neither deleted nor hidden by a moderator. As `Nda::status_at` and the projection have it.
const IN_FORCE: &str = "n.status = 'signed' AND (n.expires_at IS NULL OR n.expires_at > $1)
       AND EXISTS (SELECT FROM pitches AS p WHERE p.id = n.pitch_id AND p.deleted_at IS NULL AND p.hidden_by IS DISTINCT FROM 'moderator')";

/// Between `user` and `other` at `now`.
pub async fn between(
    connection: &mut AsyncPgConnection,
    user: UserId,
    other: UserId,
    now: DateTime<Utc>,
) -> QueryResult<Standing> {
    let sql = format!(
        "SELECT EXISTS (SELECT FROM ndas AS n WHERE n.owner_id = $2 AND n.requester_id = $3 AND {IN_FORCE})
                OR EXISTS (SELECT FROM ndas AS n WHERE n.owner_id = $3 AND n.requester_id = $2 AND {IN_FORCE}) AS signed_nda_between,
                EXISTS (SELECT FROM follows WHERE follower_id = $2 AND following_id = $3)
                AND EXISTS (SELECT FROM follows WHERE follower_id = $3 AND following_id = $2) AS mutual_follow,
                EXISTS (SELECT FROM pitches WHERE user_id = $2 AND status = 'published' AND deleted_at IS NULL) AS user_has_published_pitch,
                EXISTS (SELECT FROM pitches WHERE user_id = $3 AND status = 'published' AND deleted_at IS NULL) AS other_has_published_pitch"
    );
    diesel::sql_query(sql)
        .bind::<Timestamptz, _>(now)
        .bind::<Integer, _>(user.0)
        .bind::<Integer, _>(other.0)
        .get_result(connection)
        .await
}

/// The NDA of `signer` for `pitch` that is in force at `now`, if there is one: when it ends by itself.
pub async fn signed_nda(
    connection: &mut AsyncPgConnection,
    pitch: PitchId,
    signer: UserId,
    now: DateTime<Utc>,
) -> QueryResult<Option<Option<DateTime<Utc>>>> {
    #[derive(QueryableByName)]
    struct Signed {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        expires_at: Option<DateTime<Utc>>,
    }
    let sql = format!(
        "SELECT n.expires_at FROM ndas AS n WHERE n.pitch_id = $2 AND n.requester_id = $3 AND {IN_FORCE}"
    );
    let signed: Option<Signed> = diesel::sql_query(sql)
        .bind::<Timestamptz, _>(now)
        .bind::<Integer, _>(pitch.0)
        .bind::<Integer, _>(signer.0)
        .get_result(connection)
        .await
        .optional()?;
    Ok(signed.map(|signed| signed.expires_at))
}

/// Up to `limit` followers of `user` with ids above `after`, in order.
pub async fn followers(
    connection: &mut AsyncPgConnection,
    user: UserId,
    after: UserId,
    limit: i64,
) -> QueryResult<Vec<i32>> {
    page_of_followers(user.0, after.0, limit).load(connection).await
}

#[diesel::dsl::auto_type(no_type_alias)]
fn page_of_followers(user: i32, after: i32, limit: i64) -> _ {
    follows::table
        .filter(follows::following_id.eq(user))
        .filter(follows::follower_id.gt(after))
        .order(follows::follower_id)
        .select(follows::follower_id)
        .limit(limit)
}

#[cfg(test)]
mod tests {
    use pitchey_events::UserType;
    use pitchey_testkit::{Plan, TestDatabase};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_page_of_followers_is_read_from_the_index_in_order() {
        let db = TestDatabase::create().await;
        let famous = db.user(UserType::Creator).await;
        db.execute(&format!(
            "INSERT INTO users (email, username, password_hash, user_type)
             SELECT n || '@example.test', 'fan' || n, '', 'viewer' FROM generate_series(1, 5000) AS n;
             INSERT INTO follows (follower_id, following_id) SELECT id, {famous} FROM users WHERE id <> {famous};
             ANALYZE follows"
        ))
        .await;
        let mut connection = db.connect_as("pitchey_pitches_system").await;
        let plan = Plan::of(&mut connection, super::page_of_followers(famous.0, 0, 500)).await;
        plan.assert_uses_index("follows_following_follower_idx");
        plan.assert_never_sorts();
        plan.assert_never_scans("follows");
    }
}
