use std::collections::HashSet;

use pitchey_bus::{Failure, Handles, take_once};
use pitchey_db::Tx;
use pitchey_events::{Envelope, PitchOpened, Report, Service, Tracked};
use uuid::Uuid;

use crate::ops::{count, record};
use crate::state::AppState;

impl Handles<PitchOpened> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<PitchOpened>) -> Result<(), Failure> {
        Ok(count::count(tx, self, envelope.event.items.clone()).await?)
    }
}

impl Handles<Tracked> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<Tracked>) -> Result<(), Failure> {
        let items = &envelope.event.items;
        let requests: Vec<Uuid> =
            items.iter().filter_map(request).collect::<HashSet<_>>().into_iter().collect();
        // A client that got no answer reports again; the request's id tells that it is the same one.
        let fresh = if requests.is_empty() {
            HashSet::new()
        } else {
            take_once(tx, Service::Analytics, &requests).await?
        };
        let (mut views, mut events) = (Vec::new(), Vec::new());
        for item in items.iter().filter(|item| request(item).is_none_or(|id| fresh.contains(&id))) {
            match item {
                Report::View(view) => views.push(view.clone()),
                Report::Event(event) => events.push(event.clone()),
            }
        }
        count::count(tx, self, views).await?;
        Ok(record::reports(tx, events).await?)
    }
}

const fn request(report: &Report) -> Option<Uuid> {
    match report {
        Report::View(view) => view.request,
        Report::Event(event) => event.request,
    }
}
