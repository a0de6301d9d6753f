//! Searching published pitches by their public text.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_web::{Cursor, Listed, Paging};
use serde::Serialize;

use super::reading;
use crate::error::Error;
use crate::projection::{Pitch, Viewer};
use crate::store::pitches::{self, Card};
use crate::store::search::{self, Match, Query, WINDOW};

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    #[default]
    Newest,
    /// The newest thousand matches, the best first.
    Relevance,
}

/// How many of the newest thousand matches have a value.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Facet {
    value: String,
    count: usize,
}

/// What the matches can be narrowed to, the most frequent first; counted over the newest thousand.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facets {
    genre: Vec<Facet>,
    format: Vec<Facet>,
    stage: Vec<Facet>,
    budget: Vec<Facet>,
    seeking_investment: Vec<Facet>,
}

impl Facets {
    fn of(matches: &[Match]) -> Self {
        let count = |value: &dyn Fn(&Match) -> Option<String>| {
            let mut counts: HashMap<String, usize> = HashMap::new();
            for value in matches.iter().filter_map(value) {
                *counts.entry(value).or_default() += 1;
            }
            let mut facets: Vec<Facet> =
                counts.into_iter().map(|(value, count)| Facet { value, count }).collect();
            facets.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
            facets.truncate(50);
            facets
        };
        Self {
            genre: count(&|found| Some(found.genre.as_str().to_owned())),
            format: count(&|found| Some(found.format.as_str().to_owned())),
            stage: count(&|found| found.stage.clone()),
            budget: count(&|found| found.estimated_budget.clone()),
            seeking_investment: count(&|found| Some(found.seeking_investment.to_string())),
        }
    }
}

/// A page of what was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub page: Listed<Pitch>,
    pub facets: Facets,
}

/// The page asked for. What it costs goes by the page and the window, not by how frequent the words are or how deep the page lies.
pub async fn search(
    tx: &mut Tx,
    viewer: &Viewer,
    query: &Query,
    sort: Sort,
    paging: &Paging,
    now: DateTime<Utc>,
) -> Result<Found, Error> {
    let mut window = search::window(tx, query, sort == Sort::Relevance).await?;
    let counted = i64::try_from(window.len()).unwrap_or(i64::MAX);
    let whole = counted <= WINDOW;
    window.truncate(usize::try_from(WINDOW).unwrap_or(usize::MAX));
    let facets = Facets::of(&window);
    let page = match sort {
        Sort::Relevance => {
            let rows = ranked(window, paging)?;
            Listed::page(paging, rows, counted, |found| {
                Cursor::after(&(found.score.to_bits(), found.published_at, found.pitch_id))
            })
        }
        Sort::Newest => {
            let place = reading::place(paging)?;
            let within = place.after.is_none() && (whole || place.offset + place.limit < WINDOW);
            let rows = if within { slice(window, paging) } else { search::page(tx, query, place).await? };
            Listed::page(paging, rows, counted, |found| Cursor::after(&(found.published_at, found.pitch_id)))
        }
    };
    let ids: Vec<i32> = page.data.iter().map(|found| found.pitch_id).collect();
    let cards = in_order(&ids, pitches::cards(tx, &ids).await?);
    let shown = reading::shown(tx, viewer, cards, now).await?;
    Ok(Found { page: Listed { data: shown, meta: page.meta }, facets })
}

/// The cards in the order of `ids`; of a pitch that was taken from view in this very moment there is none.
pub fn in_order(ids: &[i32], cards: Vec<Card>) -> Vec<Card> {
    let mut cards: HashMap<i32, Card> = cards.into_iter().map(|card| (card.id, card)).collect();
    ids.iter().filter_map(|id| cards.remove(id)).collect()
}

/// From the page's place on, the best first; equals by time.
fn ranked(mut window: Vec<Match>, paging: &Paging) -> Result<Vec<Match>, Error> {
    window.sort_unstable_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| (b.published_at, b.pitch_id).cmp(&(a.published_at, a.pitch_id)))
    });
    let Some(cursor) = &paging.cursor else { return Ok(slice(window, paging)) };
    let (bits, at, id): (u64, DateTime<Utc>, i32) = cursor.key()?;
    let score = f64::from_bits(bits);
    window.retain(|found| {
        found.score < score
            || (found.score.to_bits() == bits && (found.published_at, found.pitch_id) < (at, id))
    });
    window.truncate(most(paging));
    Ok(window)
}

fn slice(window: Vec<Match>, paging: &Paging) -> Vec<Match> {
    let skip = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
    window.into_iter().skip(skip).take(most(paging)).collect()
}

fn most(paging: &Paging) -> usize {
    usize::try_from(paging.limit).unwrap_or(usize::MAX).saturating_add(1)
}
