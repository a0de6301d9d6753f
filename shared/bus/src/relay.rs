//! From the outbox to the broker. One replica of a service leads: it takes the service's rows in order, publishes a window of them, and deletes what the
//! broker has confirmed. The others follow: they tell the leader of their commits, and take its place.

mod session;
mod waiting;

use std::time::{Duration, Instant};

use pitchey_db::Databases;

use crate::context::Context;
use crate::error::Error;
use crate::message::short;
use crate::publisher::{Fate, Outlet, Outlets, Parcel};
use session::{Row, Session};
use waiting::Waiting;

/// The net under the pokes: how long a row can lie there unseen, and a dead leader unreplaced once Postgres has noticed.
const POLL: Duration = Duration::from_millis(500);
/// Often enough for the server not to think that this session is idle.
const TOUCH: Duration = Duration::from_secs(1);
const MEASURE: Duration = Duration::from_secs(5);
/// A leader without a connection to the broker for so long lets others try.
const CUT_OFF_LIMIT: Duration = Duration::from_secs(3);
/// When the broker takes nothing of so many subjects, it makes no sense to offer it those of others.
const MOST_WAITING: usize = 1_000;
/// Followers poke the leader this often at most.
const POKE_PAUSE: Duration = Duration::from_millis(20);

/// Leads or follows for as long as its connection works.
pub(crate) async fn run(context: &Context, databases: &Databases, outlets: &Outlets) -> Result<(), Error> {
    let mut relay = Relay {
        context,
        databases,
        outlets: outlets.clone(),
        session: Session::open(databases, context.service).await?,
        measured: None,
    };
    let result = relay.follow_and_lead().await;
    context.state.set_leader(false);
    if result.is_err() {
        context.state.set_backlog(None);
    }
    result
}

struct Relay<'a> {
    context: &'a Context,
    databases: &'a Databases,
    outlets: Outlets,
    session: Session,
    measured: Option<Instant>,
}

