use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use pitchey_bus::{Failure, HandlesMany, take_once};
use pitchey_db::Tx;
use pitchey_events::{Envelope, PitchOpened, Report, Service, Tracked};
use uuid::Uuid;

use crate::ops::{count, record};
use crate::state::AppState;
use crate::store::take_turns;

impl HandlesMany<PitchOpened> for AppState {
    async fn handle_many(&self, tx: &mut Tx, events: &[&Envelope<PitchOpened>]) -> Result<(), Failure> {
        let seen = events.iter().flat_map(|envelope| &envelope.event.items).cloned();
        Ok(count::count(tx, self, seen.collect()).await?)
    }
}

impl HandlesMany<Tracked> for AppState {
    async fn handle_many(&self, tx: &mut Tx, events: &[&Envelope<Tracked>]) -> Result<(), Failure> {
        // Before the ids are taken, not after: of two transactions that share some, one would hold the turn and the other an id.
        take_turns(tx);
        let items = || events.iter().flat_map(|envelope| &envelope.event.items);
        // A client that got no answer reports again; the request's id tells that it is the same one.
        let requests: Vec<Uuid> = items().filter_map(request).map(|one| one.id).collect();
        let fresh = if requests.is_empty() {
            HashSet::new()
        } else {
            take_once(tx, Service::Analytics, &requests).await?
        };
        let (mut views, mut reported) = (Vec::new(), Vec::new());
        // Both may be here. What an older replica reported does not say its place, but all of a request was received at one time.
        let (mut seen, mut received) = (HashSet::new(), HashMap::new());
        let mut is_new = |FromRequest { id, nth, at }: FromRequest| {
            fresh.contains(&id)
                && nth.map_or_else(|| *received.entry(id).or_insert(at) == at, |nth| seen.insert((id, nth)))
        };
        for item in items() {
            if request(item).is_none_or(&mut is_new) {
                match item {
                    Report::View(view) => views.push(view.clone()),
                    Report::Event(event) => reported.push(event.clone()),
                }
            }
        }
        count::count(tx, self, views).await?;
        Ok(record::reports(tx, reported).await?)
    }
}

/// The request that a report came with, its place in it, and when that was received.
struct FromRequest {
    id: Uuid,
    nth: Option<u32>,
    at: DateTime<Utc>,
}

fn request(report: &Report) -> Option<FromRequest> {
    match report {
        Report::View(view) => Some(FromRequest { id: view.request?, nth: view.nth, at: view.at }),
        Report::Event(event) => Some(FromRequest { id: event.request?, nth: event.nth, at: event.at }),
    }
}
