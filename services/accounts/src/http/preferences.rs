//! Settings of the user interface. What e-mails come is notifications' matter.

use actix_web::{HttpResponse, get, put, web};
use garde::Validate;
use pitchey_web::{Actor, Answer, Command};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields;
use crate::error::Error;
use crate::state::AppState;
use crate::store::user_preferences;

/// Every setting with its value.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Preferences {
    /// `light`, `dark` or `system`.
    theme: Theme,
    /// A language tag (BCP 47), as `en` or `pt-BR`.
    language: String,
    /// A name of the IANA time zone database, as `Europe/Berlin`.
    timezone: String,
    /// ISO 4217, for showing amounts.
    currency: String,
    /// Rows of a list that the user likes to see, 1 to 100.
    items_per_page: i32,
    /// Videos play by themselves.
    autoplay_videos: bool,
    /// Animations are kept to a minimum.
    reduced_motion: bool,
}

/// Colours.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
    /// As the device has it.
    System,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            language: "en".to_owned(),
            timezone: "UTC".to_owned(),
            currency: "EUR".to_owned(),
            items_per_page: 20,
            autoplay_videos: false,
            reduced_motion: false,
        }
    }
}

impl Preferences {
    /// What is kept is what was validated when it came; a key that is not known any more means nothing.
    fn kept(kept: Option<Value>) -> Self {
        kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default()
    }
}

/// What is to be different: keys that are not given stay, null resets.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// Colours.
    #[garde(skip)]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Theme>)]
    theme: Option<Option<Theme>>,
    /// A language tag.
    #[garde(custom(is_tag))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    language: Option<Option<String>>,
    /// A time zone.
    #[garde(custom(is_timezone))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    timezone: Option<Option<String>>,
    /// A currency.
    #[garde(custom(is_currency))]
    #[serde(default, deserialize_with = "fields::nullable")]
    #[schema(value_type = Option<String>)]
    currency: Option<Option<String>>,
    /// Rows of a list.
    #[garde(inner(inner(range(min = 1, max = 100))))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i32>)]
    items_per_page: Option<Option<i32>>,
    /// Videos play by themselves.
    #[garde(skip)]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<bool>)]
    autoplay_videos: Option<Option<bool>>,
    /// Few animations.
    #[garde(skip)]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<bool>)]
    reduced_motion: Option<Option<bool>>,
}

/// Tells null from what was not given.
fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn shaped(text: &Option<Option<String>>, what: &str, ok: impl Fn(&str) -> bool) -> garde::Result {
    match text {
        Some(Some(text)) if !ok(text) => Err(garde::Error::new(what)),
        _ => Ok(()),
    }
}

fn is_tag(text: &Option<Option<String>>, _: &()) -> garde::Result {
    shaped(text, "A language tag, as `en` or `pt-BR`.", |text| {
        (2..=35).contains(&text.len())
            && text.split('-').all(|part| {
                (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
    })
}

fn is_timezone(text: &Option<Option<String>>, _: &()) -> garde::Result {
    shaped(text, "A time zone, as `Europe/Berlin`.", |text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte))
    })
}

fn is_currency(text: &Option<Option<String>>, _: &()) -> garde::Result {
    shaped(text, "Three capital letters.", |text| {
        text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
    })
}

fn apply(changes: Changes, mut kept: Preferences) -> Preferences {
    fn set<T>(place: &mut T, change: Option<Option<T>>, default: T) {
        if let Some(value) = change {
            *place = value.unwrap_or(default);
        }
    }
    let default = Preferences::default();
    set(&mut kept.theme, changes.theme, default.theme);
    set(&mut kept.language, changes.language, default.language);
    set(&mut kept.timezone, changes.timezone, default.timezone);
    set(&mut kept.currency, changes.currency, default.currency);
    set(&mut kept.items_per_page, changes.items_per_page, default.items_per_page);
    set(&mut kept.autoplay_videos, changes.autoplay_videos, default.autoplay_videos);
    set(&mut kept.reduced_motion, changes.reduced_motion, default.reduced_motion);
    kept
}

/// The user's settings of the user interface.
#[utoipa::path(tag = "user", responses((status = 200, body = Preferences)))]
#[get("/api/user/preferences")]
pub async fn get(state: web::Data<AppState>, actor: Actor) -> Result<web::Json<Preferences>, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let kept = user_preferences::get(&mut tx, actor.id).await?;
    tx.commit().await?;
    Ok(web::Json(Preferences::kept(kept)))
}

/// Changes them.
#[utoipa::path(tag = "user", request_body = Changes, responses((status = 200, body = Preferences)))]
#[put("/api/user/preferences")]
pub async fn put(
    state: web::Data<AppState>,
    actor: Actor,
    command: Command<Changes>,
) -> Result<HttpResponse, Error> {
    let user = super::active(&actor)?;
    command
        .run(&state.databases.user, async |tx, changes| {
            crate::store::users::lock(tx, user).await?.ok_or(pitchey_web::Refusal::Unauthenticated)?;
            let kept = Preferences::kept(user_preferences::get(tx, user).await?);
            let kept = apply(changes, kept);
            let json = serde_json::json!(kept);
            user_preferences::set(tx, user, &json, state.clock.now()).await?;
            Ok(Answer::ok("Your settings are saved.").with("preferences", &kept))
        })
        .await
}
