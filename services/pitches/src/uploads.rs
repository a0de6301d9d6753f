//! How many uploads go on at once: so few that they take neither the memory nor the processors from what people wait for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::Error;
use crate::settings::Media as Settings;

/// The places.
#[derive(Clone)]
pub struct Uploads {
    places: Arc<Semaphore>,
    wait: Duration,
}

impl Uploads {
    /// As configured.
    pub fn new(settings: &Settings) -> Self {
        Self {
            places: Arc::new(Semaphore::new(settings.uploads_at_once)),
            wait: Duration::from_millis(settings.wait_ms),
        }
    }

    /// A place, waited for a moment. Nothing of the upload has been read until then.
    pub async fn enter(&self) -> Result<OwnedSemaphorePermit, Error> {
        match timeout(self.wait, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(Error::UploadsBusy),
        }
    }
}
