//! What users may do with the data about them: a copy, deletion, consents.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpResponse, delete, get, post, put, web};
use futures_util::stream;
use garde::Validate;
use pitchey_events::UserId;
use pitchey_web::{
    Actor, Answer, Command, FieldError, Listed, Origin, Paging, PathId, Principal, Refusal, Timestamp,
    ValidatedQuery,
};
use serde::{Deserialize, Serialize};

use super::active;
use crate::error::Error;
use crate::mail_tokens::Purpose as MailPurpose;
use crate::ops::consents::{self, Purpose, Word};
use crate::ops::{closing, exports, passwords};
use crate::state::AppState;
use crate::store::data_requests::{self, DataRequest, Kind, Status};
use crate::store::user_consents::{self, Consent};
use crate::store::{act_as, mail_tokens};
use crate::tokens::digest;

/// A request about the own data.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestView {
    /// Its id; of an export, also that of the archive.
    id: i64,
    /// `export` or `deletion`.
    #[serde(rename = "type")]
    kind: Kind,
    /// What became of it.
    status: Status,
    /// When it was made.
    created_at: Timestamp,
    /// When it ended.
    completed_at: Option<Timestamp>,
    /// Until when an archive can be fetched; of a deletion, until when logging in keeps the account.
    expires_at: Option<Timestamp>,
    /// Size of the archive, in bytes.
    size: Option<i64>,
    /// Where the archive is.
    #[serde(skip_serializing_if = "Option::is_none")]
    download_url: Option<String>,
}

impl From<DataRequest> for RequestView {
    fn from(row: DataRequest) -> Self {
        let ready = row.kind == Kind::Export && row.status == Status::Completed;
        Self {
            id: row.id,
            kind: row.kind,
            status: row.status,
            created_at: row.created_at.into(),
            completed_at: row.completed_at.map(Timestamp),
            expires_at: row.expires_at.map(Timestamp),
            size: row.size_bytes,
            download_url: ready.then(|| format!("/api/gdpr/exports/{}", row.id)),
        }
    }
}

/// The own password again.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct Deletion {
    /// The one that works now.
    #[garde(length(chars, max = 1_000))]
    password: String,
}

/// Closes the account, which ends all sessions. Logging in within 14 days keeps it; then it is made a pseudonym.
#[utoipa::path(tag = "user", request_body = Deletion, responses((status = 200, body = RequestView)))]
#[delete("/api/user/account")]
pub async fn delete_account(
    state: web::Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Deletion>,
) -> Result<HttpResponse, Error> {
    let proof = passwords::prove(&state, actor.id, &command.input.password, &origin).await?;
    command.run(&state.databases.user, async |tx, _| close(tx, &state, actor.id, proof, &origin).await).await
}

async fn close(
    tx: &mut pitchey_db::Tx,
    state: &AppState,
    user: UserId,
    proof: Option<passwords::Proof>,
    origin: &Origin,
) -> Result<Answer, Error> {
    let request = closing::close(tx, user, proof, state.clock.now(), origin).await?;
    let message = "Your account is closed and will be deleted in 14 days. To keep it, please log in before.";
    Ok(Answer::ok(message).with("request", &RequestView::from(request)))
}

/// What is asked for.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct NewRequest {
    /// `export` or `deletion`.
    #[garde(skip)]
    #[serde(rename = "type", alias = "requestType")]
    kind: Kind,
    /// For a deletion: the own password.
    #[garde(length(chars, max = 1_000))]
    password: Option<String>,
}

/// Asks for a copy of everything that is kept about the user, or for deletion.
#[utoipa::path(tag = "privacy", request_body = NewRequest, responses((status = 201, body = RequestView), (status = 200, body = RequestView)))]
#[post("/api/gdpr/requests")]
pub async fn ask(
    state: web::Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<NewRequest>,
) -> Result<HttpResponse, Error> {
    let proof = match (command.input.kind, &command.input.password) {
        (Kind::Export, _) => None,
        (Kind::Deletion, Some(password)) => passwords::prove(&state, actor.id, password, &origin).await?,
        (Kind::Deletion, None) => {
            let missing = FieldError::new("password", "required", "This field is required.");
            return Err(Refusal::Invalid(vec![missing]).into());
        }
    };
    command
        .run(&state.databases.user, async |tx, input| match input.kind {
            Kind::Deletion => close(tx, &state, actor.id, proof, &origin).await,
            Kind::Export => {
                let (request, new) = exports::request(tx, &state, actor.id, &origin).await?;
                Ok(Answer::created_if(new, "We collect your data and write to you when it is ready.")
                    .with("request", &RequestView::from(request)))
            }
        })
        .await
}

