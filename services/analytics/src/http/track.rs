//! Taking reports: validated, and answered once they are safe with the broker or in the outbox. They are counted soon after.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use garde::Validate;
use pitchey_events::{ClientEvent, PitchId, Report, View, ViewSource};
use pitchey_web::{Context, Origin, Relayed};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::one_or_many::OneOrMany;
use crate::error::Error;
use crate::owners;
use crate::state::Door;

/// Longest `eventData`, in bytes of JSON.
const DATA: usize = 4_096;

/// Something that happened in a client.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct EventInput {
    #[garde(length(chars, min = 1, max = 100))]
    event_type: String,
    #[garde(length(chars, max = 100))]
    event_category: Option<String>,
    #[garde(length(chars, max = 100))]
    event_action: Option<String>,
    #[garde(length(chars, max = 500))]
    event_label: Option<String>,
    #[garde(skip)]
    event_value: Option<i32>,
    #[garde(length(chars, max = 100))]
    session_id: Option<String>,
    #[garde(inner(range(min = 1)))]
    pitch_id: Option<i32>,
    /// At most 4,096 bytes.
    #[schema(value_type = Option<Object>)]
    #[garde(inner(custom(short)))]
    event_data: Option<Map<String, Value>>,
}

fn short(data: &Map<String, Value>, (): &()) -> garde::Result {
    match serde_json::to_string(data) {
        Ok(json) if json.len() <= DATA => Ok(()),
        _ => Err(garde::Error::new(format!("longer than {DATA} bytes"))),
    }
}

/// Somebody looked at a pitch.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct ViewInput {
    #[garde(skip)]
    pitch_id: i32,
    /// Seconds; they add up to two hours for a view.
    #[garde(inner(range(min = 0, max = 86_400)))]
    duration: Option<i32>,
    /// `direct` (the default), `search`, `feed`, `trending`, `browse`, `profile`, `share`, `email`, `message`, `external`; anything else is `other`.
    #[garde(length(chars, max = 100))]
    source: Option<String>,
}

/// What was taken.
#[derive(Serialize, utoipa::ToSchema)]
struct Taken {
    message: &'static str,
    accepted: usize,
}

/// Takes one event or up to 500: 201 for one, 202 for many. Both mean that they are safe; they are counted within seconds.
#[utoipa::path(tag = "analytics", request_body = OneOrMany<EventInput>,
    responses((status = 201, body = Taken), (status = 202, body = Taken), (status = 400), (status = 503)))]
#[post("/api/analytics/track")]
pub(super) async fn events(
    door: Data<Door>,
    context: Context,
    relayed: Relayed<OneOrMany<EventInput>>,
) -> Result<HttpResponse, Error> {
    let Relayed { input, request } = relayed;
    let (many, user_id, at) = (input.is_many(), context.principal.user_id(), door.clock.now());
    let reports = (0..).zip(input.into_vec()).map(|(nth, input)| {
        Report::Event(ClientEvent {
            user_id,
            at,
            event_type: input.event_type,
            category: input.event_category,
            action: input.event_action,
            label: input.event_label,
            value: input.event_value,
            session_id: input.session_id,
            pitch_id: input.pitch_id.map(PitchId),
            data: input.event_data.map(Value::Object),
            request,
            nth: Some(nth),
        })
    });
    take(&door, reports.collect(), many).await
}

/// Takes one view or up to 500. Looking again within 30 minutes is the same view; what owners, admins and bots look at is taken, but not counted.
#[utoipa::path(tag = "analytics", request_body = OneOrMany<ViewInput>,
    responses((status = 201, body = Taken), (status = 202, body = Taken), (status = 400), (status = 404), (status = 503)))]
#[post("/api/views/track")]
pub(super) async fn views(
    door: Data<Door>,
    context: Context,
    origin: Origin,
    relayed: Relayed<OneOrMany<ViewInput>>,
) -> Result<HttpResponse, Error> {
    let Relayed { input, request } = relayed;
    let (many, actor, at) = (input.is_many(), context.principal.actor(), door.clock.now());
    let inputs = input.into_vec();
    let viewer_id = actor.map(|actor| actor.id);
    let pitches = inputs.iter().map(|view| PitchId(view.pitch_id)).collect();
    let owners = owners::find(&door, pitches, viewer_id).await?;
    let mut reports = Vec::with_capacity(inputs.len());
    for (nth, input) in (0..).zip(inputs) {
        let pitch_id = PitchId(input.pitch_id);
        let owner_id = owners.get(&pitch_id).copied().ok_or(Error::PitchNotFound)?;
        reports.push(Report::View(View {
            pitch_id,
            owner_id: Some(owner_id),
            viewer_id,
            viewer_type: actor.map(|actor| actor.user_type),
            at,
            source: source(input.source.as_deref()),
            protected: false,
            seconds: input.duration,
            ip: origin.ip.clone(),
            user_agent: origin.user_agent.clone(),
            request,
            nth: Some(nth),
        }));
    }
    if actor.is_some_and(|actor| actor.admin) {
        return Ok(taken(reports.len(), many));
    }
    take(&door, reports, many).await
}

fn source(word: Option<&str>) -> ViewSource {
    match word.map(str::trim).filter(|word| !word.is_empty()) {
        None => ViewSource::Direct,
        Some(word) => word.parse().unwrap_or(ViewSource::Other),
    }
}

async fn take(door: &Door, reports: Vec<Report>, many: bool) -> Result<HttpResponse, Error> {
    let count = reports.len();
    door.reports.publish(reports).await?;
    Ok(taken(count, many))
}

fn taken(accepted: usize, many: bool) -> HttpResponse {
    let status = if many { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    HttpResponse::build(status).json(Taken { message: "Taken.", accepted })
}
