//! Sockets in real time. What is durable comes from the database, by number: hearing of something only says where to look.

pub mod delivered;
mod frame;
mod guard;
mod hub;
mod line;
pub mod presence;
pub mod pump;
mod socket;
mod turnstile;

pub use frame::{Frame, render, resync};
pub use hub::Hub;
pub use line::End;
pub use socket::{Place, serve};
pub use turnstile::Turnstile;

use std::time::Duration;

use pitchey_launch::Failed;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::ops::sweep;
use crate::state::AppState;
use crate::store;

/// How often this replica says that it is there, and looks for what it did not hear of.
const BEAT: Duration = Duration::from_secs(1);

/// The tasks behind the sockets of one replica.
pub struct Tasks {
    stop: CancellationToken,
    running: Vec<JoinHandle<()>>,
}

impl Tasks {
    /// Starts them on the current runtime. From then on, sockets may be opened.
    ///
    /// # Errors
    /// The database's: a replica that nobody knows of holds no sockets.
    pub async fn start(state: &AppState, settings: &crate::Settings) -> Result<Self, Failed> {
        beat(state.clone()).await?;
        let stop = CancellationToken::new();
        let check = Duration::from_millis(settings.session_check_ms.max(50));
        let presence_every = Duration::from_secs(settings.presence_seconds.max(1));
        let running = vec![
            tokio::spawn(pump::run(state.clone(), stop.clone())),
            tokio::spawn(guard::run(state.clone(), check, stop.clone())),
            tokio::spawn(delivered::run(state.clone(), stop.clone())),
            again(state, "presence", presence_every, &stop, presence::tell),
            again(state, "beat", BEAT, &stop, beat),
        ];
        Ok(Self { stop, running })
    }

    /// Ends them, and tells the other replicas that this one is gone.
    pub async fn stop(self, state: &AppState) {
        self.stop.cancel();
        for task in self.running {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the sockets panicked");
            }
        }
        if let Err(error) = leave(state).await {
            tracing::warn!(%error, "the places of this replica stay taken for some seconds");
        }
    }
}

/// Runs `work` now and then, until stopped.
fn again<F>(
    state: &AppState,
    name: &'static str,
    every: Duration,
    stop: &CancellationToken,
    work: impl Fn(AppState) -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = Result<(), Error>> + Send,
{
    let (state, stop) = (state.clone(), stop.clone());
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! { () = stop.cancelled() => return, _ = ticks.tick() => {} }
            if let Err(error) = work(state.clone()).await {
                tracing::warn!(%error, name, "will be tried again");
            }
        }
    })
}

/// Says that this replica is there, and ends what has run out.
async fn beat(state: AppState) -> Result<(), Error> {
    let mut tx = state.databases.system.begin().await?;
    store::sockets::seen(&mut tx, state.hub.replica()).await?;
    tx.commit().await?;
    sweep::end_memberships(&state).await?;
    state.hub.give_up_untrusted();
    metrics::gauge!("sockets_open").set(f64::from(u32::try_from(state.hub.count()).unwrap_or(u32::MAX)));
    Ok(())
}

async fn leave(state: &AppState) -> Result<(), Error> {
    let mut tx = state.databases.system.begin().await?;
    store::sockets::gone(&mut tx, state.hub.replica()).await?;
    Ok(tx.commit().await?)
}
