//! `follows`: of users and of pitches; the followed pitches are the watch list.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use pitchey_db::{Counted, Tx};
use pitchey_events::{PitchId, UserId};

use super::Place;
use super::pitches::Card;
use crate::schema::{follows, pitches};

/// What somebody follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    User(UserId),
    Pitch(PitchId),
}

/// One side of a follow: who, when, and the row for cursors.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct Follow {
    pub id: i32,
    pub user: i32,
    pub at: DateTime<Utc>,
}

/// Whether it is new.
pub async fn insert(tx: &mut Tx, follower: UserId, target: Target, now: DateTime<Utc>) -> QueryResult<bool> {
    let (user, pitch) = match target {
        Target::User(user) => (Some(user.0), None),
        Target::Pitch(pitch) => (None, Some(pitch.0)),
    };
    let inserted = diesel::insert_into(follows::table)
        .values((
            follows::follower_id.eq(follower.0),
            follows::following_id.eq(user),
            follows::pitch_id.eq(pitch),
            follows::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx)
        .await?;
    Ok(inserted == 1)
}

/// Whether there was one.
pub async fn remove(tx: &mut Tx, follower: UserId, target: Target) -> QueryResult<bool> {
    let of_follower = follows::table.filter(follows::follower_id.eq(follower.0));
    let removed = match target {
        Target::User(user) => {
            diesel::delete(of_follower.filter(follows::following_id.eq(user.0))).execute(tx).await?
        }
        Target::Pitch(pitch) => {
            diesel::delete(of_follower.filter(follows::pitch_id.eq(pitch.0))).execute(tx).await?
        }
    };
    Ok(removed == 1)
}

/// Ends what `one` follows of `other`: the user and the pitches. Returns them.
pub async fn part(tx: &mut Tx, one: UserId, other: UserId) -> QueryResult<Vec<Target>> {
    let theirs = pitches::table.filter(pitches::user_id.eq(other.0)).select(pitches::id.nullable());
    let ended = diesel::delete(
        follows::table
            .filter(follows::follower_id.eq(one.0))
            .filter(follows::following_id.eq(other.0).or(follows::pitch_id.eq_any(theirs))),
    );
    let rows: Vec<(Option<i32>, Option<i32>)> =
        ended.returning((follows::following_id, follows::pitch_id)).get_results(tx).await?;
    Ok(rows.into_iter().filter_map(target).collect())
}

/// Ends everything that `user` follows. Returns it.
pub async fn forget_follower(tx: &mut Tx, user: UserId) -> QueryResult<Vec<Target>> {
    let ended = diesel::delete(follows::table.filter(follows::follower_id.eq(user.0)));
    let rows: Vec<(Option<i32>, Option<i32>)> =
        ended.returning((follows::following_id, follows::pitch_id)).get_results(tx).await?;
    Ok(rows.into_iter().filter_map(target).collect())
}

/// Ends every follow of `target`. Returns who followed.
pub async fn forget_target(tx: &mut Tx, target: Target) -> QueryResult<Vec<UserId>> {
    let followers: Vec<i32> = match target {
        Target::User(user) => {
            diesel::delete(follows::table.filter(follows::following_id.eq(user.0)))
                .returning(follows::follower_id)
                .get_results(tx)
                .await?
        }
        Target::Pitch(pitch) => {
            diesel::delete(follows::table.filter(follows::pitch_id.eq(pitch.0)))
                .returning(follows::follower_id)
                .get_results(tx)
                .await?
        }
    };
    Ok(followers.into_iter().map(UserId).collect())
}

fn target((user, pitch): (Option<i32>, Option<i32>)) -> Option<Target> {
    user.map(|id| Target::User(UserId(id))).or(pitch.map(|id| Target::Pitch(PitchId(id))))
}

/// Who follows `user`, newest first: one page and one more, and how many there are.
pub async fn followers(tx: &mut Tx, user: UserId, place: Place) -> QueryResult<(Vec<Follow>, i64)> {
    let all = follows::table.filter(follows::following_id.eq(user.0));
    let counted = Counted(all.select(follows::id).limit(pitchey_web::COUNTED + 1)).get_result(tx).await?;
    let page = followers_page(user, place).select((follows::id, follows::follower_id, follows::created_at));
    Ok((page.load(tx).await?, counted))
}

/// The query of a page of followers.
pub(super) fn followers_page<'a>(user: UserId, place: Place) -> follows::BoxedQuery<'a, Pg> {
    from(follows::table.into_boxed().filter(follows::following_id.eq(user.0)), place)
}

/// From the place on, newest first.
fn from(query: follows::BoxedQuery<'_, Pg>, place: Place) -> follows::BoxedQuery<'_, Pg> {
    let (at, id) = place.begin();
    query
        .filter(follows::created_at.le(at))
        .filter(follows::created_at.lt(at).or(follows::id.lt(id)))
        .order((follows::created_at.desc(), follows::id.desc()))
        .offset(place.offset)
        .limit(place.limit + 1)
}

/// Whom `user` follows, newest first: one page and one more, and how many there are.
pub async fn following(tx: &mut Tx, user: UserId, place: Place) -> QueryResult<(Vec<Follow>, i64)> {
    let all =
        follows::table.filter(follows::follower_id.eq(user.0)).filter(follows::following_id.is_not_null());
    let counted = Counted(all.select(follows::id).limit(pitchey_web::COUNTED + 1)).get_result(tx).await?;
    let followed = (follows::id, follows::following_id.assume_not_null(), follows::created_at);
    let page = following_page(user, place).select(followed);
    Ok((page.load(tx).await?, counted))
}

/// The query of a page of followed users.
pub(super) fn following_page<'a>(user: UserId, place: Place) -> follows::BoxedQuery<'a, Pg> {
    let all = follows::table.into_boxed().filter(follows::follower_id.eq(user.0));
    from(all.filter(follows::following_id.is_not_null()), place)
}

/// The published ones among the pitches that `user` follows, the newest follow first: one page and one more, and how many there are.
pub async fn watched(
    tx: &mut Tx,
    user: UserId,
    place: Place,
) -> QueryResult<(Vec<(Card, DateTime<Utc>, i32)>, i64)> {
    let all = follows::table
        .inner_join(pitches::table.on(follows::pitch_id.eq(pitches::id.nullable())))
        .filter(follows::follower_id.eq(user.0))
        .filter(follows::pitch_id.is_not_null())
        .filter(sql::<Bool>("pitches.status = 'published'"));
    let counted =
        Counted(all.clone().select(follows::id).limit(pitchey_web::COUNTED + 1)).get_result(tx).await?;
    let (at, id) = place.begin();
    let rows = all
        .filter(follows::created_at.le(at))
        .filter(follows::created_at.lt(at).or(follows::id.lt(id)))
        .select((Card::as_select(), follows::created_at, follows::id))
        .order((follows::created_at.desc(), follows::id.desc()))
        .offset(place.offset)
        .limit(place.limit + 1)
        .load(tx)
        .await?;
    Ok((rows, counted))
}
