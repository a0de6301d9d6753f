//! Use cases. Each works in a transaction that somebody else opened and will commit, unless its description says otherwise.
//!
//! Locks are taken in this order: a discussion (advisory), conversations, members, streams of frames by user.

pub mod archive;
pub mod audience;
pub mod discussions;
pub mod edit;
pub mod erase;
pub mod members;
pub mod open;
pub mod positions;
pub mod reading;
pub mod send;
pub mod sockets;
pub mod sweep;
pub mod typing;

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_events::{ConversationId, UserId};
use pitchey_identity::Actor;
use pitchey_web::Refusal;

use crate::error::Error;
use crate::keys::{Body, Keyring, MasterKeys};
use crate::state::AppState;
use crate::store;
use crate::store::frames::Telling;
use crate::store::messages::Message;
use crate::store::participants::Participant;
use crate::store::rates::Rate;

/// Who acts, when, and with what.
#[derive(Clone, Copy)]
pub struct Act<'a> {
    pub actor: &'a Actor,
    pub now: DateTime<Utc>,
    pub keys: &'a MasterKeys,
    pub rate: Rate,
}

impl<'a> Act<'a> {
    pub fn new(state: &'a AppState, actor: &'a Actor) -> Self {
        Self { actor, now: state.clock.now(), keys: &state.keys, rate: state.rate }
    }

    /// Refuses suspended users: they may read only.
    pub fn may_write(&self) -> Result<(), Error> {
        if self.actor.suspended { Err(Refusal::Suspended.into()) } else { Ok(()) }
    }
}

/// A message with what it says.
#[derive(Clone, Debug)]
pub struct Said {
    pub row: Message,
    pub body: Body,
}

/// As whom frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// The acting user, under row level security.
    Member,
    /// The platform.
    System,
}

impl Voice {
    fn tell(
        self,
        tx: &mut Tx,
        conversation: ConversationId,
        recipients: &[UserId],
        telling: &Telling<'_>,
        at: DateTime<Utc>,
    ) {
        match self {
            _ if recipients.is_empty() => {}
            Self::Member => store::frames::tell_members(tx, conversation, recipients, telling, at),
            Self::System => store::frames::push(tx, Some(conversation), recipients, telling, at),
        }
    }
}

/// The keyring of one conversation, which is locked; one that comes from before texts were sealed gets its key now.
async fn keyring(tx: &mut Tx, keys: &MasterKeys, conversation: ConversationId) -> Result<Keyring, Error> {
    let wrapped = store::keys::of(tx, &[conversation.0]).await?;
    if let Some(ring) = keys.unwrap_all(&wrapped)?.remove(&conversation.0) {
        return Ok(ring);
    }
    let (ring, wrapped) = keys.draw(conversation)?;
    store::keys::insert(tx, &wrapped).await?;
    Ok(ring)
}

/// Ids of the active members.
fn active(members: &[Participant]) -> Vec<UserId> {
    members.iter().filter(|member| member.is_active).map(Participant::user).collect()
}
