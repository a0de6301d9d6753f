//! What the mail provider reports of mails that left.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use pitchey_db::Tx;
use serde_json::json;

use crate::error::Error;
use crate::state::AppState;
use crate::store::email_events::{self, Event};
use crate::store::email_queue::{self, Status};
use crate::store::email_suppressions::{self, Reason};

/// So many soft bounces ...
const SOFT_BOUNCES: i64 = 3;
/// ... within this time suppress an address.
const SOFT_BOUNCES_WITHIN: TimeDelta = TimeDelta::days(7);
/// Longest reason that is kept, in characters.
const REASON: usize = 500;

/// One report.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The provider's name of it: reported again, it is the same.
    pub(crate) id: String,
    pub(crate) message_id: String,
    pub(crate) what: What,
    pub(crate) at: DateTime<Utc>,
    /// In the provider's or the other server's words.
    pub(crate) reason: Option<String>,
}

/// What happened to a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Delivered,
    Deferred,
    HardBounce,
    SoftBounce,
    Complained,
    Opened,
    Clicked,
}

impl What {
    const fn event(self) -> Event {
        match self {
            Self::Delivered => Event::Delivered,
            Self::Deferred => Event::Deferred,
            Self::HardBounce | Self::SoftBounce => Event::Bounced,
            Self::Complained => Event::Complained,
            Self::Opened => Event::Opened,
            Self::Clicked => Event::Clicked,
        }
    }
}

/// Applies `reports`, which nobody in particular sends, as the system, in a transaction of its own. Returns how many changed something.
pub(crate) async fn take(state: &AppState, mut reports: Vec<Report>) -> Result<usize, Error> {
    // Mails are locked in one order, whoever reports.
    reports.sort_by(|a, b| a.message_id.cmp(&b.message_id));
    let now = state.clock.now();
    let mut tx = state.databases.system.begin().await?;
    let mut applied = 0;
    for report in reports {
        applied += usize::from(apply(&mut tx, &report, now).await?);
    }
    tx.commit().await?;
    Ok(applied)
}

/// Applies a report once. False if it is about no mail of ours, or was applied before. Reports come in any order: a bounce after a delivery counts, a
/// delivery after a bounce changes nothing.
async fn apply(tx: &mut Tx, report: &Report, now: DateTime<Utc>) -> QueryResult<bool> {
    let Some(mail) = email_queue::by_message_id(tx, &report.message_id).await? else { return Ok(false) };
    let reason: Option<String> = report.reason.as_ref().map(|reason| reason.chars().take(REASON).collect());
    let mut metadata = json!({ "reason": reason });
    match report.what {
        What::HardBounce => metadata["kind"] = json!("hard"),
        What::SoftBounce => metadata["kind"] = json!("soft"),
        _ => {}
    }
    // A provider's clock may be wrong; nothing has happened in the future.
    let at = report.at.min(now);
    let event = report.what.event();
    if !email_events::told_by_provider(tx, &report.id, mail.id, event, at, metadata).await? {
        return Ok(false);
    }
    let was_sent = matches!(mail.status, Status::Sent | Status::Delivered);
    match report.what {
        What::Delivered if mail.status == Status::Sent => {
            email_queue::set_status(tx, mail.id, Status::Delivered, None).await?;
        }
        What::HardBounce | What::SoftBounce => {
            if was_sent {
                email_queue::set_status(tx, mail.id, Status::Bounced, reason.as_deref()).await?;
            }
            if report.what == What::HardBounce {
                email_suppressions::suppress(tx, &mail.to_email, Reason::HardBounce, mail.id, now).await?;
            } else {
                soft_bounce(tx, &mail.to_email, mail.id, now).await?;
            }
        }
        What::Complained => {
            email_suppressions::suppress(tx, &mail.to_email, Reason::Complaint, mail.id, now).await?;
        }
        _ => {}
    }
    Ok(true)
}

/// Suppresses `address` if the soft bounce of the mail called `email`, which is written down, was one too many.
pub(crate) async fn soft_bounce(
    tx: &mut Tx,
    address: &str,
    email: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if email_events::soft_bounces(tx, address, now - SOFT_BOUNCES_WITHIN).await? >= SOFT_BOUNCES {
        email_suppressions::suppress(tx, address, Reason::SoftBounces, email, now).await?;
    }
    Ok(())
}
