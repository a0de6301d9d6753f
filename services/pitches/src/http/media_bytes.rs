//! The bytes of a file, or of a part of it. Whether the caller may see it is asked before the first, and again while they flow: a revocation stops
//! them within a second.

use std::ops::Range;
use std::time::{Duration, Instant};

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ByteRangeSpec, HeaderMap};
use actix_web::web::{Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use futures_util::{Stream, StreamExt};
use pitchey_events::MediaId;
use pitchey_web::{Origin, PathId, Refusal};
use serde::Deserialize;

use super::extract::Viewer;
use crate::error::Error;
use crate::ops::media as op;
use crate::ops::reading::Reading;
use crate::projection;
use crate::state::AppState;
use crate::store::media::{Media, Stored};

/// How long an answer to "may this be seen" is good for.
const ASK_AGAIN: Duration = Duration::from_millis(900);

/// What comes with a link.
#[derive(Deserialize, utoipa::IntoParams)]
pub struct Token {
    /// Stands for the caller whom the link was given to.
    token: Option<String>,
}

/// A file's bytes, whole or in part (`Range`). Open to everybody if it is public, else to whom the protected part of its pitch is open: with a token
/// in the header as everywhere, or by a link.
#[utoipa::path(tag = "media", params(("id" = i32, Path), Token), responses((status = 200, content_type = "application/octet-stream"), (status = 206, content_type = "application/octet-stream"), (status = 304)))]
#[get("/api/media/{id}/file")]
pub async fn file(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    origin: Origin,
    PathId(id): PathId<MediaId>,
    token: Option<Query<Token>>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let token = token.and_then(|query| query.into_inner().token);
    let viewer = match (&viewer.actor, token) {
        (None, Some(token)) => by_link(&state, id, &token).await?,
        _ => viewer,
    };
    let reading = Reading { viewer: &viewer, origin: &origin, now: state.clock.now() };
    let mut tx = state.databases.user.begin(viewer.actor.as_ref().map(|actor| actor.id)).await?;
    let media = op::see(&mut tx, &reading, id).await?;
    tx.commit().await?;
    let media = media.ok_or(Refusal::NotFound)?;
    let Some(stored) = media.stored() else { return Err(Refusal::NotFound.into()) };
    send(&state, &media, stored, viewer, request.headers()).await
}

/// Whoever was given the link, as accounts knows them now.
async fn by_link(state: &AppState, id: MediaId, token: &str) -> Result<projection::Viewer, Error> {
    let session = state.links.read(id, token, state.clock.now()).ok_or(Refusal::NotFound)?;
    let session = state.accounts.session(session).await?.ok_or(Refusal::NotFound)?;
    Ok(projection::Viewer { actor: Some(session.actor), reason: None })
}

async fn send(
    state: &AppState,
    media: &Media,
    stored: Stored<'_>,
    viewer: projection::Viewer,
    asked: &HeaderMap,
) -> Result<HttpResponse, Error> {
    let etag = format!("\"{}\"", stored.sha256);
    let told = |name: header::HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
    let is_known = |list: &str| {
        list.split(',').any(|tag| [etag.as_str(), "*"].contains(&tag.trim().trim_start_matches("W/")))
    };
    let part = match told(header::IF_RANGE) {
        Some(tag) if tag != etag => None,
        _ => told(header::RANGE).map(|range| part(range, stored.size)).transpose()?.flatten(),
    };
    let status = match part {
        _ if told(header::IF_NONE_MATCH).is_some_and(is_known) => StatusCode::NOT_MODIFIED,
        Some(_) => StatusCode::PARTIAL_CONTENT,
        None => StatusCode::OK,
    };
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((header::ETAG, etag.as_str()))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((
            header::CACHE_CONTROL,
            if media.public { "public, no-cache" } else { "private, no-store" },
        ))
        // Whatever it may hold, it is shown or kept, never run.
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CONTENT_DISPOSITION, disposition(media, stored.media_type)))
        .insert_header((header::CONTENT_TYPE, stored.media_type));
    if status == StatusCode::NOT_MODIFIED {
        return Ok(answer.finish());
    }
    if let Some(part) = &part {
        let told = format!("bytes {}-{}/{}", part.start, part.end - 1, stored.size);
        answer.insert_header((header::CONTENT_RANGE, told));
    }
    let range = part.unwrap_or(0..stored.size);
    let length = range.end - range.start;
    let bytes = state.files.read(stored.key, range).await?;
    let bytes = while_open(state.clone(), viewer, media.id(), bytes);
    Ok(answer.body(SizedStream::new(length, Box::pin(bytes))))
}

