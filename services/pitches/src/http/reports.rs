//! Reports to the moderators, and what admins do.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use garde::Validate;
use pitchey_events::{PitchId, UserId};
use pitchey_rpc::PublicUser;
use pitchey_web::{
    Actor, Answer, Command, Cursor, FieldError, Listed, Origin, Paging, PathId, Refusal, Timestamp,
    ValidatedQuery,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::extract::private;
use crate::error::Error;
use crate::input::{plain, written};
use crate::ops::reports::Decision;
use crate::ops::{Act, moderation, reading, reports as op};
use crate::state::AppState;
use crate::store::reports as store;
use crate::words::{PitchStatus, Reason, ReportStatus};

/// What is wrong with a pitch.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
pub struct Complaint {
    /// spam, inappropriate, harassment, copyright, misinformation or other.
    #[garde(custom(written(30)))]
    reason: String,
    /// In the reporter's own words.
    #[garde(custom(plain(2_000)))]
    description: Option<String>,
}

/// A report, as its reporter sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    id: i64,
    pitch_id: i32,
    reason: Reason,
    description: Option<String>,
    status: ReportStatus,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>)]
    resolved_at: Option<Timestamp>,
}

impl From<store::Report> for Report {
    fn from(row: store::Report) -> Self {
        Self {
            id: row.id,
            pitch_id: row.pitch_id,
            reason: row.reason,
            description: row.description,
            status: row.status,
            created_at: row.created_at.into(),
            resolved_at: row.resolved_at.map(Timestamp::from),
        }
    }
}

/// A report, as admins see it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    #[serde(flatten)]
    report: Report,
    pitch_title: String,
    reporter_id: i32,
    /// Left out while nobody can say who that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    reporter: Option<PublicUser>,
    resolved_by: Option<i32>,
    note: Option<String>,
}

/// Reports a pitch to the moderators. While a report is open, it is the answer to the next.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), request_body = Complaint, responses((status = 201), (status = 200, description = "There is an open one.")))]
#[post("/api/pitches/{id}/report")]
pub async fn complain(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    command: Command<Complaint>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let reason = Reason::parse(command.input.reason.trim()).ok_or_else(|| unknown("reason"))?;
    let answer = command.run(&state.databases.user, async |tx, complaint| {
        let description = complaint.description.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let (report, new) = op::report(tx, &act, id, reason, description).await?;
        let text =
            if new { "Thank you: the moderators will look at it." } else { "You have reported it before." };
        Ok::<_, Error>(Answer::created_if(new, text).with("report", &Report::from(report)))
    });
    answer.await
}

fn unknown(field: &str) -> Refusal {
    Refusal::Invalid(vec![FieldError::new(field, "unknown_value", "There is no such value.")])
}

/// Which reports.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::IntoParams)]
#[garde(allow_unvalidated)]
pub struct Which {
    /// open, upheld or dismissed.
    status: Option<String>,
}

/// Reports, newest first.
#[utoipa::path(tag = "admin", params(Which, ("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<Case>)))]
#[get("/api/admin/reports")]
pub async fn list(
    state: Data<AppState>,
    actor: Actor,
    ValidatedQuery(which): ValidatedQuery<Which>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    if !actor.admin {
        return Err(Refusal::Forbidden.into());
    }
    let status = match which.status.as_deref().filter(|word| !word.is_empty()) {
        Some(word) => Some(ReportStatus::parse(word).ok_or_else(|| unknown("status"))?),
        None => None,
    };
    let place = reading::place(&paging)?;
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let (rows, counted) = store::list(&mut tx, status, place).await?;
    drop(tx);
    let page = Listed::page(&paging, rows, counted, |(row, _)| Cursor::after(&(row.created_at, row.id)));
    let reporters = state.users.find(page.data.iter().map(|(row, _)| UserId(row.reporter_id))).await;
    Ok(private(&page.map(|(row, pitch_title)| Case {
        pitch_title,
        reporter_id: row.reporter_id,
        reporter: reporters.get(&UserId(row.reporter_id)).cloned(),
        resolved_by: row.resolved_by,
        note: row.note.clone(),
        report: row.into(),
    })))
}

/// What a moderator makes of a report.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resolution {
    /// upheld or dismissed.
    #[garde(custom(written(20)))]
    outcome: String,
    /// For admins only.
    #[garde(custom(plain(2_000)))]
    note: Option<String>,
    /// Takes the pitch from view, too.
    #[garde(skip)]
    #[serde(default)]
    hide_pitch: bool,
}

/// Decides a report.
#[utoipa::path(tag = "admin", params(("id" = i64, Path)), request_body = Resolution, responses((status = 200)))]
#[post("/api/admin/reports/{id}/resolve")]
pub async fn resolve(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<i64>,
    command: Command<Resolution>,
) -> Result<HttpResponse, Error> {
    if !actor.admin {
        return Err(Refusal::Forbidden.into());
    }
    let outcome = match ReportStatus::parse(command.input.outcome.trim()) {
        Some(outcome @ (ReportStatus::Upheld | ReportStatus::Dismissed)) => outcome,
        Some(ReportStatus::Open) | None => return Err(unknown("outcome").into()),
    };
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, input| {
        let note = input.note.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let decision = Decision { outcome, note, hide: input.hide_pitch };
        let (report, new) = op::resolve(tx, &act, id, &decision).await?;
        let text = if new { "The report is decided." } else { "The report was decided so before." };
        Ok::<_, Error>(Answer::ok(text).with("report", &Report::from(report)))
    });
    let answer = answer.await?;
    state.public.forget_all();
    Ok(answer)
}

/// Why.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
pub struct Hiding {
    /// For the record.
    #[garde(custom(written(2_000)))]
    reason: String,
    /// False gives it back to its owner, who may publish it again.
    #[garde(skip)]
    #[serde(default = "yes")]
    hidden: bool,
}

const fn yes() -> bool {
    true
}

/// Takes a pitch from everybody's view but its owner's, who can't publish it again.
#[utoipa::path(tag = "admin", params(("id" = i32, Path)), request_body = Hiding, responses((status = 200)))]
#[post("/api/admin/pitches/{id}/hide")]
pub async fn hide(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    command: Command<Hiding>,
) -> Result<HttpResponse, Error> {
    if !actor.admin {
        return Err(Refusal::Forbidden.into());
    }
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, input| {
        let reason = input.reason.trim();
        let (card, text) = if input.hidden {
            (moderation::hide(tx, &act, id, reason).await?, "The pitch is hidden.")
        } else {
            (moderation::give_back(tx, &act, id, reason).await?, "The pitch is its owner's again.")
        };
        let status: PitchStatus = card.status;
        let pitch = json!({ "id": card.id, "status": status, "hiddenBy": card.hidden_by });
        Ok::<_, Error>(Answer::ok(text).with("pitch", &pitch))
    });
    let answer = answer.await?;
    state.public.forget(id).await;
    Ok(answer)
}
