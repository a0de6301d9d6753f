use actix_web::{HttpResponse, get, post, web};
use garde::Validate;
use pitchey_events::UserId;
use pitchey_rpc::PublicUser;
use pitchey_web::{
    Actor, Answer, COUNTED, Command, Cursor, Listed, Origin, Paging, PathId, Refusal, Timestamp,
    ValidatedQuery,
};
use serde::{Deserialize, Serialize};

use super::{active, admin, fields, one_more, place};
use crate::error::Error;
use crate::ops::{companies, moderation};
use crate::state::AppState;
use crate::store::company_verifications::{self as rows, Status, Verification};
use crate::store::users::{self, User};
use crate::view::{self, OwnUser};

/// A request to have a company checked.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationView {
    id: i32,
    user_id: i32,
    /// As it was when it was asked.
    company_name: String,
    company_number: Option<String>,
    company_website: Option<String>,
    /// For the admin.
    note: Option<String>,
    status: Status,
    /// Why it was rejected.
    reason: Option<String>,
    created_at: Timestamp,
    decided_at: Option<Timestamp>,
}

impl From<Verification> for VerificationView {
    fn from(row: Verification) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            company_name: row.company_name,
            company_number: row.company_number,
            company_website: row.company_website,
            note: row.note,
            status: row.status,
            reason: row.reason,
            created_at: row.created_at.into(),
            decided_at: row.decided_at.map(Timestamp),
        }
    }
}

/// How the user's company stands.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Own {
    /// An admin checked it.
    company_verified: bool,
    /// The newest request.
    verification: Option<VerificationView>,
}

/// How the user's own company stands.
#[utoipa::path(tag = "user", responses((status = 200, body = Own)))]
#[get("/api/user/company-verification")]
pub async fn own(state: web::Data<AppState>, actor: Actor) -> Result<web::Json<Own>, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let user = users::get(&mut tx, actor.id).await?.ok_or(Refusal::Unauthenticated)?;
    let newest = rows::newest_of(&mut tx, actor.id).await?;
    tx.commit().await?;
    Ok(web::Json(Own {
        company_verified: user.company_verified,
        verification: newest.map(VerificationView::from),
    }))
}

/// What the admin should know.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct Ask {
    /// In the user's own words.
    #[garde(custom(fields::lines(2_000)))]
    note: Option<String>,
}

/// Asks an admin to check the company in the user's profile.
#[utoipa::path(tag = "user", request_body = Ask, responses((status = 201, body = VerificationView), (status = 200, body = VerificationView)))]
#[post("/api/user/company-verification")]
pub async fn request(
    state: web::Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Ask>,
) -> Result<HttpResponse, Error> {
    let user = active(&actor)?;
    command
        .run(&state.databases.user, async |tx, input| {
            let (row, new) = companies::request(tx, &state, user, input.note.as_deref(), &origin).await?;
            Ok(Answer::created_if(new, "An admin will look at your company.")
                .with("verification", &VerificationView::from(row)))
        })
        .await
}

/// A request with who made it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Asked {
    /// What was asked.
    #[serde(flatten)]
    verification: VerificationView,
    /// By whom.
    user: PublicUser,
}

impl From<(Verification, User)> for Asked {
    fn from((row, user): (Verification, User)) -> Self {
        Self { verification: row.into(), user: view::public(user) }
    }
}

/// Which requests.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
pub struct Which {
    /// All unless given.
    #[garde(skip)]
    #[param(value_type = Option<String>)]
    status: Option<Status>,
}

/// Requests to have a company checked, newest first. Admins only.
#[utoipa::path(tag = "admin", params(Which), responses((status = 200, body = Listed<Asked>)))]
#[get("/api/admin/company-verifications")]
pub async fn list(
    state: web::Data<AppState>,
    actor: Actor,
    ValidatedQuery(which): ValidatedQuery<Which>,
    paging: Paging,
) -> Result<web::Json<Listed<Asked>>, Error> {
    let admin = admin(&actor)?;
    let (before, skip) = place(&paging)?;
    let mut tx = state.databases.user.begin(Some(admin)).await?;
    let found = rows::list(&mut tx, which.status, before, skip, one_more(&paging)).await?;
    let counted = rows::count(&mut tx, which.status, COUNTED + 1).await?;
    tx.commit().await?;
    let page = Listed::page(&paging, found, counted, |(row, _)| Cursor::after(&row.id));
    Ok(web::Json(page.map(Asked::from)))
}

/// A request with all that the user says of the company.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// What was asked.
    #[serde(flatten)]
    verification: VerificationView,
    /// By whom, as only the user sees it.
    user: OwnUser,
}

/// One request, with the address of the company, which leaves a row in the audit log. Admins only.
#[utoipa::path(tag = "admin", params(("id" = i32, Path)), responses((status = 200, body = Details)))]
#[get("/api/admin/company-verifications/{id}")]
pub async fn one(
    state: web::Data<AppState>,
    actor: Actor,
    id: PathId<i32>,
    origin: Origin,
) -> Result<web::Json<Details>, Error> {
    let admin = admin(&actor)?;
    let mut tx = state.databases.user.begin(Some(admin)).await?;
    let row = rows::get(&mut tx, id.0).await?.ok_or(Refusal::NotFound)?;
    let user = UserId(row.user_id);
    let user_row = users::get(&mut tx, user).await?.ok_or(Refusal::NotFound)?;
    moderation::looked(&mut tx, admin, "user.personal_data_read", Some(user), &origin);
    tx.commit().await?;
    Ok(web::Json(Details { verification: row.into(), user: OwnUser::of(user_row, &state.sealer)? }))
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The company is what it says.
    #[serde(alias = "approve")]
    Approved,
    /// It is not.
    #[serde(alias = "reject")]
    Rejected,
}

/// What an admin found.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct Decided {
    /// `approved` or `rejected`.
    #[garde(skip)]
    #[serde(alias = "status")]
    decision: Decision,
    /// For the user.
    #[garde(custom(fields::lines(2_000)))]
    reason: Option<String>,
}

/// Decides a request. Admins only.
#[utoipa::path(tag = "admin", params(("id" = i32, Path)), request_body = Decided, responses((status = 200, body = VerificationView)))]
#[post("/api/admin/company-verifications/{id}")]
pub async fn decide(
    state: web::Data<AppState>,
    actor: Actor,
    id: PathId<i32>,
    origin: Origin,
    command: Command<Decided>,
) -> Result<HttpResponse, Error> {
    let admin = admin(&actor)?;
    command
        .run(&state.databases.user, async |tx, input| {
            let approved = input.decision == Decision::Approved;
            let reason = input.reason.as_deref();
            let row = companies::decide(tx, &state, id.0, approved, reason, admin, &origin).await?;
            let message = if approved { "The company is verified." } else { "The company is not verified." };
            Ok(Answer::ok(message).with("verification", &VerificationView::from(row)))
        })
        .await
}
