use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, put};
use garde::Validate;
use pitchey_web::{Actor, Answer, Command, Refusal, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::ops::preferences as ops;
use crate::state::AppState;
use crate::store::email_preferences::{Change, Frequency, Preferences};

/// How often mails of each category may come.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct EmailPreferences {
    user_id: i32,
    nda_requests: Frequency,
    messages: Frequency,
    pitch_views: Frequency,
    weekly_digest: bool,
    marketing: Frequency,
    /// Null as long as these are the defaults.
    updated_at: Option<Timestamp>,
}

impl From<Preferences> for EmailPreferences {
    fn from(row: Preferences) -> Self {
        Self {
            user_id: row.user_id,
            nda_requests: row.nda_requests,
            messages: row.messages,
            pitch_views: row.pitch_views,
            weekly_digest: row.weekly_digest,
            marketing: row.marketing,
            updated_at: row.updated_at.map(Timestamp),
        }
    }
}

/// What is not given stays as it is.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
struct EmailPreferencesChange {
    nda_requests: Option<Frequency>,
    messages: Option<Frequency>,
    pitch_views: Option<Frequency>,
    weekly_digest: Option<bool>,
    marketing: Option<Frequency>,
}

/// The user's e-mail preferences.
#[utoipa::path(tag = "email", responses((status = 200, body = EmailPreferences), (status = 401)))]
#[get("/api/email/preferences")]
pub(super) async fn get(actor: Actor, state: Data<AppState>) -> Result<Json<EmailPreferences>, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let preferences = ops::get(&mut tx, actor.id).await?;
    tx.commit().await?;
    Ok(Json(preferences.into()))
}

/// Changes some of them.
#[utoipa::path(tag = "email", request_body = EmailPreferencesChange,
    responses((status = 200, description = "{message, preferences}"), (status = 400), (status = 401), (status = 403)))]
#[put("/api/email/preferences")]
pub(super) async fn put(
    actor: Actor,
    command: Command<EmailPreferencesChange>,
    state: Data<AppState>,
) -> Result<HttpResponse, Error> {
    if actor.suspended {
        return Err(Refusal::Suspended.into());
    }
    command
        .run(&state.databases.user, async |tx, input| {
            let change = Change {
                nda_requests: input.nda_requests,
                messages: input.messages,
                pitch_views: input.pitch_views,
                weekly_digest: input.weekly_digest,
                marketing: input.marketing,
                updated_at: state.clock.now(),
            };
            let preferences = EmailPreferences::from(ops::set(tx, actor.id, &change).await?);
            Ok::<_, Error>(Answer::ok("Your preferences are saved.").with("preferences", &preferences))
        })
        .await
}
