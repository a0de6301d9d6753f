use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::digest::Digest;
use super::letter::Category;
use super::render::{Placeholders, Rendered, Renderer};
use super::transport::Unusable;
use crate::settings::Settings;
use crate::store::email_queue::{self, Status};

const DEVELOPMENT_SENDER: &str = "Pitchey <no-reply@pitchey.test>";

/// Makes the queue's rows.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) renderer: Renderer,
    from: String,
    /// Of our Message-IDs.
    domain: String,
}

/// What `email_queue.metadata` holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    /// The preference that rules it.
    pub(super) category: Category,
    /// The token that accounts promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token_request_id: Option<Uuid>,
    #[serde(default)]
    pub(super) placeholders: Placeholders,
    /// What it tells, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<Digest>,
}

/// A mail to be made.
pub(super) struct Draft<'a> {
    /// Makes the mail one of its kind.
    pub(super) dedupe_key: String,
    pub(super) user_id: i32,
    pub(super) to: &'a str,
    pub(super) template: &'static str,
    pub(super) priority: i32,
    pub(super) metadata: Metadata,
    pub(super) rendered: Rendered,
    /// False: the preferences say never, so only a trace of it is kept.
    pub(super) wanted: bool,
}

impl Writer {
    pub(super) fn new(settings: &Settings) -> Result<Self, Unusable> {
        let from = match &settings.mail.from {
            Some(from) => from.clone(),
            None if settings.mode.is_development() => DEVELOPMENT_SENDER.to_owned(),
            None => return Err(Unusable::NoSender),
        };
        let domain =
            from.parse::<lettre::message::Mailbox>().map_err(Unusable::Sender)?.email.domain().to_owned();
        Ok(Self { renderer: Renderer::new(&settings.public_url)?, from, domain })
    }

    /// Placeholders for a mail of `category`, with or without a token of accounts.
    pub(super) fn placeholders(category: Category, with_token: bool) -> Placeholders {
        let placeholder = |what: &str| format!("{what}-{}", Uuid::new_v4().simple());
        Placeholders {
            token: with_token.then(|| placeholder("TOKEN")),
            unsubscribe: (category != Category::Transactional).then(|| placeholder("UNSUBSCRIBE")),
        }
    }

    /// The queue's row. For a mail nobody wants it says so, and has no bodies.
    pub(super) fn row(&self, draft: Draft<'_>, now: DateTime<Utc>) -> email_queue::New {
        let Draft { wanted, rendered, metadata, .. } = draft;
        let error = (!wanted).then(|| format!("preference {} is never", metadata.category.as_str()));
        email_queue::New {
            to_email: draft.to.to_owned(),
            from_email: self.from.clone(),
            subject: rendered.subject,
            html_content: wanted.then_some(rendered.html),
            text_content: wanted.then_some(rendered.text),
            status: if wanted { Status::Pending } else { Status::Unsubscribed },
            priority: draft.priority,
            error,
            metadata: serde_json::to_value(&metadata).unwrap_or_default(),
            scheduled_for: now,
            user_id: draft.user_id,
            template: draft.template,
            dedupe_key: draft.dedupe_key,
            message_id: format!("<{}@{}>", in_order(now), self.domain),
        }
    }
}

/// A new id that begins with the time.
fn in_order(now: DateTime<Utc>) -> Uuid {
    let millis = now.timestamp_millis().max(0).unsigned_abs();
    Uuid::new_v7(uuid::Timestamp::from_unix(
        uuid::NoContext,
        millis / 1_000,
        u32::try_from(millis % 1_000 * 1_000_000).unwrap_or(0),
    ))
}
