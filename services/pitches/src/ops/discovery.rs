//! What somebody is shown who does not search.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_events::UserId;
use pitchey_web::{Cursor, Listed, Paging};

use super::reading::{self, place};
use super::search::in_order;
use crate::error::Error;
use crate::projection::{Pitch, Viewer};
use crate::store::pitch_lists::{self, Filter};
use crate::store::pitches::Card;
use crate::store::trending::{self, Factors};
use crate::store::{Place, discovery, pitches};

/// As many pitches are featured or recommended.
const MOST: i64 = 100;

/// Promoted pitches, then what many look for, then the newest: none twice.
pub async fn featured(
    tx: &mut Tx,
    viewer: &Viewer,
    paging: &Paging,
    now: DateTime<Utc>,
) -> Result<Listed<Pitch>, Error> {
    let mut cards = discovery::promoted(tx, now, MOST).await?;
    cards.extend(trending::list(tx, MOST).await?.into_iter().map(|(card, _)| card));
    if i64::try_from(cards.len()).unwrap_or(i64::MAX) < MOST {
        let newest = Place { after: None, offset: 0, limit: MOST };
        cards.extend(pitch_lists::published(tx, Filter::default(), newest).await?.0);
    }
    let mut seen = HashSet::new();
    cards.retain(|card| seen.insert(card.id));
    cards.truncate(usize::try_from(MOST).unwrap_or(usize::MAX));
    of_short(tx, viewer, cards, paging, now).await
}

/// What suits the viewer; for nobody in particular, what is featured.
pub async fn recommended(
    tx: &mut Tx,
    viewer: &Viewer,
    hidden: &[UserId],
    paging: &Paging,
    now: DateTime<Utc>,
) -> Result<Listed<Pitch>, Error> {
    let Some(actor) = &viewer.actor else { return featured(tx, viewer, paging, now).await };
    let ids = discovery::recommended(tx, actor.id, hidden).await?;
    let page = Listed::of_all(paging, ids);
    let cards = in_order(&page.data, pitches::cards(tx, &page.data).await?);
    Ok(Listed { data: reading::shown(tx, viewer, cards, now).await?, meta: page.meta })
}

/// Published pitches of whom the viewer follows, newest first.
pub async fn feed(
    tx: &mut Tx,
    viewer: &Viewer,
    user: UserId,
    paging: &Paging,
    now: DateTime<Utc>,
) -> Result<Listed<Pitch>, Error> {
    let (cards, counted) = discovery::feed(tx, user, place(paging)?).await?;
    let page = Listed::page(paging, cards, counted, |card| {
        Cursor::after(&(card.published_at.unwrap_or(card.created_at), card.id))
    });
    Ok(Listed { data: reading::shown(tx, viewer, page.data, now).await?, meta: page.meta })
}

/// The stored list of what people look for these days.
pub async fn trending(
    tx: &mut Tx,
    viewer: &Viewer,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<(Vec<Pitch>, Vec<Factors>), Error> {
    let (cards, factors): (Vec<Card>, Vec<Factors>) = trending::list(tx, limit).await?.into_iter().unzip();
    Ok((reading::shown(tx, viewer, cards, now).await?, factors))
}

/// Those of `ids` that the viewer may know of, in their order: their public part.
pub async fn batch(
    tx: &mut Tx,
    viewer: &Viewer,
    ids: &[i32],
    now: DateTime<Utc>,
) -> Result<Vec<Pitch>, Error> {
    let cards = in_order(ids, pitches::cards(tx, ids).await?);
    reading::shown(tx, viewer, cards, now).await
}

async fn of_short(
    tx: &mut Tx,
    viewer: &Viewer,
    cards: Vec<Card>,
    paging: &Paging,
    now: DateTime<Utc>,
) -> Result<Listed<Pitch>, Error> {
    let page = Listed::of_all(paging, cards);
    Ok(Listed { data: reading::shown(tx, viewer, page.data, now).await?, meta: page.meta })
}
