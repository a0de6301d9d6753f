//! Lists for who does not search: featured, recommended, followed, looked for, named.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use garde::Validate;
use pitchey_events::PitchId;
use pitchey_web::{
    Actor, Answer, Command, FieldError, Listed, Origin, Paging, Refusal, Timestamp, ValidatedQuery,
};
use serde::{Deserialize, Serialize};

use super::extract::{Viewer, private, public as for_all};
use super::pitch_lists::{owned_by, with_owners};
use crate::error::Error;
use crate::ops::lifecycle::{self, Move, Paid};
use crate::ops::{Act, discovery as op, removal};
use crate::projection::{Pitch, Viewer as Looker};
use crate::public_cache::Key;
use crate::state::AppState;
use crate::store::trending::Factors;

/// Most pitches in one batch.
const BATCH: usize = 100;

/// Pitches that are promoted, then what many look for, then the newest.
#[utoipa::path(tag = "pitches", params(("page" = Option<i64>, Query), ("limit" = Option<i64>, Query)), responses((status = 200, body = Listed<Pitch>)))]
#[get("/api/pitches/featured")]
pub async fn featured(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    if viewer.actor.is_none() {
        return nobodys(&state, &paging).await;
    }
    Ok(private(&load_featured(&state, &viewer, &paging).await?))
}

async fn nobodys(state: &AppState, paging: &Paging) -> Result<HttpResponse, Error> {
    let nobody = Looker::default();
    let load = Box::pin(load_featured(state, &nobody, paging));
    Ok(for_all(&*state.public.list(Key::featured(paging), load).await?))
}

async fn load_featured(state: &AppState, viewer: &Looker, paging: &Paging) -> Result<Listed<Pitch>, Error> {
    let mut tx = state.databases.user.begin(viewer.actor.as_ref().map(|actor| actor.id)).await?;
    let found = op::featured(&mut tx, viewer, paging, state.clock.now()).await?;
    drop(tx);
    Ok(with_owners(state, found).await)
}

/// What suits who asks: of followed people, and of the genres of what was signed for, watched and liked. For nobody in particular, what is featured.
#[utoipa::path(tag = "pitches", params(("page" = Option<i64>, Query), ("limit" = Option<i64>, Query)), responses((status = 200, body = Listed<Pitch>)))]
#[get("/api/pitches/recommended")]
pub async fn recommended(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    let Some(user) = viewer.actor.as_ref().map(|actor| actor.id) else {
        return nobodys(&state, &paging).await;
    };
    let hidden = state.accounts.blocked_ids(user).await?;
    let mut tx = state.databases.user.begin(Some(user)).await?;
    let found = op::recommended(&mut tx, &viewer, &hidden, &paging, state.clock.now()).await?;
    drop(tx);
    Ok(private(&with_owners(&state, found).await))
}

/// Published pitches of the people one follows, newest first.
#[utoipa::path(tag = "pitches", params(("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<Pitch>)))]
#[get("/api/pitches/following")]
pub async fn following(
    state: Data<AppState>,
    actor: Actor,
    Viewer(viewer): Viewer,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let found = op::feed(&mut tx, &viewer, actor.id, &paging, state.clock.now()).await?;
    drop(tx);
    Ok(private(&with_owners(&state, found).await))
}

/// What made the score of a pitch.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    pitch_id: i32,
    rank: i32,
    score: f64,
    unique_viewers: i64,
    follows: i64,
    nda_requests: i64,
}

/// How the list came about: (uniqueViewers + 3 follows + 8 ndaRequests in seven days) / (age in hours + 2)^1.2.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendingFactors {
    /// When the list was computed; null before the first time.
    #[schema(value_type = Option<String>)]
    computed_at: Option<Timestamp>,
    window_days: i32,
    weights: Weights,
    gravity: f64,
    scores: Vec<Score>,
}

/// What each counts.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Weights {
    unique_viewers: i32,
    follows: i32,
    nda_requests: i32,
}

/// What people look for these days.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Trending {
    pitches: Vec<Pitch>,
    trending_factors: TrendingFactors,
}

