//! What anonymous visitors see, kept for a moment. Only projections made for nobody enter: nothing here depends on a permission.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use pitchey_events::PitchId;
use pitchey_web::{Cursor, Listed, Paging};

use crate::error::Error;
use crate::http::Found;
use crate::ops::search::Sort;
use crate::projection::Pitch;
use crate::store::Place;
use crate::store::pitch_lists::Filter;
use crate::store::search::Query;

const MOST_PITCHES: u64 = 2_000;
const MOST_LISTS: u64 = 500;
const MOST_SEARCHES: u64 = 500;

/// Which list, and where its page begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// The public list: what it is narrowed to, the place, the number of the page.
    Published(Filter, Place, i64),
    /// What is featured: page, rows.
    Featured(i64, i64),
}

impl Key {
    /// What is featured.
    pub const fn featured(paging: &Paging) -> Self {
        Self::Featured(paging.page, paging.limit)
    }
}

/// A page of a search.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SearchKey {
    query: Query,
    sort: Sort,
    page: i64,
    limit: i64,
    cursor: Option<Cursor>,
}

impl SearchKey {
    /// The page of a search that hides nobody from anybody.
    pub fn new(query: &Query, sort: Sort, paging: &Paging) -> Self {
        let (page, limit) = (paging.page, paging.limit);
        Self { query: query.clone(), sort, page, limit, cursor: paging.cursor.clone() }
    }
}

/// Public details, list pages and searches.
#[derive(Clone)]
pub struct PublicCache {
    pitches: Cache<PitchId, Pitch>,
    lists: Cache<Key, Arc<Listed<Pitch>>>,
    searches: Cache<SearchKey, Arc<Found>>,
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
            searches: Cache::builder().max_capacity(most(MOST_SEARCHES)).time_to_live(kept).build(),
            generation: Arc::default(),
        }
    }

    /// The public part of `id`: kept, or made by `load`.
    pub async fn pitch(
        &self,
        id: PitchId,
        load: impl Future<Output = Result<Pitch, Error>>,
    ) -> Result<Pitch, Error> {
        self.through("pitches", &self.pitches, id, load).await
    }

    /// A page of a public list: kept, or made by `load`.
    pub async fn list(
        &self,
        key: Key,
        load: impl Future<Output = Result<Listed<Pitch>, Error>>,
    ) -> Result<Arc<Listed<Pitch>>, Error> {
        self.through("lists", &self.lists, key, async { Ok(Arc::new(load.await?)) }).await
    }

    /// A page of a search by nobody in particular: kept, or made by `load`.
    pub async fn search(
        &self,
        key: SearchKey,
        load: impl Future<Output = Result<Found, Error>>,
    ) -> Result<Arc<Found>, Error> {
        self.through("searches", &self.searches, key, async { Ok(Arc::new(load.await?)) }).await
    }

    /// What `cache` keeps, or `load` makes. What may be older than the last change is not kept.
    async fn through<K, V>(
        &self,
        name: &'static str,
        cache: &Cache<K, V>,
        key: K,
        load: impl Future<Output = Result<V, Error>>,
    ) -> Result<V, Error>
    where
        K: Clone + Eq + Hash + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let kept = cache.get(&key).await;
        let outcome = if kept.is_some() { "hit" } else { "miss" };
        metrics::counter!("pitches_cache_total", "cache" => name, "outcome" => outcome).increment(1);
        if let Some(value) = kept {
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
        self.forget_pitch(id).await;
        self.lists.invalidate_all();
        self.searches.invalidate_all();
    }

    /// Forgets the detail of `id`: a count changed. In lists it may be as old as they get.
    pub async fn forget_pitch(&self, id: PitchId) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.pitches.invalidate(&id).await;
    }

    /// Forgets everything: changes may have been missed, or an owner looks different now.
    pub fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.pitches.invalidate_all();
        self.lists.invalidate_all();
        self.searches.invalidate_all();
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
        assert_eq!(public.through("tests", &cache, 1, stale).await.unwrap(), "before");
        let stale = async {
            public.forget_all();
            Ok("before")
        };
        assert_eq!(public.through("tests", &cache, 1, stale).await.unwrap(), "before");
        assert_eq!(public.through("tests", &cache, 1, async { Ok("after") }).await.unwrap(), "after");
        assert_eq!(
            public.through("tests", &cache, 1, async { Ok("later") }).await.unwrap(),
            "after",
            "it is kept"
        );
    }
}
