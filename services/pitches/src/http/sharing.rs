//! Links to share.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use garde::Validate;
use pitchey_events::PitchId;
use pitchey_web::{Actor, Answer, Command, Origin, PathId, Timestamp};
use serde::{Deserialize, Serialize};

use super::extract::private;
use crate::error::Error;
use crate::input::plain;
use crate::ops::{Act, sharing as op};
use crate::state::AppState;
use crate::store::share_links::Link;

/// The link that is not for any place in particular.
const COPY: &str = "link";

/// Where to.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::ToSchema)]
pub struct Share {
    /// twitter, facebook, linkedin, email ...; without one, a link to copy.
    #[garde(custom(plain(30)))]
    platform: Option<String>,
}

/// A link, with how often it was opened.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShareLink {
    share_url: String,
    platform: String,
    opens: i64,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    expires_at: Timestamp,
}

impl ShareLink {
    fn of(state: &AppState, link: Link) -> Self {
        Self {
            share_url: state.share_tokens.url(PitchId(link.pitch_id), link.id, link.expires_at),
            platform: link.platform,
            opens: link.opens,
            created_at: link.created_at.into(),
            expires_at: link.expires_at.into(),
        }
    }
}

/// A link to a published pitch, for somewhere. The caller has one for each place, until it ends.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), request_body = Share, responses((status = 201, body = ShareLink), (status = 200, body = ShareLink, description = "There was one.")))]
#[post("/api/pitches/{id}/share")]
pub async fn share(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    command: Command<Share>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, input| {
        let platform = input.platform.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty());
        let (link, new) = op::share(tx, &act, id, platform.as_deref().unwrap_or(COPY)).await?;
        let answer = Answer::created_if(new, "Here is the link.");
        Ok::<_, Error>(answer.with_all(&ShareLink::of(&state, link)))
    });
    answer.await
}

/// The caller's link to copy.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), responses((status = 200, body = ShareLink)))]
#[get("/api/pitches/{id}/share-link")]
pub async fn own_link(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let (link, _) = op::share(&mut tx, &act, id, COPY).await?;
    tx.commit().await?;
    Ok(private(&ShareLink::of(&state, link)))
}
