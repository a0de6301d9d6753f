//! Recording what happened: one row each, and the sums that it is part of.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use pitchey_db::Tx;
use pitchey_events::{ClientEvent, PitchId, UserId};
use serde_json::json;

use crate::store::activity::{self, Subject, Sums};
use crate::store::events::{self, New, Origin};
use crate::store::{active_days, take_turns};

/// What clients report is summed under this name, whatever they call it.
pub(crate) const CLIENT_EVENT: &str = "client.event";

/// Something that happened on the platform.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Act {
    /// What, as `nda.requested`.
    pub(crate) action: String,
    /// The pitch it happened to.
    pub(crate) pitch: Option<PitchId>,
    /// Its owner, or whom it happened to.
    pub(crate) owner: Option<UserId>,
    /// The user on the other side: who follows, likes, asks; whose NDA it is.
    pub(crate) member: Option<UserId>,
    /// Whether the member did it, and not somebody to the member.
    pub(crate) by_member: bool,
    /// How much: 1, or an amount of money in minor units.
    pub(crate) amount: i32,
}

/// Records `acts`, which happened at `at`.
pub(crate) async fn acts(tx: &mut Tx, at: DateTime<Utc>, acts: &[Act]) -> QueryResult<()> {
    take_turns(tx);
    let (mut sums, mut active) = (Sums::default(), BTreeSet::new());
    let rows = acts.iter().map(|act| {
        let subjects = [
            Some(Subject::Platform),
            act.pitch.map(Subject::Pitch),
            act.owner.map(Subject::Owner),
            act.member.map(Subject::Member),
        ];
        for subject in subjects.into_iter().flatten() {
            sums.add(subject, at, &act.action, act.amount.into());
        }
        active.extend(act.member.filter(|_| act.by_member).map(|member| (at.date_naive(), member.0)));
        New {
            user_id: act.member.map(|id| id.0),
            event_type: act.action.clone(),
            event_category: None,
            event_action: None,
            event_label: None,
            event_value: Some(act.amount),
            metadata: act.owner.map(|id| json!({ "ownerId": id })),
            session_id: None,
            created_at: at,
            pitch_id: act.pitch.map(|id| id.0),
            origin: Origin::Platform.as_str(),
        }
    });
    let rows: Vec<_> = rows.collect();
    write(tx, &rows, &sums, &active).await
}

/// Records what clients reported.
pub(crate) async fn reports(tx: &mut Tx, reports: Vec<ClientEvent>) -> QueryResult<()> {
    if reports.is_empty() {
        return Ok(());
    }
    take_turns(tx);
    let (mut sums, mut active) = (Sums::default(), BTreeSet::new());
    let rows = reports.into_iter().map(|report| {
        sums.add(Subject::Platform, report.at, CLIENT_EVENT, 1);
        active.extend(report.user_id.map(|id| (report.at.date_naive(), id.0)));
        New {
            user_id: report.user_id.map(|id| id.0),
            event_type: report.event_type,
            event_category: report.category,
            event_action: report.action,
            event_label: report.label,
            event_value: report.value,
            metadata: report.data,
            session_id: report.session_id,
            created_at: report.at,
            pitch_id: report.pitch_id.map(|id| id.0),
            origin: Origin::Client.as_str(),
        }
    });
    let rows: Vec<_> = rows.collect();
    write(tx, &rows, &sums, &active).await
}

async fn write(
    tx: &mut Tx,
    rows: &[New],
    sums: &Sums,
    active: &BTreeSet<(chrono::NaiveDate, i32)>,
) -> QueryResult<()> {
    events::insert(tx, rows).await?;
    activity::add(tx, sums).await?;
    if !active.is_empty() {
        active_days::note(tx, active).await?;
    }
    Ok(())
}
