//! Files and video links of pitches: adding, looking them up, taking them away.

use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use pitchey_events::{MediaId, PitchId};
use pitchey_identity::Actor as Somebody;
use pitchey_web::{Actor, Answer, Command, Origin, PathId, Refusal, Timestamp};
use serde::Serialize;
use serde_json::json;

use super::extract::{Viewer, private};
use super::pitches::Nothing;
use super::upload_form::{Content, Form, Parts, Upload};
use crate::error::Error;
use crate::files::new_key;
use crate::links::{Links, plain};
use crate::ops::Act;
use crate::ops::media as op;
use crate::ops::reading::Reading;
use crate::state::AppState;
use crate::store::media::{Media, New};
use crate::words::MediaKind;

/// So long a refused upload is read on.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file or a video link of a pitch.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct File {
    id: i32,
    pitch_id: i32,
    #[serde(rename = "type")]
    kind: MediaKind,
    title: String,
    /// Everybody who may see the pitch may see it.
    public: bool,
    /// Where it is. Of a file that is not public: a link for the caller, which can be opened without a token until `urlExpiresAt`, as long as the
    /// caller may still see the file.
    url: String,
    #[schema(value_type = Option<String>)]
    url_expires_at: Option<Timestamp>,
    /// What its content is; null for a link.
    media_type: Option<String>,
    /// In bytes; null for a link.
    size: Option<i64>,
    /// In hex; null for a link.
    sha256: Option<String>,
    #[schema(value_type = String)]
    created_at: Timestamp,
}

/// What an upload answers.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FileWritten {
    message: String,
    file: File,
}

/// The fields of an upload.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it is there to be described; Form reads it piece by piece")]
#[schema(rename_all = "camelCase")]
pub struct UploadForm {
    /// What it is is found out from its content.
    #[schema(format = Binary, value_type = Option<String>)]
    file: Option<Vec<u8>>,
    /// Instead of a file, for a video or a trailer: where it is kept, `https://...`.
    url: Option<String>,
    #[schema(rename = "type")]
    kind: MediaKind,
    pitch_id: i32,
    /// The file's name without it.
    title: Option<String>,
    /// Whether everybody may see it who may see the pitch. Without it, a poster is and anything else is not.
    public: Option<bool>,
}

impl File {
    fn of(media: Media, links: &Links, viewer: Option<&Somebody>, now: DateTime<Utc>) -> Self {
        let id = media.id();
        let link = viewer.filter(|_| !media.public).map(|actor| links.make(id, actor, now));
        let (url, expires) = match (media.link, link) {
            (Some(elsewhere), _) => (elsewhere, None),
            (None, Some(link)) => (link.url, Some(link.expires_at)),
            (None, None) => (plain(id), None),
        };
        Self {
            id: media.id,
            pitch_id: media.pitch_id,
            kind: media.kind,
            title: media.title,
            public: media.public,
            url,
            url_expires_at: expires.map(Timestamp::from),
            media_type: media.media_type,
            size: media.size,
            sha256: media.sha256,
            created_at: media.created_at.into(),
        }
    }
}

/// Adds a file, or a link to a video, to the caller's pitch. The same again is the one that is there. It may cost credits.
#[utoipa::path(tag = "media", request_body(content = UploadForm, content_type = "multipart/form-data"), responses((status = 201, body = FileWritten), (status = 200, body = FileWritten)))]
#[post("/api/media/upload")]
pub async fn upload(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    request: HttpRequest,
    multipart: Multipart,
) -> Result<HttpResponse, Error> {
    let mut parts = Parts::new(multipart);
    let read = read(&state, &actor, &origin, &mut parts).await;
    if read.is_err() {
        parts.drain(PATIENCE).await;
    }
    let (sent, _place) = read?;
    // That took a while: who has been logged out or suspended meanwhile adds nothing.
    let session = state.accounts.session(actor.session_id).await?.ok_or(Refusal::Unauthenticated)?;
    let act = Act { actor: &session.actor, origin: &origin, now: state.clock.now() };
    let pitch = PitchId(sent.pitch);
    let answer = Box::pin(keep(&state, &act, &request, sent)).await?;
    state.public.forget(pitch).await;
    Ok(answer)
}

