use actix_web::{get, web};
use garde::Validate;
use pitchey_events::{UserId, UserType};
use pitchey_rpc::PublicUser;
use pitchey_web::{Cursor, Listed, Paging, PathId, Principal, Refusal, ValidatedQuery};
use serde::Deserialize;

use super::{fields, one_more};
use crate::error::Error;
use crate::state::AppState;
use crate::store::people::{self, Words};
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

/// Whom to look for.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
pub struct Search {
    /// Beginnings of words of a user's name, own or company's.
    #[garde(custom(fields::line(200)))]
    q: Option<String>,
    /// Only users of this type.
    #[garde(skip)]
    #[param(value_type = Option<String>)]
    user_type: Option<UserType>,
}

/// Users by name, the best first. Who has a block with the one who asks is not there; without words nobody is.
#[utoipa::path(tag = "user", params(Search), responses((status = 200, body = Listed<PublicUser>)))]
#[get("/api/search/users")]
pub async fn search(
    state: web::Data<AppState>,
    principal: Principal,
    ValidatedQuery(search): ValidatedQuery<Search>,
    paging: Paging,
) -> Result<web::Json<Listed<PublicUser>>, Error> {
    let words = search.q.as_deref().and_then(Words::of);
    let (rows, counted) = match &words {
        None => (Vec::new(), 0),
        Some(words) => {
            let mut tx = state.databases.user.begin(principal.user_id()).await?;
            let (skip, most) = (paging.offset(), one_more(&paging));
            let found = people::search(&mut tx, words, search.user_type, skip, most).await?;
            tx.commit().await?;
            found
        }
    };
    let mut page = Listed::page(&paging, rows, counted, |_| Cursor::after(&()));
    // Ranked lists end at what was ranked: by page only.
    page.meta.next_cursor = None;
    Ok(web::Json(page.map(view::public)))
}
