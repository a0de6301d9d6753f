//! Use cases. Each works in a transaction that somebody else opened and will commit, unless its description says otherwise.

pub mod lifecycle;
pub mod ndas;
pub mod reading;
pub mod removal;
pub mod sweep;
pub mod writing;

use chrono::{DateTime, Utc};
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit::{self, Origin};
use pitchey_events::{PitchChanged, PitchId, UserType};
use pitchey_identity::Actor;
use pitchey_web::Refusal;
use serde_json::Value;

use crate::content::Content;
use crate::error::Error;
use crate::store;
use crate::store::pitches::Card;
use crate::words::PitchStatus;

/// Who acts, from where, and when.
#[derive(Clone, Copy)]
pub struct Act<'a> {
    pub actor: &'a Actor,
    pub origin: &'a Origin,
    pub now: DateTime<Utc>,
}

impl Act<'_> {
    /// Refuses suspended users: they may read only.
    pub fn may_write(&self) -> Result<(), Error> {
        if self.actor.suspended { Err(Refusal::Suspended.into()) } else { Ok(()) }
    }

    /// Refuses users who are not of a kind that has pitches.
    pub fn may_pitch(&self) -> Result<(), Error> {
        self.may_write()?;
        match self.actor.user_type {
            UserType::Creator | UserType::Production => Ok(()),
            UserType::Investor | UserType::Viewer => Err(Refusal::Forbidden.into()),
        }
    }

    async fn record(
        &self,
        tx: &mut Tx,
        action: &str,
        pitch: PitchId,
        old: Value,
        new: Value,
    ) -> Result<(), Error> {
        let entry = audit::Entry {
            actor: Some(self.actor.id),
            action,
            entity_type: Some("pitch"),
            entity_id: Some(pitch.0.into()),
            old_values: (!old.is_null()).then_some(old),
            new_values: (!new.is_null()).then_some(new),
            ..Default::default()
        };
        Ok(audit::record(tx, self.origin, entry).await?)
    }
}

/// The acting user's own pitch, locked. Somebody else's published one is forbidden, any other is not there.
async fn own(tx: &mut Tx, act: &Act<'_>, id: PitchId) -> Result<(Card, Content), Error> {
    act.may_write()?;
    let (card, content) = store::pitches::locked(tx, id).await?.ok_or(Refusal::NotFound)?;
    if card.owner() == act.actor.id {
        Ok((card, content))
    } else if card.status == PitchStatus::Published {
        Err(Refusal::Forbidden.into())
    } else {
        Err(Refusal::NotFound.into())
    }
}

/// Tells that others may see something new of a pitch.
async fn announce(tx: &mut Tx, card: &Card) -> Result<(), Error> {
    let event = PitchChanged { pitch_id: card.id(), owner_id: card.owner(), version: card.version };
    outbox::append(tx, &event).await?;
    Ok(())
}