async fn read(
    state: &AppState,
    actor: &Somebody,
    origin: &Origin,
    parts: &mut Parts,
) -> Result<(Upload, tokio::sync::OwnedSemaphorePermit), Error> {
    let act = Act { actor, origin, now: state.clock.now() };
    act.may_pitch()?;
    let place = state.uploads.enter().await?;
    let may = async |pitch| op::may_add(state, &act, PitchId(pitch)).await;
    Ok((Form::read(parts, &state.files, may).await?.judge()?, place))
}

/// Puts the file where files are, then the row; without the row, the file goes again.
async fn keep(
    state: &AppState,
    act: &Act<'_>,
    request: &HttpRequest,
    sent: Upload,
) -> Result<HttpResponse, Error> {
    let key = new_key();
    let (file, media_type, link) = match sent.content {
        Content::File { file, media_type } => (Some(file), Some(media_type), None),
        Content::Link(link) => (None, None, Some(link)),
    };
    let sha256 = file.as_ref().map(|file| file.sha256.clone());
    let new = New {
        pitch_id: sent.pitch,
        owner_id: act.actor.id.0,
        kind: sent.kind,
        title: &sent.title,
        public: sent.public,
        media_type,
        size: file.as_ref().and_then(|file| i64::try_from(file.size).ok()),
        sha256: sha256.as_deref(),
        object_key: file.as_ref().map(|_| key.as_str()),
        link: link.as_deref(),
        created_at: act.now,
    };
    let told = json!([sent.pitch, sent.kind, sent.title, sent.public, sha256, link]).to_string();
    let command = Command::of(request, (), told.as_bytes())?;
    let prepared = op::prepare(state, act, &new).await;
    if prepared.is_ok()
        && let Some(file) = file
    {
        state.files.keep(file, &key).await?;
    }
    let mut added = false;
    let answer = command.run(&state.databases.user, async |tx, ()| {
        let done = op::add(tx, act, &new, prepared?).await?;
        added = !done.repeated;
        let message = if done.repeated { "This file was there already." } else { "The file was added." };
        let file = File::of(done.media, &state.links, Some(act.actor), act.now);
        Ok::<_, Error>(Answer::created_if(!done.repeated, message).with("file", &file))
    });
    let answer = answer.await;
    if new.object_key.is_some()
        && !(added && answer.is_ok())
        && let Err(error) = state.files.remove(&key).await
    {
        tracing::warn!(%error, key, "a file that belongs to nothing stays until the next tidying");
    }
    answer
}

/// A file's description, with a link to it.
#[utoipa::path(tag = "media", params(("id" = i32, Path)), responses((status = 200, body = File)))]
#[get("/api/media/{id}")]
pub async fn get(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    origin: Origin,
    PathId(id): PathId<MediaId>,
) -> Result<HttpResponse, Error> {
    let reading = Reading { viewer: &viewer, origin: &origin, now: state.clock.now() };
    let mut tx = state.databases.user.begin(viewer.actor.as_ref().map(|actor| actor.id)).await?;
    let media = op::see(&mut tx, &reading, id).await?;
    tx.commit().await?;
    let media = media.ok_or(Refusal::NotFound)?;
    Ok(private(&File::of(media, &state.links, viewer.actor.as_ref(), reading.now)))
}

/// Takes a file or a link from the caller's pitch. An agreement that an NDA names stays with that NDA.
#[utoipa::path(tag = "media", params(("id" = i32, Path)), responses((status = 200)))]
#[delete("/api/media/{id}")]
pub async fn delete(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<MediaId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let mut pitch = None;
    let answer = command.run(&state.databases.user, async |tx, _| {
        pitch = Some(op::remove(tx, &act, id).await?.pitch());
        Ok::<_, Error>(Answer::ok("The file was removed."))
    });
    let answer = answer.await?;
    if let Some(pitch) = pitch {
        state.public.forget(pitch).await;
    }
    Ok(answer)
}
