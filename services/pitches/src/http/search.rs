//! Searching pitches, and users beside them.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use futures_util::future;
use garde::Validate;
use pitchey_events::UserId;
use pitchey_rpc::PublicUser;
use pitchey_web::{FieldError, Meta, Paging, Refusal, ValidatedQuery};
use serde::{Deserialize, Serialize};

use super::extract::{Viewer, private, public as for_all};
use super::pitch_lists::with_owners;
use crate::error::Error;
use crate::input::{fault, parse_format, parse_genre};
use crate::ops::search::{self as op, Facets, Sort};
use crate::projection::{Pitch, Viewer as Looker};
use crate::public_cache::SearchKey;
use crate::state::AppState;
use crate::store::search::Query;

/// Longest text that is searched for, in characters.
const TEXT: usize = 200;
/// As many users stand beside the pitches.
const USERS: i32 = 10;
/// As many titles complete what somebody types.
const COMPLETIONS: i64 = 10;

/// What to search for. Several values of one kind are separated by commas: any of them will do.
#[derive(Clone, Debug, Default, Deserialize, Serialize, Validate, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct Asked {
    /// Words; "in quotes" a phrase, `-word` without, `or`.
    q: Option<String>,
    /// The same as `q`.
    #[serde(skip_serializing)]
    query: Option<String>,
    genre: Option<String>,
    format: Option<String>,
    /// As the owner wrote it, whatever the case.
    stage: Option<String>,
    /// The budget band (estimatedBudget).
    budget: Option<String>,
    /// The same as `budget`.
    #[serde(skip_serializing)]
    budget_range: Option<String>,
    /// The same as `budget`.
    #[serde(skip_serializing)]
    estimated_budget: Option<String>,
    /// true or false.
    seeking_investment: Option<String>,
    /// newest (the default) or relevance, by which the newest thousand matches are ranked.
    sort: Option<String>,
}

impl Asked {
    fn read(&self) -> Result<(Query, Sort), Refusal> {
        let mut wrong = Vec::new();
        let given = |text: &Option<String>| text.as_deref().map(str::trim).unwrap_or_default().to_owned();
        let first = |texts: &[&Option<String>]| {
            texts.iter().map(|text| given(text)).find(|text| !text.is_empty()).unwrap_or_default()
        };
        let text = first(&[&self.q, &self.query]);
        if let Some((code, message)) = fault(&text, 0, TEXT) {
            wrong.push(FieldError::new("q", code, message));
        }
        let mut query = Query { text, ..Query::default() };
        for word in several(&given(&self.genre)) {
            match parse_genre(&word) {
                Some(genre) => query.genres.push(genre),
                None => wrong.push(unknown("genre")),
            }
        }
        for word in several(&given(&self.format)) {
            match parse_format(&word) {
                Some((format, _)) => query.formats.push(format),
                None => wrong.push(unknown("format")),
            }
        }
        for (field, texts, to) in [
            ("stage", given(&self.stage), &mut query.stages),
            (
                "budget",
                first(&[&self.budget, &self.budget_range, &self.estimated_budget]),
                &mut query.budgets,
            ),
        ] {
            match fault(&texts, 0, TEXT) {
                Some((code, message)) => wrong.push(FieldError::new(field, code, message)),
                None => *to = several(&texts),
            }
        }
        match given(&self.seeking_investment).as_str() {
            "" => {}
            "true" | "1" => query.seeking_investment = Some(true),
            "false" | "0" => query.seeking_investment = Some(false),
            _ => wrong.push(unknown("seekingInvestment")),
        }
        let sort = match given(&self.sort).as_str() {
            "" | "newest" | "recent" | "date" => Sort::Newest,
            "relevance" => Sort::Relevance,
            _ => {
                wrong.push(unknown("sort"));
                Sort::Newest
            }
        };
        if wrong.is_empty() { Ok((query, sort)) } else { Err(Refusal::Invalid(wrong)) }
    }
}

fn several(text: &str) -> Vec<String> {
    text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).take(20).collect()
}

fn unknown(field: &str) -> FieldError {
    FieldError::new(field, "unknown_value", "There is no such value.")
}

