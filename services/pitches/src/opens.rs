//! Openings of shared links, counted in memory and written once a second: counting neither delays nor fails a read. What a replica that is killed
//! had not written yet is lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use pitchey_db::SystemDb;
use uuid::Uuid;

use crate::error::Error;
use crate::store::share_links;

/// Links that are remembered between two writes; openings of more are not counted.
const MOST: usize = 10_000;

/// What was opened since the last write.
#[derive(Clone, Default)]
pub struct Opens(Arc<Mutex<HashMap<Uuid, i64>>>);

impl Opens {
    /// Counts one.
    pub fn note(&self, link: Uuid) {
        let mut opens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if opens.len() < MOST || opens.contains_key(&link) {
            *opens.entry(link).or_default() += 1;
        } else {
            metrics::counter!("pitches_share_opens_lost_total").increment(1);
        }
    }

    /// Writes them. If that fails, they are written with the next. Returns how many links were opened.
    pub async fn write(&self, db: &SystemDb, now: DateTime<Utc>) -> Result<i64, Error> {
        let opens = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if opens.is_empty() {
            return Ok(0);
        }
        let written = async {
            share_links::count_opens(&mut *db.connection().await?, &opens, now).await?;
            Ok::<_, Error>(i64::try_from(opens.len()).unwrap_or(i64::MAX))
        };
        let written = written.await;
        if written.is_err() {
            let mut again = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (link, count) in opens {
                *again.entry(link).or_default() += count;
            }
        }
        written
    }
}