impl Trending {
    fn of(pitches: Vec<Pitch>, factors: &[Factors]) -> Self {
        let computed_at: Option<DateTime<Utc>> = factors.first().map(|first| first.computed_at);
        let scores = factors.iter().map(|factors| Score {
            pitch_id: factors.pitch_id,
            rank: factors.rank,
            score: factors.score,
            unique_viewers: factors.unique_viewers,
            follows: factors.follows,
            nda_requests: factors.nda_requests,
        });
        let trending_factors = TrendingFactors {
            computed_at: computed_at.map(Timestamp::from),
            window_days: 7,
            weights: Weights { unique_viewers: 1, follows: 3, nda_requests: 8 },
            gravity: 1.2,
            scores: scores.collect(),
        };
        Self { pitches, trending_factors }
    }
}

/// What people look for these days, with the reasons. Computed every five minutes; nothing where nothing was looked for.
#[utoipa::path(tag = "pitches", params(("limit" = Option<i64>, Query)), responses((status = 200, body = Trending)))]
#[get("/api/pitches/trending")]
pub async fn trending(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(viewer.actor.as_ref().map(|actor| actor.id)).await?;
    let (pitches, factors) = op::trending(&mut tx, &viewer, paging.limit, state.clock.now()).await?;
    drop(tx);
    Ok(private(&Trending::of(owned_by(&state, pitches).await, &factors)))
}

/// Which pitches.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::IntoParams)]
#[garde(allow_unvalidated)]
pub struct Named {
    /// Up to 100 ids, separated by commas.
    ids: Option<String>,
}

/// Those of the named that the caller may know of.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Batch {
    pitches: Vec<Pitch>,
}

/// Several pitches at once, in the order of the ids: their public part.
#[utoipa::path(tag = "pitches", params(Named), responses((status = 200, body = Batch)))]
#[get("/api/pitches/batch")]
pub async fn batch(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    ValidatedQuery(named): ValidatedQuery<Named>,
) -> Result<HttpResponse, Error> {
    let ids: Result<Vec<i32>, _> = named
        .ids
        .iter()
        .flat_map(|ids| ids.split(','))
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(str::parse)
        .collect();
    let mut ids = ids.map_err(|_| wrong("These must be numbers, separated by commas."))?;
    if ids.len() > BATCH {
        return Err(wrong("At most 100 ids.").into());
    }
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(*id));
    let mut tx = state.databases.user.begin(viewer.actor.as_ref().map(|actor| actor.id)).await?;
    let pitches = op::batch(&mut tx, &viewer, &ids, state.clock.now()).await?;
    drop(tx);
    Ok(private(&Batch { pitches: owned_by(&state, pitches).await }))
}

fn wrong(message: &str) -> Refusal {
    Refusal::Invalid(vec![FieldError::new("ids", "invalid", message)])
}

/// Several of one's own pitches.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
pub struct Several {
    /// Up to 100.
    #[garde(length(min = 1, max = 100))]
    ids: Vec<i32>,
}

impl Several {
    /// In the order in which everybody locks.
    fn sorted(&self) -> Vec<i32> {
        let mut ids = self.ids.clone();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Archives several of one's own pitches: all of them or none.
#[utoipa::path(tag = "pitches", request_body = Several, responses((status = 200)))]
#[post("/api/pitches/batch/archive")]
pub async fn archive(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Several>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let ids = command.input.sorted();
    let answer = command.run(&state.databases.user, async |tx, several| {
        let ids = several.sorted();
        for id in &ids {
            lifecycle::go(tx, &act, PitchId(*id), Move::Archive, Paid::Free).await?;
        }
        let text = format!("{} pitches were archived.", ids.len());
        Ok::<_, Error>(Answer::ok(&text).with("updated", &ids.len()))
    });
    let answer = answer.await?;
    forget(&state, &ids).await;
    Ok(answer)
}

/// Deletes several of one's own pitches: all of them or none.
#[utoipa::path(tag = "pitches", request_body = Several, responses((status = 200)))]
#[post("/api/pitches/batch/delete")]
pub async fn delete(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Several>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let ids = command.input.sorted();
    let answer = command.run(&state.databases.user, async |tx, several| {
        let ids = several.sorted();
        removal::delete(tx, &act, &ids).await?;
        let text = format!("{} pitches were deleted.", ids.len());
        Ok::<_, Error>(Answer::ok(&text).with("deleted", &ids.len()))
    });
    let answer = answer.await?;
    forget(&state, &ids).await;
    Ok(answer)
}

async fn forget(state: &AppState, ids: &[i32]) {
    for id in ids {
        state.public.forget(PitchId(*id)).await;
    }
}