/// `bytes`, as long as the viewer may see them.
fn while_open(
    state: AppState,
    viewer: projection::Viewer,
    id: MediaId,
    mut bytes: impl Stream<Item = std::io::Result<Bytes>> + Unpin,
) -> impl Stream<Item = Result<Bytes, Error>> {
    async_stream::try_stream! {
        let mut asked = Instant::now();
        while let Some(piece) = bytes.next().await {
            if asked.elapsed() > ASK_AGAIN {
                if !is_open(&state, &viewer, id).await? {
                    tracing::info!(media = id.0, "not sent to its end: it may not be seen any more");
                    Err(Refusal::NotFound)?;
                }
                asked = Instant::now();
            }
            yield piece?;
        }
    }
}

async fn is_open(state: &AppState, viewer: &projection::Viewer, id: MediaId) -> Result<bool, Error> {
    if let Some(actor) = &viewer.actor
        && state.accounts.session(actor.session_id).await?.is_none()
    {
        return Ok(false);
    }
    let origin = pitchey_db::audit::Origin::default();
    let reading = Reading { viewer, origin: &origin, now: state.clock.now() };
    let mut tx = state.databases.user.begin(viewer.actor.as_ref().map(|actor| actor.id)).await?;
    op::still_open(&mut tx, &reading, id).await
}

/// The one part of a file of `size` bytes that a `Range` header asks for. `None`: all of it, also where several are asked for or it makes no sense.
fn part(range: &str, size: u64) -> Result<Option<Range<u64>>, Error> {
    let Ok(header::Range::Bytes(parts)) = range.parse::<header::Range>() else { return Ok(None) };
    let [one] = parts.as_slice() else { return Ok(None) };
    let one: &ByteRangeSpec = one;
    match one.to_satisfiable_range(size) {
        Some((first, last)) => Ok(Some(first..last + 1)),
        None => Err(Error::RangeNotSatisfiable { size }),
    }
}

/// Pictures and videos are shown, documents kept. The name says nothing that its owner made up.
fn disposition(media: &Media, media_type: &str) -> String {
    let (kind, subtype) = media_type.split_once('/').unwrap_or(("application", "octet-stream"));
    let extension = match subtype {
        "jpeg" => "jpg",
        "quicktime" => "mov",
        "x-m4v" => "m4v",
        "vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "vnd.openxmlformats-officedocument.presentationml.presentation" => "pptx",
        other => other,
    };
    let how = if matches!(kind, "image" | "video") { "inline" } else { "attachment" };
    format!("{how}; filename=\"{}-{}.{extension}\"", media.kind.as_str(), media.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_is_sent_and_anything_else_is_all_of_it() {
        for (range, expected) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=2-", Some(2..10)),
            ("bytes=-3", Some(7..10)),
            ("bytes=5-100", Some(5..10)),
            ("bytes=0-1,3-4", None),
            ("lines=1-2", None),
            ("nonsense", None),
        ] {
            assert_eq!(part(range, 10).unwrap(), expected, "{range}");
        }
        assert!(matches!(part("bytes=10-", 10), Err(Error::RangeNotSatisfiable { size: 10 })));
    }
}
