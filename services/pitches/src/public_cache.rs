//! What anonymous visitors see, kept for a moment. Only projections made for nobody enter: nothing here depends on a permission.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// Raised before anything is forgotten.
    generation: Arc<AtomicU64>,
}

impl PublicCache {
    /// Keeps things for `millis` at most; 0 keeps nothing.
    pub fn new(millis: u64) -> Self {
        let kept = Duration::from_millis(millis);
        let most = |most| if millis == 0 { 0 } else { most };
        Self {
            pitches: Cache::builder().max_capacity(most(MOST_PITCHES)).time_to_live(kept).build(),
            lists: Cache::builder().max_capacity(most(MOST_LISTS)).time_to_live(kept).build(),
            generation: Arc::default(),
        }
    }

    /// The public part of `id`: kept, or made by `load`.
    pub async fn pitch(
        &self,
        id: PitchId,
        load: impl Future<Output = Result<Pitch, Error>>,
    ) -> Result<Pitch, Error> {
        self.through(&self.pitches, id, load).await
    }

    /// A page of the public list: kept, or made by `load`.
    pub async fn list(
        &self,
        key: (Filter, Place, i64),
        load: impl Future<Output = Result<Listed<Pitch>, Error>>,
    ) -> Result<Arc<Listed<Pitch>>, Error> {
        self.through(&self.lists, key, async { Ok(Arc::new(load.await?)) }).await
    }

    /// What `cache` keeps, or `load` makes. What may be older than the last change is not kept.
    async fn through<K, V>(
        &self,
        cache: &Cache<K, V>,
        key: K,
        load: impl Future<Output = Result<V, Error>>,
    ) -> Result<V, Error>
    where
        K: Clone + Eq + Hash + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        if let Some(value) = cache.get(&key).await {
            return Ok(value);
        }
        let generation = self.generation.load(Ordering::SeqCst);
        let value = load.await?;
        if self.generation.load(Ordering::SeqCst) == generation {
            cache.insert(key.clone(), value.clone()).await;
            // A change may have come between the look and the insertion.
            if self.generation.load(Ordering::SeqCst) != generation {
                cache.invalidate(&key).await;
            }
        }
        Ok(value)
    }

    /// Forgets what shows `id`.
    pub async fn forget(&self, id: PitchId) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.pitches.invalidate(&id).await;
        self.lists.invalidate_all();
    }

    /// Forgets everything: changes may have been missed, or an owner looks different now.
    pub fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.pitches.invalidate_all();
        self.lists.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_changed_while_it_was_loaded_is_not_kept() {
        let public = PublicCache::new(600_000);
        let cache = Cache::new(10);
        let stale = async {
            public.forget(PitchId(1)).await;
            Ok("before")
        };
        assert_eq!(public.through(&cache, 1, stale).await.unwrap(), "before");
        let stale = async {
            public.forget_all();
            Ok("before")
        };
        assert_eq!(public.through(&cache, 1, stale).await.unwrap(), "before");
        assert_eq!(public.through(&cache, 1, async { Ok("after") }).await.unwrap(), "after");
        assert_eq!(public.through(&cache, 1, async { Ok("later") }).await.unwrap(), "after", "it is kept");
    }
}
