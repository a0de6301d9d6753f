//! Being shown among the featured, for credits.

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{HoldKey, PitchId, PitchPromoted};
use pitchey_identity::Actor;
use serde_json::json;

use super::{Act, announce, own};
use crate::error::Error;
use crate::state::AppState;
use crate::store::pitches::{self, Card, Protected};
use crate::words::PitchStatus;

/// The usual price in credits.
const COST: i32 = 10;
/// How long a promotion lasts.
const LASTS: TimeDelta = TimeDelta::days(7);

/// Whether credits were asked for before the transaction.
pub enum Prepared {
    /// It is promoted now: nothing to pay.
    Promoted,
    /// The hold, where credits are in use.
    Held(Option<HoldKey>),
}

/// Holds the credits, after what the own rows can refuse. Opens and ends its own short transaction.
pub async fn prepare(state: &AppState, act: &Act<'_>, id: PitchId) -> Result<Prepared, Error> {
    let mut tx = state.databases.user.begin(Some(act.actor.id)).await?;
    let (card, _) = own(&mut tx, act, id).await?;
    drop(tx);
    if lasts(&card, act.now) {
        return Ok(Prepared::Promoted);
    }
    if card.status != PitchStatus::Published {
        return Err(Error::PitchWrongState { status: card.status });
    }
    Ok(Prepared::Held(hold(state, act.actor).await?))
}

async fn hold(state: &AppState, actor: &Actor) -> Result<Option<HoldKey>, Error> {
    state.credits.hold(actor.id, COST, "promotion").await
}

/// Promotes the acting user's pitch; `false`: it is promoted now, and the hold lapses.
pub async fn promote(
    tx: &mut Tx,
    act: &Act<'_>,
    id: PitchId,
    prepared: Prepared,
) -> Result<((Card, Protected), bool), Error> {
    let (card, _) = own(tx, act, id).await?;
    let Prepared::Held(hold) = prepared else { return Ok((whole(tx, id).await?, false)) };
    let until = act.now + LASTS;
    let Some((promoted, protected)) = pitches::promote(tx, id, until, act.now).await? else {
        if lasts(&card, act.now) {
            return Ok((whole(tx, id).await?, false));
        }
        return Err(Error::PitchWrongState { status: card.status });
    };
    act.record(tx, "pitch.promoted", id, json!(null), json!({ "until": until, "hold": hold }));
    let event = PitchPromoted { pitch_id: id, owner_id: card.owner(), hold, until };
    outbox::append(tx, &event)?;
    announce(tx, &promoted)?;
    Ok(((promoted, protected), true))
}

fn lasts(card: &Card, now: DateTime<Utc>) -> bool {
    card.promoted_until.is_some_and(|until| until > now)
}

async fn whole(tx: &mut Tx, id: PitchId) -> Result<(Card, Protected), Error> {
    pitches::whole(tx, id).await?.ok_or_else(|| pitchey_web::Refusal::NotFound.into())
}
