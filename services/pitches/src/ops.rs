//! Use cases. Each works in a transaction that somebody else opened and will commit, unless its description says otherwise.

pub mod comments;
pub mod discovery;
pub mod erasure;
pub mod following;
pub mod investments;
pub mod lifecycle;
pub mod likes;
pub mod media;
pub mod moderation;
pub mod ndas;
pub mod orphans;
pub mod promotion;
pub mod reading;
pub mod removal;
pub mod reports;
pub mod search;
pub mod sharing;
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

    /// Refuses everybody who does not watch over the platform.
    pub fn may_moderate(&self) -> Result<(), Error> {
        self.may_write()?;
        if self.actor.admin { Ok(()) } else { Err(Refusal::Forbidden.into()) }
    }

    fn record(&self, tx: &mut Tx, action: &str, pitch: PitchId, old: Value, new: Value) {
        let entry = audit::Entry {
            actor: Some(self.actor.id),
            action,
            entity_type: Some("pitch"),
            entity_id: Some(pitch.0.into()),
            old_values: (!old.is_null()).then_some(old),
            new_values: (!new.is_null()).then_some(new),
            ..Default::default()
        };
        audit::record(tx, self.origin, entry);
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

/// A published pitch. Its owner learns where it stands otherwise; for anybody else there is no other.
async fn published(tx: &mut Tx, actor: &Actor, id: PitchId) -> Result<Card, Error> {
    let card = store::pitches::card(tx, id).await?.ok_or(Refusal::NotFound)?;
    match card.status {
        PitchStatus::Published => Ok(card),
        status if card.owner() == actor.id => Err(Error::PitchWrongState { status }),
        _ => Err(Refusal::NotFound.into()),
    }
}

/// Tells that others may see something new of a pitch.
fn announce(tx: &mut Tx, card: &Card) -> Result<(), Error> {
    let event = PitchChanged { pitch_id: card.id(), owner_id: card.owner(), version: card.version };
    outbox::append(tx, &event)?;
    Ok(())
}
