//! Lists of pitches.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use garde::Validate;
use pitchey_events::UserId;
use pitchey_web::{FieldError, Listed, Paging, Refusal, ValidatedQuery};
use serde::Deserialize;

use super::extract::{Viewer, private, public as for_all};
use crate::error::Error;
use crate::input::{parse_format, parse_genre};
use crate::ops::reading;
use crate::projection::{Pitch, Viewer as Looker};
use crate::public_cache::Key;
use crate::state::AppState;
use crate::store::pitch_lists::Filter;
use crate::words::PitchStatus;

/// What a list is narrowed to.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::IntoParams)]
#[garde(allow_unvalidated)]
pub struct Narrowed {
    /// One of the genres.
    genre: Option<String>,
    /// One of the formats.
    format: Option<String>,
    /// Own pitches only: draft, published (or active), hidden, archived.
    status: Option<String>,
}

impl Narrowed {
    fn filter(&self) -> Result<Filter, Refusal> {
        let mut wrong = Vec::new();
        let mut unknown =
            |field: &str| wrong.push(FieldError::new(field, "unknown_value", "There is no such value."));
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let mut filter = Filter::default();
        if let Some(word) = given(&self.genre) {
            filter.genre = parse_genre(&word).or_else(|| {
                unknown("genre");
                None
            });
        }
        if let Some(word) = given(&self.format) {
            filter.format = parse_format(&word).map(|(format, _)| format).or_else(|| {
                unknown("format");
                None
            });
        }
        if let Some(word) = given(&self.status) {
            let status =
                if word == "active" { Some(PitchStatus::Published) } else { PitchStatus::parse(&word) };
            filter.status = status.or_else(|| {
                unknown("status");
                None
            });
        }
        if wrong.is_empty() { Ok(filter) } else { Err(Refusal::Invalid(wrong)) }
    }
}

/// The caller's own pitches, whole; for who is not logged in, the public list.
#[utoipa::path(tag = "pitches", params(Narrowed, ("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<Pitch>)))]
#[get("/api/pitches")]
pub async fn list(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    ValidatedQuery(narrowed): ValidatedQuery<Narrowed>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    let filter = narrowed.filter()?;
    let Some(owner) = viewer.actor.as_ref().map(|actor| actor.id) else {
        return anonymous(&state, filter, &paging).await;
    };
    let mut tx = state.databases.user.begin(Some(owner)).await?;
    let found = reading::owned(&mut tx, &viewer, owner, filter, &paging, state.clock.now()).await?;
    drop(tx);
    Ok(private(&with_owners(&state, found).await))
}

/// Published pitches, newest first: their public part, whoever asks.
#[utoipa::path(tag = "pitches", params(Narrowed, ("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<Pitch>)))]
#[get("/api/pitches/public")]
pub async fn public(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    ValidatedQuery(narrowed): ValidatedQuery<Narrowed>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    let filter = narrowed.filter()?;
    let Some(user) = viewer.actor.as_ref().map(|actor| actor.id) else {
        return anonymous(&state, filter, &paging).await;
    };
    let found = load(&state, &viewer, Some(user), filter, &paging).await?;
    Ok(private(&found))
}

async fn anonymous(state: &AppState, filter: Filter, paging: &Paging) -> Result<HttpResponse, Error> {
    let key = Key::Published(Filter { status: None, ..filter }, reading::place(paging)?, paging.page);
    let nobody = Looker::default();
    // Boxed: the cache holds what it is given several times over.
    let found = state.public.list(key, Box::pin(load(state, &nobody, None, filter, paging))).await?;
    Ok(for_all(&*found))
}

async fn load(
    state: &AppState,
    viewer: &Looker,
    user: Option<UserId>,
    filter: Filter,
    paging: &Paging,
) -> Result<Listed<Pitch>, Error> {
    let mut tx = state.databases.user.begin(user).await?;
    let found = reading::published(&mut tx, viewer, filter, paging, state.clock.now()).await?;
    drop(tx);
    Ok(with_owners(state, found).await)
}

/// The page with its pitches' owners.
pub(super) async fn with_owners(state: &AppState, found: Listed<Pitch>) -> Listed<Pitch> {
    Listed { data: owned_by(state, found.data).await, meta: found.meta }
}

/// Pitches with their owners, of whom accounts is asked once.
pub(super) async fn owned_by(state: &AppState, pitches: Vec<Pitch>) -> Vec<Pitch> {
    let owners = state.users.find(pitches.iter().map(|pitch| pitch.user_id().into())).await;
    let with_owner = |pitch: Pitch| {
        let owner = owners.get(&pitch.user_id().into()).cloned();
        pitch.with_owner(owner)
    };
    pitches.into_iter().map(with_owner).collect()
}
