//! What stands between two users, over `ndas`, `follows` and `pitches`: for other services.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_events::{PitchId, UserId};

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
