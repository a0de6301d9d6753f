//! What admins see of users, and do to them.

use actix_web::{HttpResponse, get, post, web};
use garde::Validate;
use pitchey_events::{UserId, UserType};
use pitchey_rpc::PublicUser;
use pitchey_web::{
    Actor, Answer, COUNTED, Command, Cursor, Listed, Origin, Paging, PathId, Refusal, Timestamp,
    ValidatedQuery,
};
use serde::{Deserialize, Serialize};

use super::{admin, fields, one_more, place};
use crate::error::Error;
use crate::ops::moderation::{self, Measure};
use crate::state::AppState;
use crate::store::people::{self, State, Wanted, Words};
use crate::store::users::{self, User};
use crate::view::{self, OwnUser};

/// A user as admins see it.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminUser {
    /// What anybody sees.
    #[serde(flatten)]
    public: PublicUser,
    /// The address to log in with.
    email: String,
    /// Runs the platform.
    admin: bool,
    /// May read only, since then.
    suspended_at: Option<Timestamp>,
    /// Has no session, since then.
    banned_at: Option<Timestamp>,
    /// Asked for deletion.
    deleted_at: Option<Timestamp>,
    /// The newest log-in.
    last_login_at: Option<Timestamp>,
}

impl From<User> for AdminUser {
    fn from(user: User) -> Self {
        Self {
            email: user.email.clone(),
            admin: user.is_admin,
            suspended_at: user.suspended_at.map(Timestamp),
            banned_at: user.banned_at.map(Timestamp),
            deleted_at: user.deleted_at.map(Timestamp),
            last_login_at: user.last_login_at.map(Timestamp),
            public: view::public(user),
        }
    }
}

/// Whom to look for.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// An e-mail address, or beginnings of words of a name.
    #[garde(custom(fields::line(255)))]
    q: Option<String>,
    /// Only users of this type.
    #[garde(skip)]
    #[param(value_type = Option<String>)]
    user_type: Option<UserType>,
    /// `active`, `suspended`, `banned` or `deleted`.
    #[garde(skip)]
    #[param(value_type = Option<String>)]
    status: Option<State>,
    /// Whose company was checked, or was not.
    #[garde(skip)]
    company_verified: Option<bool>,
}

impl From<Look> for Wanted {
    fn from(look: Look) -> Self {
        let (email, name) = match look.q.map(|q| q.trim().to_owned()).filter(|q| !q.is_empty()) {
            Some(q) if q.contains('@') => (Some(q), None),
            q => (None, q),
        };
        Self {
            email,
            words: name.as_deref().and_then(Words::of),
            user_type: look.user_type,
            state: look.status,
            company_verified: look.company_verified,
        }
    }
}

/// All users, newest first. Admins only.
#[utoipa::path(tag = "admin", params(Look), responses((status = 200, body = Listed<AdminUser>)))]
#[get("/api/admin/users")]
pub async fn list(
    state: web::Data<AppState>,
    actor: Actor,
    ValidatedQuery(look): ValidatedQuery<Look>,
    paging: Paging,
    origin: Origin,
) -> Result<web::Json<Listed<AdminUser>>, Error> {
    let admin = admin(&actor)?;
    let (before, skip) = place(&paging)?;
    let wanted = Wanted::from(look);
    let mut tx = state.databases.user.begin(Some(admin)).await?;
    let found = people::list(&mut tx, &wanted, before, skip, one_more(&paging)).await?;
    let counted = people::count(&mut tx, &wanted, COUNTED + 1).await?;
    moderation::looked(&mut tx, admin, "admin.users_listed", None, &origin);
    tx.commit().await?;
    let page = Listed::page(&paging, found, counted, |user| Cursor::after(&user.id));
    Ok(web::Json(page.map(AdminUser::from)))
}

/// A user with what only the user sees.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WholeUser {
    /// As only the user sees it.
    #[serde(flatten)]
    own: OwnUser,
    /// Runs the platform.
    admin: bool,
    /// May read only, since then.
    suspended_at: Option<Timestamp>,
    /// Has no session, since then.
    banned_at: Option<Timestamp>,
    /// Asked for deletion.
    deleted_at: Option<Timestamp>,
}

