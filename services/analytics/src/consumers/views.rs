use std::collections::HashSet;

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
        let requests: Vec<Uuid> =
            items().filter_map(request).map(|(id, _)| id).collect::<HashSet<_>>().into_iter().collect();
        let fresh = if requests.is_empty() {
            HashSet::new()
        } else {
            take_once(tx, Service::Analytics, &requests).await?
        };
        let (mut views, mut reported, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        // Both may be here. What an older replica reported does not say its place.
        let mut is_new = |(id, nth): (Uuid, Option<u32>)| {
            fresh.contains(&id) && nth.is_none_or(|nth| seen.insert((id, nth)))
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

/// The request that a report came with, and its place in it.
fn request(report: &Report) -> Option<(Uuid, Option<u32>)> {
    match report {
        Report::View(view) => Some((view.request?, view.nth)),
        Report::Event(event) => Some((event.request?, event.nth)),
    }
}
