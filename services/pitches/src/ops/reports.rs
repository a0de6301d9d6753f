//! Telling the moderators, and what they make of it.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit;
use pitchey_events::{PitchId, ReportResolved, UserId};
use pitchey_web::Refusal;
use serde_json::json;

use super::{Act, moderation, published};
use crate::error::Error;
use crate::store::reports::{self, Report};
use crate::words::{Reason, ReportStatus};

/// Reports a pitch. While a report is open, it is the answer to the next; `false`: it is that one.
pub async fn report(
    tx: &mut Tx,
    act: &Act<'_>,
    pitch: PitchId,
    reason: Reason,
    description: Option<&str>,
) -> Result<(Report, bool), Error> {
    act.may_write()?;
    let card = published(tx, act.actor, pitch).await?;
    if card.owner() == act.actor.id {
        return Err(Error::OwnPitch);
    }
    if let Some(report) = reports::insert(tx, act.actor.id, pitch, reason, description, act.now).await? {
        return Ok((report, true));
    }
    match reports::open(tx, act.actor.id, pitch).await? {
        Some(report) => Ok((report, false)),
        // It was decided in this very moment: the next try makes a new one.
        None => Err(Error::ReportWrongState { status: ReportStatus::Dismissed }),
    }
}

/// What a moderator decides.
pub struct Decision<'a> {
    pub outcome: ReportStatus,
    /// For admins only.
    pub note: Option<&'a str>,
    /// Takes the pitch from view, too.
    pub hide: bool,
}

/// Decides a report. `false`: it was decided so before.
pub async fn resolve(
    tx: &mut Tx,
    act: &Act<'_>,
    id: i64,
    decision: &Decision<'_>,
) -> Result<(Report, bool), Error> {
    act.may_moderate()?;
    let Some(report) =
        reports::resolve(tx, id, act.actor.id, decision.outcome, decision.note, act.now).await?
    else {
        let report = reports::find(tx, id).await?.ok_or(Refusal::NotFound)?;
        let again = report.status == decision.outcome;
        return if again {
            Ok((report, false))
        } else {
            Err(Error::ReportWrongState { status: report.status })
        };
    };
    let entry = audit::Entry {
        actor: Some(act.actor.id),
        action: "report.resolved",
        entity_type: Some("report"),
        entity_id: Some(id),
        new_values: Some(
            json!({ "status": report.status, "pitchId": report.pitch_id, "hidden": decision.hide }),
        ),
        ..Default::default()
    };
    audit::record(tx, act.origin, entry);
    let event = ReportResolved {
        report_id: id,
        reporter_id: UserId(report.reporter_id),
        target_type: "pitch".to_owned(),
        target_id: report.pitch_id.into(),
        outcome: report.status.as_str().to_owned(),
    };
    outbox::append(tx, &event)?;
    if decision.hide {
        moderation::hide(tx, act, PitchId(report.pitch_id), decision.note.unwrap_or("A report was upheld."))
            .await?;
    }
    Ok((report, true))
}