/// One user with telephone number and address, which leaves a row in the audit log. Admins only.
#[utoipa::path(tag = "admin", params(("id" = i32, Path)), responses((status = 200, body = WholeUser)))]
#[get("/api/admin/users/{id}")]
pub async fn one(
    state: web::Data<AppState>,
    actor: Actor,
    id: PathId<UserId>,
    origin: Origin,
) -> Result<web::Json<WholeUser>, Error> {
    let admin = admin(&actor)?;
    let mut tx = state.databases.user.begin(Some(admin)).await?;
    let user = users::get(&mut tx, id.0).await?.ok_or(Refusal::NotFound)?;
    moderation::looked(&mut tx, admin, "user.personal_data_read", Some(id.0), &origin);
    tx.commit().await?;
    Ok(web::Json(WholeUser {
        admin: user.is_admin,
        suspended_at: user.suspended_at.map(Timestamp),
        banned_at: user.banned_at.map(Timestamp),
        deleted_at: user.deleted_at.map(Timestamp),
        own: OwnUser::of(user, &state.sealer)?,
    }))
}

/// Why something is done to an account.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct Reason {
    /// For the audit log.
    #[garde(length(chars, min = 3), custom(fields::lines(2_000)))]
    reason: String,
}

/// The same, where it need not be told.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct MaybeReason {
    /// For the audit log.
    #[garde(custom(fields::lines(2_000)))]
    reason: Option<String>,
}

/// Lets an account read only. Admins only.
#[utoipa::path(tag = "admin", params(("id" = i32, Path)), request_body = Reason, responses((status = 200, body = AdminUser)))]
#[post("/api/admin/users/{id}/suspend")]
pub async fn suspend(
    state: web::Data<AppState>,
    actor: Actor,
    id: PathId<UserId>,
    origin: Origin,
    command: Command<Reason>,
) -> Result<HttpResponse, Error> {
    let admin = admin(&actor)?;
    command
        .run(&state.databases.user, async |tx, input| {
            let (now, reason) = (state.clock.now(), Some(input.reason.as_str()));
            let user = moderation::take(tx, Measure::Suspend, id.0, admin, reason, now, &origin).await?;
            Ok(Answer::ok("The account is suspended.").with("user", &AdminUser::from(user)))
        })
        .await
}

/// Ends all sessions of an account and lets it have none. Admins only.
#[utoipa::path(tag = "admin", params(("id" = i32, Path)), request_body = Reason, responses((status = 200, body = AdminUser)))]
#[post("/api/admin/users/{id}/ban")]
pub async fn ban(
    state: web::Data<AppState>,
    actor: Actor,
    id: PathId<UserId>,
    origin: Origin,
    command: Command<Reason>,
) -> Result<HttpResponse, Error> {
    let admin = admin(&actor)?;
    command
        .run(&state.databases.user, async |tx, input| {
            let (now, reason) = (state.clock.now(), Some(input.reason.as_str()));
            let user = moderation::take(tx, Measure::Ban, id.0, admin, reason, now, &origin).await?;
            Ok(Answer::ok("The account is banned.").with("user", &AdminUser::from(user)))
        })
        .await
}

/// Takes suspension and ban back. Admins only.
#[utoipa::path(tag = "admin", params(("id" = i32, Path)), request_body = MaybeReason, responses((status = 200, body = AdminUser)))]
#[post("/api/admin/users/{id}/reinstate")]
pub async fn reinstate(
    state: web::Data<AppState>,
    actor: Actor,
    id: PathId<UserId>,
    origin: Origin,
    command: Command<MaybeReason>,
) -> Result<HttpResponse, Error> {
    let admin = admin(&actor)?;
    command
        .run(&state.databases.user, async |tx, input| {
            let (now, reason) = (state.clock.now(), input.reason.as_deref());
            let user = moderation::take(tx, Measure::Reinstate, id.0, admin, reason, now, &origin).await?;
            Ok(Answer::ok("The account is reinstated.").with("user", &AdminUser::from(user)))
        })
        .await
}
