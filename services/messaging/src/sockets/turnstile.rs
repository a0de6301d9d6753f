use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// Who waits longer to come does better to try again later.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lets few sockets come, and few go, at once. When a replica is lost, all of its sockets come to the others together; messages and frames must not
/// wait for connections to the database behind them.
#[derive(Clone)]
pub struct Turnstile {
    coming: Arc<Semaphore>,
    going: Arc<Semaphore>,
}

impl Turnstile {
    /// For `most` each way at once, at least one.
    pub fn new(most: usize) -> Self {
        Self { coming: Arc::new(Semaphore::new(most.max(1))), going: Arc::new(Semaphore::new(most.max(1))) }
    }

    /// Waits for a turn to come, first come, first served; it lasts until dropped.
    ///
    /// # Errors
    /// [`pitchey_db::Error::Unavailable`] after ten seconds.
    pub async fn come(&self) -> Result<OwnedSemaphorePermit, Error> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.coming).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok);
        turn.ok_or_else(|| pitchey_db::Error::Unavailable("too many sockets come at once".into()).into())
    }

    /// Waits for a turn to go, however long: the place of who does not go stays taken.
    pub async fn go(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.going).acquire_owned().await.ok()
    }
}
