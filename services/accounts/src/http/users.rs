use actix_web::{get, web};
use pitchey_events::UserId;
use pitchey_rpc::PublicUser;
use pitchey_web::{PathId, Refusal};

use crate::error::Error;
use crate::state::AppState;
use crate::store::users::{self, User};
use crate::view;

/// A user as anybody sees it.
#[utoipa::path(tag = "user", params(("id" = i32, Path)), responses((status = 200, body = PublicUser)))]
#[get("/api/users/{id}")]
pub async fn by_id(state: web::Data<AppState>, id: PathId<UserId>) -> Result<web::Json<PublicUser>, Error> {
    let mut connection = state.databases.user.connection().await?;
    shown(users::by_id(&mut connection, id.0).await?)
}

/// The same, by the name, whatever its case.
#[utoipa::path(tag = "user", params(("name" = String, Path)), responses((status = 200, body = PublicUser)))]
#[get("/api/users/username/{name}")]
pub async fn by_username(
    state: web::Data<AppState>,
    name: web::Path<String>,
) -> Result<web::Json<PublicUser>, Error> {
    if name.chars().any(char::is_control) {
        return Err(Refusal::NotFound.into());
    }
    let mut connection = state.databases.user.connection().await?;
    shown(users::by_username(&mut connection, &name).await?)
}

/// Who is banned or gone is not there for anybody.
fn shown(user: Option<User>) -> Result<web::Json<PublicUser>, Error> {
    let user = user.filter(User::may_log_in).ok_or(Refusal::NotFound)?;
    Ok(web::Json(view::public(user)))
}
