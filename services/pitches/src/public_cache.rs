//! What anonymous visitors see, kept for a moment. Only projections made for nobody enter: nothing here depends on a permission.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use pitchey_events::PitchId;
use pitchey_web::Listed;

use crate::error::Error;
use crate::projection::Pitch;
use crate::store::pitches::{Filter, Place};

const MOST_PITCHES: u64 = 2_000;
const MOST_LISTS: u64 = 500;

/// Public details and list pages.
#[derive(Clone)]
pub struct PublicCache {
    pitches: Cache<PitchId, Pitch>,
    lists: Cache<(Filter, Place, i64), Arc<Listed<Pitch>>>,
}

impl PublicCache {
    /// Keeps things for `millis` at most; 0 keeps nothing.
    pub fn new(millis: u64) -> Self {
        let kept = Duration::from_millis(millis);
        let most = |most| if millis == 0 { 0 } else { most };
        Self {
            pitches: Cache::builder().max_capacity(most(MOST_PITCHES)).time_to_live(kept).build(),
            lists: Cache::builder().max_capacity(most(MOST_LISTS)).time_to_live(kept).build(),
        }
    }

    /// The public part of `id`: kept, or made by `load`.
    pub async fn pitch(
        &self,
        id: PitchId,
        load: impl Future<Output = Result<Pitch, Error>>,
    ) -> Result<Pitch, Error> {
        if let Some(pitch) = self.pitches.get(&id).await {
            return Ok(pitch);
        }
        let pitch = load.await?;
        self.pitches.insert(id, pitch.clone()).await;
        Ok(pitch)
    }

    /// A page of the public list: kept, or made by `load`.
    pub async fn list(
        &self,
        key: (Filter, Place, i64),
        load: impl Future<Output = Result<Listed<Pitch>, Error>>,
    ) -> Result<Arc<Listed<Pitch>>, Error> {
        if let Some(list) = self.lists.get(&key).await {
            return Ok(list);
        }
        let list = Arc::new(load.await?);
        self.lists.insert(key, Arc::clone(&list)).await;
        Ok(list)
    }

    /// Forgets what shows `id`.
    pub async fn forget(&self, id: PitchId) {
        self.pitches.invalidate(&id).await;
        self.lists.invalidate_all();
    }

    /// Forgets everything: changes may have been missed, or an owner looks different now.
    pub fn forget_all(&self) {
        self.pitches.invalidate_all();
        self.lists.invalidate_all();
    }
}
