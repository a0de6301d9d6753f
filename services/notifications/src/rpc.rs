//! What notifications tells other services: to accounts, what it keeps about a user.

use pitchey_events::UserId;
use pitchey_rpc::{Keeper, Parts, privacy_server};
use pitchey_web::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tonic::Status;
use tonic::service::Routes;

use crate::error::Error;
use crate::state::AppState;
use crate::store::email_preferences::Frequency;
use crate::store::{email_preferences, email_queue, email_requests, notifications};

/// Rows of a part.
const ROWS: i64 = 200;

/// The gRPC services.
pub(crate) fn routes(state: AppState) -> Routes {
    Routes::new(privacy_server(Kept(state)))
}

struct Kept(AppState);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    id: i64,
    r#type: String,
    title: String,
    body: Option<String>,
    data: Option<Value>,
    read_at: Option<Timestamp>,
    created_at: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Preferences {
    nda_requests: Frequency,
    messages: Frequency,
    pitch_views: Frequency,
    weekly_digest: bool,
    marketing: Frequency,
    updated_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Email {
    id: i64,
    to: String,
    template: String,
    subject: String,
    text: Option<String>,
    status: &'static str,
    created_at: Timestamp,
    sent_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    template: String,
    letter: Value,
}

impl Keeper for Kept {
    async fn export(&self, user: UserId, parts: &mut Parts) -> Result<(), Status> {
        let mut after = 0;
        loop {
            let rows = self.notifications(user, after).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            parts.send("notifications", &rows).await?;
        }
        parts.send("email_preferences", &self.preferences(user).await?).await?;
        let mut after = 0;
        loop {
            let rows = self.emails(user, after).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            parts.send("emails", &rows).await?;
        }
        parts.send("emails_not_sent_yet", &self.waiting(user).await?).await
    }
}

impl Kept {
    async fn notifications(&self, user: UserId, after: i64) -> Result<Vec<Notification>, Error> {
        let mut tx = self.0.databases.system.begin().await?;
        let rows = notifications::after(&mut tx, user, after, ROWS).await?;
        tx.commit().await?;
        let told = |row: notifications::Notification| Notification {
            id: row.id,
            r#type: row.kind,
            title: row.title,
            body: row.body,
            data: row.data,
            read_at: row.read_at.map(Timestamp),
            created_at: Timestamp(row.created_at),
        };
        Ok(rows.into_iter().map(told).collect())
    }

    async fn preferences(&self, user: UserId) -> Result<Vec<Preferences>, Error> {
        let mut tx = self.0.databases.system.begin().await?;
        let rows = email_preferences::of(&mut tx, &[user.0]).await?;
        tx.commit().await?;
        let told = |row: email_preferences::Preferences| Preferences {
            nda_requests: row.nda_requests,
            messages: row.messages,
            pitch_views: row.pitch_views,
            weekly_digest: row.weekly_digest,
            marketing: row.marketing,
            updated_at: row.updated_at.map(Timestamp),
        };
        Ok(rows.into_iter().map(told).collect())
    }

    async fn emails(&self, user: UserId, after: i64) -> Result<Vec<Email>, Error> {
        let mut tx = self.0.databases.system.begin().await?;
        let rows = email_queue::after(&mut tx, user, after, ROWS).await?;
        tx.commit().await?;
        let told = |row: email_queue::Told| Email {
            id: row.id,
            to: row.to_email,
            template: row.template,
            subject: row.subject,
            text: row.text_content,
            status: row.status.as_str(),
            created_at: Timestamp(row.created_at),
            sent_at: row.sent_at.map(Timestamp),
        };
        Ok(rows.into_iter().map(told).collect())
    }

    async fn waiting(&self, user: UserId) -> Result<Vec<Waiting>, Error> {
        let mut tx = self.0.databases.system.begin().await?;
        let rows = email_requests::of(&mut tx, user).await?;
        tx.commit().await?;
        let told = |row: email_requests::Request| Waiting { template: row.template, letter: row.letter };
        Ok(rows.into_iter().map(told).collect())
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        use pitchey_web::ApiError;

        if error.status().is_server_error() {
            tracing::error!(%error, "a call failed");
        }
        pitchey_rpc::refusal(error.status().as_u16(), error.code(), &error.message())
    }
}
