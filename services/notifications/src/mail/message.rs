use std::time::SystemTime;

use chrono::{DateTime, Utc};
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};

use super::dkim::Dkim;
use super::letter::Category;

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
    /// How to get no more of its kind.
    pub(super) list: Option<List>,
}

/// The list that a mail belongs to in the eyes of mail programs.
#[derive(Clone)]
pub(super) struct List {
    pub(super) category: Category,
    /// An address that takes a POST, as RFC 8058 has it.
    pub(super) unsubscribe: String,
}

/// A mail as it goes over the wire.
pub(super) struct Wire {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
}

type Malformed = Box<dyn std::error::Error + Send + Sync>;

impl Outgoing {
    /// As RFC 5322 wants it, signed where there is a key. Headers hold our own words, an address that was parsed as one, and no names.
    pub(super) fn wire(&self, dkim: Option<&Dkim>) -> Result<Wire, Malformed> {
        let to: Address = self.to.parse()?;
        let from: Mailbox = self.from.parse()?;
        let domain = from.email.domain().to_owned();
        let mut message = Message::builder()
            .from(from)
            .to(Mailbox::new(None, to))
            .subject(&self.subject)
            .date(SystemTime::from(self.created_at))
            .message_id(Some(self.message_id.clone()))
            .multipart(MultiPart::alternative_plain_html(self.text.clone(), self.html.clone()))?;
        let mut add = |name: &'static str, value: String| {
            let name = HeaderName::new_from_ascii_str(name);
            message.headers_mut().insert_raw(HeaderValue::new(name, value));
        };
        // Tells programs not to answer: RFC 3834.
        add("Auto-Submitted", "auto-generated".to_owned());
        if let Some(List { category, unsubscribe }) = &self.list {
            add("List-Id", format!("<{}.{domain}>", list(*category)));
            add("List-Unsubscribe", format!("<{unsubscribe}>"));
            add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned());
        }
        let bytes = message.formatted();
        let bytes = match dkim {
            None => bytes,
            Some(dkim) => dkim.sign(&bytes, self.created_at)?,
        };
        Ok(Wire { envelope: message.envelope().clone(), bytes })
    }
}

/// The list's name, below the sender's domain (RFC 2919).
const fn list(category: Category) -> &'static str {
    match category {
        Category::Transactional => "account",
        Category::NdaRequests => "nda-requests",
        Category::Messages => "messages",
        Category::PitchViews => "pitch-views",
        Category::DailyDigest => "daily-digest",
        Category::WeeklyDigest => "weekly-digest",
    }
}
