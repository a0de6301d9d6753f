//! What buyers track of their own investments.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit;
use pitchey_events::{InvestmentId, InvestmentTracked, PitchId, UserId, UserType};
use pitchey_web::{Cursor, Listed, Paging, Refusal};
use serde_json::json;

use super::{Act, reading};
use crate::error::Error;
use crate::projection::{Access, Viewer};
use crate::store::investments::{self, Investment, New};
use crate::store::pitches;

/// Notes an investment of the acting user in a pitch that the user may see.
pub async fn track(
    tx: &mut Tx,
    act: &Act<'_>,
    pitch: PitchId,
    amount_cents: i64,
    currency: &str,
    notes: Option<&str>,
) -> Result<Investment, Error> {
    act.may_write()?;
    if !matches!(act.actor.user_type, UserType::Investor | UserType::Production) {
        return Err(Refusal::Forbidden.into());
    }
    let card = pitches::card(tx, pitch).await?.ok_or(Refusal::NotFound)?;
    let viewer = Viewer { actor: Some(act.actor.clone()), reason: None };
    let mine = reading::mine(tx, &viewer, &[pitch.0]).await?;
    match Access::decide(&viewer, &card, &mine, act.now) {
        None => return Err(Refusal::NotFound.into()),
        Some(Access::Owner) => return Err(Error::InvestmentOwnPitch),
        Some(_) => {}
    }
    let new = New {
        investor_id: act.actor.id.0,
        pitch_id: pitch.0,
        amount_cents,
        currency,
        notes,
        created_at: act.now,
    };
    let investment = investments::insert(tx, &new).await?;
    let entry = audit::Entry {
        actor: Some(act.actor.id),
        action: "investment.tracked",
        entity_type: Some("investment"),
        entity_id: Some(investment.id.into()),
        new_values: Some(json!({ "pitchId": pitch.0, "amountCents": amount_cents, "currency": currency })),
        ..Default::default()
    };
    audit::record(tx, act.origin, entry);
    let event = InvestmentTracked {
        investment_id: InvestmentId(investment.id),
        pitch_id: pitch,
        owner_id: card.owner(),
        pitch_title: card.title,
        investor_id: act.actor.id,
    };
    outbox::append(tx, &event)?;
    Ok(investment)
}

/// What a user noted, newest first.
pub async fn list(tx: &mut Tx, user: UserId, paging: &Paging) -> Result<Listed<Investment>, Error> {
    let (rows, counted) = investments::of(tx, user, reading::place(paging)?).await?;
    Ok(Listed::page(paging, rows, counted, |row| Cursor::after(&(row.created_at, row.id))))
}
