use actix_web::{HttpResponse, get, put, web};
use garde::Validate;
use pitchey_web::{Actor, Answer, Command, Origin, Refusal};
use serde::Deserialize;

use super::{active, fields};
use crate::error::Error;
use crate::ops::profile::{self, Changes};
use crate::state::AppState;
use crate::store::users;
use crate::view::OwnUser;

/// The user's own profile.
#[utoipa::path(tag = "user", responses((status = 200, body = OwnUser)))]
#[get("/api/user/profile")]
pub async fn get(state: web::Data<AppState>, actor: Actor) -> Result<web::Json<OwnUser>, Error> {
    let mut connection = state.databases.user.connection().await?;
    let user = users::by_id(&mut connection, actor.id).await?.ok_or(Refusal::Unauthenticated)?;
    Ok(web::Json(OwnUser::of(user, &state.sealer)?))
}

/// What is to be different: keys that are not given stay, null and blank texts clear.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileChanges {
    /// Unique, regardless of case.
    #[garde(custom(fields::username))]
    username: Option<String>,
    /// First name.
    #[garde(custom(fields::line(100)))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    first_name: Option<Option<String>>,
    /// Last name.
    #[garde(custom(fields::line(100)))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    last_name: Option<Option<String>>,
    /// Telephone number; nobody else sees it.
    #[garde(custom(fields::line(50)))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
    /// Where the user lives or works.
    #[garde(custom(fields::line(200)))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    location: Option<Option<String>>,
    /// In the user's own words.
    #[garde(custom(fields::lines(5_000)))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    bio: Option<Option<String>>,
    /// URL.
    #[garde(custom(fields::picture_address))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    profile_image: Option<Option<String>>,
    /// The same URL under its other name.
    #[garde(custom(fields::picture_address))]
    #[serde(default, rename = "avatar_url", deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    avatar_url: Option<Option<String>>,
    /// Company, for productions and investors.
    #[garde(custom(fields::line(200)))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    company_name: Option<Option<String>>,
    /// The company's number in its register; nobody else sees it.
    #[garde(custom(fields::line(100)))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    company_number: Option<Option<String>>,
    /// The company's URL.
    #[garde(custom(fields::web_address))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    company_website: Option<Option<String>>,
    /// The same URL under its other name.
    #[garde(custom(fields::web_address))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    website: Option<Option<String>>,
    /// The company's postal address; nobody else sees it.
    #[garde(custom(fields::lines(500)))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    company_address: Option<Option<String>>,
}

impl From<ProfileChanges> for Changes {
    fn from(input: ProfileChanges) -> Self {
        Self {
            username: input.username,
            first_name: input.first_name,
            last_name: input.last_name,
            phone: input.phone,
            location: input.location,
            bio: input.bio,
            profile_image: input.profile_image,
            avatar_url: input.avatar_url,
            company_name: input.company_name,
            company_number: input.company_number,
            company_website: input.company_website,
            website: input.website,
            company_address: input.company_address,
        }
    }
}

/// Changes the user's own profile.
#[utoipa::path(tag = "user", request_body = ProfileChanges, responses((status = 200, body = OwnUser)))]
#[put("/api/user/profile")]
pub async fn put(
    state: web::Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<ProfileChanges>,
) -> Result<HttpResponse, Error> {
    let id = active(&actor)?;
    command
        .run(&state.databases.user, async |tx, input| {
            let user = profile::update(tx, &state, id, input.into(), &origin).await?;
            // It shows what the database keeps sealed.
            Ok(Answer::ok("Your profile is saved.").with("user", &user).secret())
        })
        .await
}
