//! How what is said is sealed: each conversation has a data key, which lies in the database under a master key.

use std::collections::HashMap;

use diesel_async::AsyncPgConnection;
use pitchey_events::{ConversationId, MessageId, UserId};
use pitchey_seal::{BadKey, Sealer};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::store::keys::{self as store, Wrapped};

/// Keys wrapped again in one go.
const BATCH: i64 = 500;

/// What is said, as it is sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The text.
    #[serde(rename = "c")]
    pub content: String,
    /// What it is about.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Names of the attachments, in their order.
    #[serde(rename = "n", default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// The master keys: the first wraps, all unwrap.
#[derive(Clone, Debug)]
pub struct MasterKeys(Sealer);

impl MasterKeys {
    /// As configured.
    ///
    /// # Errors
    /// A key is not 32 bytes in base64.
    pub fn new(keys: &SecretString) -> Result<Self, BadKey> {
        Ok(Self(Sealer::new(keys)?))
    }

    /// A new data key for `conversation`, and the row that keeps it.
    pub fn draw(&self, conversation: ConversationId) -> Result<(Keyring, Wrapped), Error> {
        let key = pitchey_seal::draw_key()?;
        let wrapped = self.wrap(conversation.0, 1, key.expose_secret())?;
        let sealer = Sealer::new(&key).map_err(|bad| Error::Internal(bad.into()))?;
        Ok((Keyring { conversation, keys: vec![(1, sealer)] }, wrapped))
    }

    fn wrap(&self, conversation: i32, version: i32, key: &str) -> Result<Wrapped, Error> {
        let wrapped_key = self.0.seal(&place_of_key(conversation, version), key)?;
        Ok(Wrapped {
            conversation_id: conversation,
            version,
            wrapped_key,
            master_key: self.0.key_id().to_owned(),
        })
    }

    fn unwrap(&self, wrapped: &Wrapped) -> Result<SecretString, Error> {
        let place = place_of_key(wrapped.conversation_id, wrapped.version);
        Ok(SecretString::from(self.0.open(&place, &wrapped.wrapped_key)?))
    }

    /// The keyrings that `wrapped` make, by conversation.
    pub fn unwrap_all(&self, wrapped: &[Wrapped]) -> Result<HashMap<i32, Keyring>, Error> {
        let mut rings: HashMap<i32, Keyring> = HashMap::new();
        for row in wrapped {
            let sealer = Sealer::new(&self.unwrap(row)?).map_err(|bad| Error::Internal(bad.into()))?;
            let conversation = ConversationId(row.conversation_id);
            let ring = rings.entry(row.conversation_id).or_insert(Keyring { conversation, keys: Vec::new() });
            ring.keys.push((row.version, sealer));
        }
        Ok(rings)
    }
}

/// The data keys of one conversation, the newest first.
#[derive(Clone, Debug)]
pub struct Keyring {
    conversation: ConversationId,
    keys: Vec<(i32, Sealer)>,
}

impl Keyring {
    /// `body`, sealed to its message, with the newest key.
    pub fn seal(&self, message: MessageId, sender: UserId, body: &Body) -> Result<String, Error> {
        let Some((version, sealer)) = self.keys.first() else { return Err(no_key(self.conversation)) };
        let sealed = sealer.seal(&self.place(message, sender, *version), &serde_json::to_string(body)?)?;
        Ok(format!("k{version}.{sealed}"))
    }

    /// What was sealed to this message.
    pub fn open(&self, message: MessageId, sender: UserId, sealed: &str) -> Result<Body, Error> {
        let (version, sealed) = sealed
            .strip_prefix('k')
            .and_then(|rest| rest.split_once('.'))
            .and_then(|(version, sealed)| Some((version.parse::<i32>().ok()?, sealed)))
            .ok_or(pitchey_seal::Error::Malformed)?;
        let Some((_, sealer)) = self.keys.iter().find(|(known, _)| *known == version) else {
            return Err(no_key(self.conversation));
        };
        Ok(serde_json::from_str(&sealer.open(&self.place(message, sender, version), sealed)?)?)
    }

    fn place(&self, message: MessageId, sender: UserId, version: i32) -> String {
        format!("messages|encrypted_content|{}|{message}|{sender}|{version}", self.conversation)
    }
}

fn place_of_key(conversation: i32, version: i32) -> String {
    format!("conversation_keys|wrapped_key|{conversation}|{version}")
}

/// A conversation without its key.
pub fn no_key(conversation: ConversationId) -> Error {
    Error::Internal(format!("conversation {conversation} has no such key").into())
}

/// Wraps all data keys that are not under the newest master key again, while everybody goes on working. Returns how many.
///
/// # Errors
/// The database's, or a key does not open with any of the master keys.
pub async fn rotate(
    connection: &mut AsyncPgConnection,
    keys: &MasterKeys,
) -> Result<u64, pitchey_launch::Failed> {
    let (mut count, mut after) = (0, (i32::MIN, i32::MIN));
    loop {
        let batch = store::under_others(connection, keys.0.key_id(), after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(count) };
        after = (last.conversation_id, last.version);
        for old in &batch {
            let key = keys.unwrap(old)?;
            let new = keys.wrap(old.conversation_id, old.version, key.expose_secret())?;
            count += u64::from(store::rewrap(connection, old, &new).await?);
        }
    }
}
