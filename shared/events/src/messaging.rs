//! What messaging tells: conversations and messages. Never what was said.

use serde::{Deserialize, Serialize};

use crate::{ConversationId, Entry, Event, HoldKey, Kind, MessageId, PitchId, Service, Subject, UserId};

use Service::{Messaging, Notifications, Payments};

macro_rules! fact {
    ($event:ident, $meaning:literal, $consumers:expr, $listeners:expr) => {
        Entry {
            event_type: $event::TYPE,
            meaning: $meaning,
            kind: Kind::Fact,
            producer: Messaging,
            consumers: $consumers,
            listeners: $listeners,
        }
    };
}

pub(crate) static EVENTS: &[Entry] = &[
    fact!(ConversationCreated, "A conversation was opened; credits held for it are due.", &[Payments], &[]),
    fact!(MessageSent, "Somebody wrote to the others of a conversation.", &[Notifications], &[Messaging]),
    fact!(MessageEdited, "The sender changed a message.", &[], &[Messaging]),
    fact!(MessageDeleted, "The sender took a message back.", &[], &[Messaging]),
    fact!(MessageRead, "A member has read a conversation up to a message.", &[], &[Messaging]),
    fact!(TypingNoticed, "Somebody is typing: good for six seconds.", &[], &[Messaging]),
    fact!(PresenceNoticed, "Whose sockets a replica holds, told every 15 seconds.", &[], &[Messaging]),
];

macro_rules! about {
    ($name:ident = $word:literal by $field:ident) => {
        impl Event for $name {
            const TYPE: &'static str = $word;

            fn subject(&self) -> Subject {
                self.$field.into()
            }
        }
    };
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationCreated {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// `direct`, `group` or `pitch_discussion`.
    pub conversation_type: String,
    /// Who opened it; a signature opens discussions.
    pub created_by: UserId,
    /// Its members, who opened it included.
    pub member_ids: Vec<UserId>,
    /// What it is about, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch_id: Option<PitchId>,
    /// The credit hold it was paid with, where credits are in use and it was not free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldKey>,
}

about!(ConversationCreated = "conversation.created.v1" by conversation_id);

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSent {
    /// The message.
    pub message_id: MessageId,
    /// Where.
    pub conversation_id: ConversationId,
    /// `direct`, `group` or `pitch_discussion`.
    pub conversation_type: String,
    /// Who wrote.
    pub sender_id: UserId,
    /// The other members who are told, the sender not among them.
    pub recipient_ids: Vec<UserId>,
    /// `text`, `image`, `file`, `system`, `pitch_share` or `nda_request`.
    pub message_type: String,
}

about!(MessageSent = "message.sent.v1" by conversation_id);

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageEdited {
    /// The message.
    pub message_id: MessageId,
    /// Where.
    pub conversation_id: ConversationId,
    /// Who wrote it.
    pub sender_id: UserId,
    /// The other members who are told.
    pub recipient_ids: Vec<UserId>,
}

about!(MessageEdited = "message.edited.v1" by conversation_id);

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDeleted {
    /// The message.
    pub message_id: MessageId,
    /// Where.
    pub conversation_id: ConversationId,
    /// Who had written it.
    pub sender_id: UserId,
    /// The other members who are told.
    pub recipient_ids: Vec<UserId>,
}

about!(MessageDeleted = "message.deleted.v1" by conversation_id);

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRead {
    /// Where.
    pub conversation_id: ConversationId,
    /// Who has read.
    pub reader_id: UserId,
    /// Everything up to this message.
    pub up_to: MessageId,
    /// The other members who are told.
    pub recipient_ids: Vec<UserId>,
}

about!(MessageRead = "message.read.v1" by conversation_id);

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypingNoticed {
    /// Where.
    pub conversation_id: ConversationId,
    /// Who types.
    pub user_id: UserId,
    /// Whether; `false`: stopped.
    pub typing: bool,
    /// Who may be told.
    pub recipient_ids: Vec<UserId>,
}

about!(TypingNoticed = "typing.noticed.v1" by conversation_id);

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceNoticed {
    /// Which process tells.
    pub replica: uuid::Uuid,
    /// Everybody with a socket there.
    pub user_ids: Vec<UserId>,
}

impl Event for PresenceNoticed {
    const TYPE: &'static str = "presence.noticed.v1";

    fn subject(&self) -> Subject {
        Subject(format!("replica/{}", self.replica))
    }
}
