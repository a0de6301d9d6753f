use std::time::SystemTime;

use chrono::{DateTime, Utc};
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};

/// A mail on its way out: the only place where a token stands in a text.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) id: i64,
    pub(super) to: String,
    pub(super) from: String,
    pub(super) subject: String,
    pub(super) template: String,
    pub(super) text: String,
    pub(super) html: String,
    /// `<...@...>`: the same for each attempt.
    pub(super) message_id: String,
    pub(super) created_at: DateTime<Utc>,
}

/// Tells programs not to answer: RFC 3834.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Outgoing {
    /// As RFC 5322 wants it. Headers hold our own words, an address that was parsed as one, and no names.
    pub(super) fn message(&self) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
        let to: Address = self.to.parse()?;
        let from: Mailbox = self.from.parse()?;
        let message = Message::builder()
            .from(from)
            .to(Mailbox::new(None, to))
            .subject(&self.subject)
            .date(SystemTime::from(self.created_at))
            .message_id(Some(self.message_id.clone()))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(self.text.clone(), self.html.clone()))?;
        Ok(message)
    }
}
