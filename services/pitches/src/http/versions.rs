//! What a pitch said before.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use pitchey_events::PitchId;
use pitchey_web::{Listed, Paging, PathId, Refusal, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use super::extract::{Viewer, private};
use crate::error::Error;
use crate::ops::reading::{self, Reading};
use crate::state::AppState;
use crate::store::versions as store;

/// A version, without what it says.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    number: i32,
    /// SHA-256 of the canonical content, in hex.
    content_sha256: String,
    author_id: i32,
    #[schema(value_type = String)]
    created_at: Timestamp,
}

impl From<store::Version> for Version {
    fn from(version: store::Version) -> Self {
        Self {
            number: version.number,
            content_sha256: version.content_sha256,
            author_id: version.author_id,
            created_at: version.created_at.into(),
        }
    }
}

/// A version with what it says.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WholeVersion {
    #[serde(flatten)]
    version: Version,
    /// The content as an object.
    #[schema(value_type = Object)]
    content: Option<Box<RawValue>>,
    /// The very text (canonical JSON, RFC 8785) whose SHA-256 is `contentSha256`.
    canonical: Option<String>,
}

/// Versions that the caller may read, newest first.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), responses((status = 200, body = Listed<Version>)))]
#[get("/api/pitches/{id}/versions")]
pub async fn list(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    origin: pitchey_web::Origin,
    PathId(id): PathId<PitchId>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    let actor = viewer.actor.as_ref().ok_or(Refusal::Unauthenticated)?;
    let reading = Reading { viewer: &viewer, origin: &origin, now: state.clock.now() };
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let found = reading::versions(&mut tx, &reading, id, &paging).await?.ok_or(Refusal::NotFound)?;
    Ok(private(&found.map(Version::from)))
}

/// One version.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path), ("n" = i32, Path)), responses((status = 200, body = WholeVersion)))]
#[get("/api/pitches/{id}/versions/{n}")]
pub async fn get(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    origin: pitchey_web::Origin,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Error> {
    let (Ok(id), Ok(number)) = (path.0.parse(), path.1.parse()) else { return Err(Refusal::NotFound.into()) };
    let actor = viewer.actor.as_ref().ok_or(Refusal::Unauthenticated)?;
    let reading = Reading { viewer: &viewer, origin: &origin, now: state.clock.now() };
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let found = reading::version(&mut tx, &reading, id, number).await?;
    tx.commit().await?;
    let (version, canonical) = found.ok_or(Refusal::NotFound)?;
    let content = canonical.clone().map(RawValue::from_string).transpose();
    let content = content.map_err(|error| Error::Internal(error.into()))?;
    Ok(private(&WholeVersion { version: version.into(), content, canonical }))
}
