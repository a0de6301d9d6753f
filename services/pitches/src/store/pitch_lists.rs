//! `pitches`, by pages: the public list and an owner's.

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use pitchey_db::{Counted, Tx};
use pitchey_events::UserId;

use super::Place;
use super::pitches::{Card, Protected};
use crate::schema::pitches;
use crate::words::{Format, Genre, PitchStatus};

/// What a list is narrowed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    pub genre: Option<Genre>,
    pub format: Option<Format>,
    pub status: Option<PitchStatus>,
}

type Boxed<'a> = pitches::BoxedQuery<'a, Pg>;

/// Published pitches, newest first: one page and one more, and how many there are.
pub async fn published(tx: &mut Tx, filter: Filter, place: Place) -> QueryResult<(Vec<Card>, i64)> {
    let counted =
        Counted(public(filter).select(pitches::id).limit(pitchey_web::COUNTED + 1)).get_result(tx).await?;
    let rows = published_page(filter, place).select(Card::as_select()).load(tx).await?;
    Ok((rows, counted))
}

/// The query of a page of the public list.
pub(super) fn published_page<'a>(filter: Filter, place: Place) -> Boxed<'a> {
    let mut query = public(filter);
    if let Some((at, id)) = place.after {
        // The first condition is what the index understands; the second settles rows of the same instant.
        query = query
            .filter(pitches::published_at.le(at))
            .filter(pitches::published_at.lt(at).or(pitches::id.lt(id)));
    }
    query
        .order((pitches::published_at.desc(), pitches::id.desc()))
        .offset(place.offset)
        .limit(place.limit + 1)
}

fn public<'a>(filter: Filter) -> Boxed<'a> {
    // A literal, so that the partial indexes serve every plan.
    narrowed(pitches::table.into_boxed().filter(sql::<Bool>("pitches.status = 'published'")), filter)
}

/// The pitches of `owner`, newest first: one page and one more, and how many there are.
pub async fn owned(
    tx: &mut Tx,
    owner: UserId,
    filter: Filter,
    place: Place,
) -> QueryResult<(Vec<(Card, Protected)>, i64)> {
    let all = of_owner(owner, filter).select(pitches::id).limit(pitchey_web::COUNTED + 1);
    let counted = Counted(all).get_result(tx).await?;
    let rows =
        owned_page(owner, filter, place).select((Card::as_select(), Protected::as_select())).load(tx).await?;
    Ok((rows, counted))
}

/// The query of a page of an owner's list.
pub(super) fn owned_page<'a>(owner: UserId, filter: Filter, place: Place) -> Boxed<'a> {
    let mut query = of_owner(owner, filter);
    if let Some((at, id)) = place.after {
        query = query
            .filter(pitches::created_at.le(at))
            .filter(pitches::created_at.lt(at).or(pitches::id.lt(id)));
    }
    query.order((pitches::created_at.desc(), pitches::id.desc())).offset(place.offset).limit(place.limit + 1)
}

fn of_owner<'a>(owner: UserId, filter: Filter) -> Boxed<'a> {
    let all = pitches::table
        .into_boxed()
        .filter(pitches::user_id.eq(owner.0))
        .filter(pitches::deleted_at.is_null());
    let all = match filter.status {
        Some(status) => all.filter(pitches::status.eq(status)),
        None => all,
    };
    narrowed(all, filter)
}

fn narrowed<'a>(mut query: Boxed<'a>, filter: Filter) -> Boxed<'a> {
    if let Some(genre) = filter.genre {
        query = query.filter(pitches::genre.eq(genre));
    }
    if let Some(format) = filter.format {
        query = query.filter(pitches::format.eq(format));
    }
    query
}