impl Relay<'_> {
    async fn follow_and_lead(&mut self) -> Result<(), Error> {
        while !self.context.stop.is_cancelled() {
            self.measure().await;
            // Who can't reach the broker had better not lead.
            if self.outlets.borrow_and_update().is_some() && self.session.try_lead().await? {
                tracing::info!(service = %self.context.service, "publishes this service's events from now on");
                self.context.state.set_leader(true);
                self.lead().await?;
                self.session.release().await?;
                self.context.state.set_leader(false);
            } else {
                self.session.touch().await?;
                self.follow().await?;
            }
        }
        Ok(())
    }

    /// Pokes the leader for a while.
    async fn follow(&mut self) -> Result<(), Error> {
        let until = tokio::time::Instant::now() + POLL;
        loop {
            tokio::select! {
                () = self.context.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(until) => return Ok(()),
                Ok(()) = self.outlets.changed() => return Ok(()),
                () = self.databases.appended.rung() => {
                    self.session.poke_leader().await?;
                    tokio::time::sleep(POKE_PAUSE).await;
                }
            }
        }
    }

    /// Publishes until it is time to stop, or for another replica to try.
    async fn lead(&mut self) -> Result<(), Error> {
        let mut waiting = Waiting::new(self.session.waiting().await?);
        let mut cut_off: Option<Instant> = None;
        while !self.context.stop.is_cancelled() {
            self.measure().await;
            let outlet = self.outlets.borrow_and_update().clone();
            let since = *cut_off.get_or_insert_with(Instant::now);
            if outlet.is_some() {
                cut_off = None;
            } else if since.elapsed() > CUT_OFF_LIMIT {
                tracing::warn!(service = %self.context.service, "can't reach the broker: another replica may lead");
                return Ok(());
            }
            let Some(outlet) = outlet.filter(|outlet| !outlet.is_blocked()) else {
                self.session.touch().await?;
                self.await_broker().await;
                continue;
            };
            let subjects = waiting.subjects();
            if subjects.len() > MOST_WAITING {
                self.session.touch().await?;
                self.await_broker().await;
                continue;
            }
            let mut rows = self.session.next(&subjects, self.context.settings.window).await?;
            if rows.is_empty() {
                self.pause().await?;
            }
            // Row by row the outbox runs empty; what the deletion of one window leaves comes back in the same round trip.
            while !rows.is_empty() && !self.context.stop.is_cancelled() && !outlet.is_blocked() {
                let settled = self.publish(&outlet, rows, &mut waiting).await?;
                let subjects = waiting.subjects();
                rows =
                    self.session.settle_then_next(&settled, &subjects, self.context.settings.window).await?;
                self.measure().await;
                if settled.is_incomplete {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Until the broker may take events again; commits are no news meanwhile.
    async fn await_broker(&mut self) {
        tokio::select! {
            () = self.context.stop.cancelled() => {}
            _ = self.outlets.changed() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }

    /// Until there may be something to publish.
    async fn pause(&mut self) -> Result<(), Error> {
        tokio::select! {
            () = self.context.stop.cancelled() => {}
            () = self.databases.appended.rung() => {}
            poked = self.session.poked() => poked?,
            _ = self.outlets.changed() => {}
            () = tokio::time::sleep(POLL) => {}
        }
        Ok(())
    }

    async fn publish(
        &mut self,
        outlet: &Outlet,
        rows: Vec<Row>,
        waiting: &mut Waiting,
    ) -> Result<Settled, Error> {
        let mut settled = Settled::default();
        let (mut sent, mut parcels) = (Vec::new(), Vec::new());
        for row in rows {
            match self.context.plan.entry(&row.event_type) {
                Some(entry) if !entry.is_wanted() => settled.done.push(row.id),
                // A type this program does not know was written by a newer replica, which has also told the broker who wants it.
                entry => {
                    let mandatory = entry.is_none_or(|entry| !entry.consumers.is_empty());
                    sent.push((row.id, row.subject.clone(), row.attempts));
                    parcels.push(self.parcel(row, mandatory));
                }
            }
        }
        let fates = {
            let mut publishing = std::pin::pin!(outlet.publish(&parcels));
            loop {
                tokio::select! {
                    fates = &mut publishing => break fates,
                    () = tokio::time::sleep(TOUCH) => {
                        self.session.touch().await?;
                        self.measure().await;
                    }
                }
            }
        };
        for ((id, subject, attempts), fate) in sent.into_iter().zip(fates) {
            self.count(fate);
            match fate {
                Fate::Confirmed => settled.done.push(id),
                Fate::Unknown => settled.is_incomplete = true,
                Fate::Returned | Fate::Refused => {
                    settled.is_incomplete = true;
                    settled.failed.push(id);
                    waiting.add(subject, attempts);
                }
            }
        }
        Ok(settled)
    }

    fn parcel(&self, row: Row, mandatory: bool) -> Parcel {
        let key = short(&row.event_type);
        let message = row.into_message(self.context.service);
        Parcel {
            exchange: short(&self.context.names.events()),
            key,
            mandatory,
            id: message.id,
            properties: message.properties(),
            body: message.body,
        }
    }

    fn count(&self, fate: Fate) {
        let name = match fate {
            Fate::Confirmed => "bus_published_total",
            Fate::Returned => "bus_returned_total",
            Fate::Refused => "bus_refused_total",
            Fate::Unknown => "bus_unconfirmed_total",
        };
        metrics::counter!(name, "service" => self.context.service.as_str()).increment(1);
    }

    /// Not to know how much there is to do is no reason not to do it. If the session is lost, its next question finds out.
    async fn measure(&mut self) {
        if self.measured.is_none_or(|at| at.elapsed() > MEASURE) {
            let backlog = self.session.backlog().await;
            if let Err(error) = &backlog {
                tracing::warn!(%error, "the outbox can't be measured");
            }
            self.context.state.set_backlog(backlog.ok());
            self.measured = Some(Instant::now());
        }
    }
}

/// What is to happen to the rows of a window.
#[derive(Default)]
struct Settled {
    /// To be deleted.
    done: Vec<i64>,
    /// The broker did not want them.
    failed: Vec<i64>,
    /// Whether some are still to be published: with another connection.
    is_incomplete: bool,
}