/// The user's requests, newest first.
#[utoipa::path(tag = "privacy", responses((status = 200, body = Listed<RequestView>)))]
#[get("/api/gdpr/requests")]
pub async fn asked(
    state: web::Data<AppState>,
    actor: Actor,
    paging: Paging,
) -> Result<web::Json<Listed<RequestView>>, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let all = data_requests::of_user(&mut tx, actor.id).await?;
    tx.commit().await?;
    Ok(web::Json(Listed::of_all(&paging, all).map(RequestView::from)))
}

/// The link in a mail.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
pub struct Link {
    /// Lets in whoever has the mail; without it, the user must be logged in.
    #[garde(length(chars, max = 200))]
    token: Option<String>,
}

/// The archive: a zip of JSON files.
#[utoipa::path(tag = "privacy", params(("id" = i64, Path), Link), responses((status = 200, content_type = "application/zip")))]
#[get("/api/gdpr/exports/{id}")]
pub async fn export(
    state: web::Data<AppState>,
    principal: Principal,
    id: PathId<i64>,
    ValidatedQuery(link): ValidatedQuery<Link>,
    origin: Origin,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(principal.user_id()).await?;
    let user = match link.token.as_deref().filter(|token| !token.is_empty()) {
        None => principal.user_id().ok_or(Refusal::Unauthenticated)?,
        Some(token) => {
            let (digest, now) = (digest(token), state.clock.now());
            let owner = mail_tokens::works_for(&mut tx, &digest, MailPurpose::DataExport, now).await?;
            let owner = owner.ok_or(Refusal::NotFound)?;
            act_as(&mut tx, owner).await?;
            owner
        }
    };
    let request = exports::ready(&mut tx, &state, user, id.0).await?;
    exports::fetched(&mut tx, user, request.id, &origin);
    tx.commit().await?;
    let state = state.into_inner();
    let pieces = stream::try_unfold((state, 0), move |(state, number)| async move {
        let piece = exports::piece(&state, user, id.0, number).await?;
        Ok::<_, Error>(piece.map(|piece| (web::Bytes::from(piece), (state, number + 1))))
    });
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"pitchey-export-{}.zip\"", request.id),
        ))
        .streaming(pieces))
}

/// What holds for a purpose.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsentView {
    /// What for.
    purpose: Purpose,
    /// Whether the user agrees.
    granted: bool,
    /// Version of the text that the user saw; none if the user never said anything.
    document_version: Option<String>,
    /// Version of the text now.
    current_version: &'static str,
    /// Since when.
    created_at: Option<Timestamp>,
}

/// One line a purpose.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Consents {
    /// All purposes.
    consents: Vec<ConsentView>,
}

impl Consents {
    fn of(newest: &[Consent]) -> Self {
        let consents = Purpose::ALL.into_iter().map(|purpose| {
            let said = newest.iter().find(|consent| consent.purpose == purpose.as_str());
            ConsentView {
                purpose,
                granted: said.is_some_and(|consent| consent.granted),
                document_version: said.map(|consent| consent.document_version.clone()),
                current_version: purpose.current_version(),
                created_at: said.map(|consent| consent.created_at.into()),
            }
        });
        Self { consents: consents.collect() }
    }
}

/// What the user agreed to.
#[utoipa::path(tag = "privacy", responses((status = 200, body = Consents)))]
#[get("/api/gdpr/consents")]
pub async fn agreed(state: web::Data<AppState>, actor: Actor) -> Result<web::Json<Consents>, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let newest = user_consents::newest(&mut tx, actor.id).await?;
    tx.commit().await?;
    Ok(web::Json(Consents::of(&newest)))
}

/// What the user agrees to, or takes back.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct Said {
    /// Purposes that are not named stay as they are.
    #[garde(length(min = 1, max = 10), dive)]
    consents: Vec<SaidOf>,
}

/// A word on one purpose.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SaidOf {
    /// What for.
    #[garde(skip)]
    purpose: Purpose,
    /// Yes or no.
    #[garde(skip)]
    granted: bool,
    /// Version of the text that was shown; the current one unless given.
    #[garde(length(chars, max = 50))]
    document_version: Option<String>,
}

/// Agrees, or takes it back.
#[utoipa::path(tag = "privacy", request_body = Said, responses((status = 200, body = Consents)))]
#[put("/api/gdpr/consents")]
pub async fn agree(
    state: web::Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Said>,
) -> Result<HttpResponse, Error> {
    let user = active(&actor)?;
    command
        .run(&state.databases.user, async |tx, input| {
            let words: Vec<_> = input
                .consents
                .iter()
                .map(|said| Word {
                    purpose: said.purpose,
                    granted: said.granted,
                    document_version: said.document_version.as_deref(),
                })
                .collect();
            let newest = consents::say(tx, user, &words, state.clock.now(), &origin).await?;
            Ok(Answer::ok("Your choice is saved.").with_all(&Consents::of(&newest)))
        })
        .await
}
