//! Serves what is kept about a user, for the user's own export.

use chrono::{DateTime, Utc};
use pitchey_db::SystemDb;
use pitchey_events::UserId;
use pitchey_rpc::{Keeper, Parts};
use pitchey_web::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tonic::Status;

use crate::error::Error;
use crate::store::{events, views};

/// Rows a part.
const ROWS: i64 = 500;

/// What analytics keeps about users.
pub(crate) struct Kept(pub(crate) SystemDb);

/// A pitch that the user looked at.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    pitch_id: i32,
    at: Timestamp,
    seconds: Option<i32>,
    source: Option<String>,
    ip_address: Option<String>,
    user_agent: Option<String>,
}

/// Something that the user's client reported, or that was noted of the user.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reported {
    pub(crate) event_type: String,
    pub(crate) event_category: Option<String>,
    pub(crate) event_action: Option<String>,
    pub(crate) event_label: Option<String>,
    pub(crate) event_value: Option<i32>,
    pub(crate) event_data: Option<Value>,
    pub(crate) session_id: Option<String>,
    pub(crate) pitch_id: Option<i32>,
    pub(crate) origin: String,
    pub(crate) at: Timestamp,
}

impl From<events::Own> for Reported {
    fn from(row: events::Own) -> Self {
        Self {
            event_type: row.event_type,
            event_category: row.event_category,
            event_action: row.event_action,
            event_label: row.event_label,
            event_value: row.event_value,
            event_data: row.metadata,
            session_id: row.session_id,
            pitch_id: row.pitch_id,
            origin: row.origin,
            at: row.created_at.into(),
        }
    }
}

impl Keeper for Kept {
    async fn export(&self, user: UserId, parts: &mut Parts) -> Result<(), Status> {
        let mut after: (DateTime<Utc>, i64) = (DateTime::UNIX_EPOCH, 0);
        loop {
            let mut tx = self.0.begin().await.map_err(Error::from).map_err(|error| status(&error))?;
            let rows = views::of_viewer(&mut tx, user, after, ROWS).await;
            let rows = rows.map_err(Error::from).map_err(|error| status(&error))?;
            drop(tx);
            let Some(last) = rows.last() else { break };
            after = (last.created_at, last.id);
            let seen: Vec<_> = rows
                .into_iter()
                .map(|row| Seen {
                    pitch_id: row.pitch_id,
                    at: row.created_at.into(),
                    seconds: row.duration,
                    source: row.source,
                    ip_address: row.ip_address,
                    user_agent: row.user_agent,
                })
                .collect();
            parts.send("pitch_views", &seen).await?;
        }
        let mut after: (DateTime<Utc>, i64) = (DateTime::UNIX_EPOCH, 0);
        loop {
            let mut tx = self.0.begin().await.map_err(Error::from).map_err(|error| status(&error))?;
            let rows = events::of_user(&mut tx, user, after, ROWS).await;
            let rows = rows.map_err(Error::from).map_err(|error| status(&error))?;
            drop(tx);
            let Some(last) = rows.last() else { return Ok(()) };
            after = (last.created_at, last.id);
            let reported: Vec<_> = rows.into_iter().map(Reported::from).collect();
            parts.send("analytics_events", &reported).await?;
        }
    }
}

fn status(error: &Error) -> Status {
    tracing::warn!(%error, "an export of personal data broke off");
    Status::unavailable("try again")
}