/// A page of a search.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Found {
    /// Their public part.
    pitches: Vec<Pitch>,
    /// Users of such a name, on the first page.
    users: Vec<PublicUser>,
    /// Pitches found in all; exact up to 1,000.
    total: i64,
    query: String,
    /// What it was narrowed to.
    filters: Asked,
    /// What it can be narrowed to.
    facets: Facets,
    meta: Meta,
}

/// Searches the public text of published pitches, and names of users.
#[utoipa::path(tag = "pitches", params(Asked, ("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Found)))]
#[get("/api/pitches/search")]
pub async fn search(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    ValidatedQuery(asked): ValidatedQuery<Asked>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    run(&state, &viewer, asked, &paging).await
}

/// The same as `/api/pitches/search`.
#[utoipa::path(tag = "pitches", params(Asked, ("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Found)))]
#[get("/api/search/advanced")]
pub async fn advanced(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    ValidatedQuery(asked): ValidatedQuery<Asked>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    run(&state, &viewer, asked, &paging).await
}

async fn run(
    state: &AppState,
    viewer: &Looker,
    asked: Asked,
    paging: &Paging,
) -> Result<HttpResponse, Error> {
    let (mut query, sort) = asked.read()?;
    match viewer.actor.as_ref().map(|actor| actor.id) {
        None => {
            let key = SearchKey::new(&query, sort, paging);
            let load = Box::pin(load(state, viewer, None, asked, query, sort, paging));
            Ok(for_all(&*state.public.search(key, load).await?))
        }
        Some(user) => {
            // A block hides each from the other. Nobody to ask: nothing is shown.
            query.hidden = state.accounts.blocked_ids(user).await?;
            Ok(private(&load(state, viewer, Some(user), asked, query, sort, paging).await?))
        }
    }
}

async fn load(
    state: &AppState,
    viewer: &Looker,
    user: Option<UserId>,
    asked: Asked,
    query: Query,
    sort: Sort,
    paging: &Paging,
) -> Result<Found, Error> {
    let pitches = async {
        let mut tx = state.databases.user.begin(user).await?;
        let found = op::search(&mut tx, viewer, &query, sort, paging, state.clock.now()).await?;
        drop(tx);
        Ok::<_, Error>((with_owners(state, found.page).await, found.facets))
    };
    let first = paging.page == 1 && paging.cursor.is_none();
    let users = async {
        if first && !query.text.is_empty() {
            state.accounts.search_users(&query.text, user, USERS).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "no users beside the pitches");
                Vec::new()
            })
        } else {
            Vec::new()
        }
    };
    let (pitches, users) = future::join(pitches, users).await;
    let (page, facets) = pitches?;
    Ok(Found {
        pitches: page.data,
        users,
        total: page.meta.total,
        query: query.text,
        filters: asked,
        facets,
        meta: page.meta,
    })
}

/// What somebody has typed of a title.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::IntoParams)]
#[garde(allow_unvalidated)]
pub struct Typed {
    /// The beginning; articles don't count.
    q: Option<String>,
}

/// A title that begins so.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Suggestion {
    id: i32,
    title: String,
}

/// Titles of published pitches.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Suggestions {
    suggestions: Vec<Suggestion>,
}

/// Completes what somebody types: at most ten titles that begin so, in order.
#[utoipa::path(tag = "pitches", params(Typed), responses((status = 200, body = Suggestions)))]
#[get("/api/pitches/search/suggestions")]
pub async fn suggestions(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    ValidatedQuery(typed): ValidatedQuery<Typed>,
) -> Result<HttpResponse, Error> {
    let text = typed.q.unwrap_or_default();
    if let Some((code, message)) = fault(&text, 0, TEXT) {
        return Err(Refusal::Invalid(vec![FieldError::new("q", code, message)]).into());
    }
    let user = viewer.actor.as_ref().map(|actor| actor.id);
    let hidden = match user {
        Some(user) => state.accounts.blocked_ids(user).await?,
        None => Vec::new(),
    };
    let mut found = Vec::new();
    if !text.trim().is_empty() {
        let mut tx = state.databases.user.begin(user).await?;
        found = crate::store::search::complete(&mut tx, &text, &hidden, COMPLETIONS).await?;
    }
    let suggestions = found.into_iter().map(|found| Suggestion { id: found.pitch_id, title: found.title });
    Ok(private(&Suggestions { suggestions: suggestions.collect() }))
}
