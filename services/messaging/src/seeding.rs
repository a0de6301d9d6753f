//! How this service writes conversations, for `ctl seed`: demo data is sealed as real data is.

use pitchey_events::{ConversationId, MessageId, UserId};
use pitchey_launch::Failed;

use crate::keys::{Body, Keyring, MasterKeys};

/// A conversation's data key, and how it lies in the database.
pub struct Key {
    ring: Keyring,
    /// `conversation_keys.version`.
    pub version: i32,
    /// `conversation_keys.wrapped_key`.
    pub wrapped_key: String,
    /// `conversation_keys.master_key`.
    pub master_key: String,
}

impl Key {
    /// A new one.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn draw(keys: &MasterKeys, conversation: i32) -> Result<Self, Failed> {
        let (ring, wrapped) = keys.draw(ConversationId(conversation))?;
        Ok(Self {
            ring,
            version: wrapped.version,
            wrapped_key: wrapped.wrapped_key,
            master_key: wrapped.master_key,
        })
    }

    /// `messages.encrypted_content` of a text.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn seal(&self, message: i64, sender: i32, content: &str) -> Result<String, Failed> {
        let body = Body { content: content.to_owned(), ..Body::default() };
        Ok(self.ring.seal(MessageId(message), UserId(sender), &body)?)
    }
}
