use pitchey_events::{Envelope, MessageSent, UserId};

use super::{Bell, Notice, Tells};
use crate::mail::Letter;

/// Within so many seconds a conversation tells each of its readers once.
const QUIET_SECONDS: i64 = 600;

impl Tells for MessageSent {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { conversation_id, sender_id, recipient_ids, message_type, .. } = &envelope.event;
        // What the platform writes itself is told by the event it is about.
        if message_type == "system" {
            return Vec::new();
        }
        let time = envelope.occurred_at.timestamp() / QUIET_SECONDS;
        let told = |reader: &UserId| {
            let bell = Bell::new("message_received", "You have new messages")
                .about("conversationId", conversation_id.0)
                .about("senderId", sender_id.0);
            let letter =
                Letter::MessageReceived { conversation_id: conversation_id.0.into(), from: *sender_id };
            Notice::both(*reader, bell, letter)
                .once_for(&format!("messages/{conversation_id}/{reader}/{time}"))
        };
        recipient_ids.iter().filter(|reader| *reader != sender_id).map(told).collect()
    }
}
