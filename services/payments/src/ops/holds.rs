//! Credits set aside for what other services do, and what becomes of them. Whatever order calls, events and the sweep come in, a hold ends where they would
//! have taken it in the order they happened in.

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{CreditsLow, HoldKey, Tier, UserId};

use crate::error::Error;
use crate::store::holds::{self, Hold};
use crate::store::ledger::{self, As, Change, Taking};
use crate::store::{credits, plans};
use crate::words::{Free, HoldStatus, LedgerKind, Reason};

/// How long a hold waits for the event that makes it firm.
pub const TENTATIVE: TimeDelta = TimeDelta::minutes(2);
/// Publications that cost nothing on the free plan.
const FREE_PUBLICATIONS: i64 = 3;
/// A balance below this is told: it is what the next NDA request costs.
const LOW: i32 = 10;
/// Most that one thing costs, in credits.
const MOST: i32 = 1_000;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub key: HoldKey,
    pub user: UserId,
    /// The usual price.
    pub amount: i32,
    pub reason: Reason,
    /// Spent at once, not set aside.
    pub charge: bool,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken; `amount` is 0 where it is free for this user.
    Taken { amount: i32, balance: i32 },
    /// There is too little; nothing was changed.
    TooLittle { balance: i32 },
    /// Somebody uses the key at this moment, or has used it: look with [`repeated`], in another transaction.
    KeyInUse,
}

/// Takes what is asked for; nothing, where credits are not `charged` to this user. That is decided here and now, and noted: what becomes of the hold later
/// follows from what it took.
pub async fn take(tx: &mut Tx, asked: Asked, charged: bool, now: DateTime<Utc>) -> Result<Outcome, Error> {
    if !(1..=MOST).contains(&asked.amount) {
        return Err(Error::HoldInvalid("the price is not between 1 and 1000"));
    }
    if let Some(because) = free(tx, asked, charged, now).await? {
        match holds::free(tx, asked.key, asked.user, asked.reason, because, now + TENTATIVE, now).await {
            Err(error) if is_in_use(&error) => return Ok(Outcome::KeyInUse),
            written => written?,
        }
        if asked.charge {
            holds::set(tx, asked.key, HoldStatus::Captured, now).await?;
        }
        return Ok(Outcome::Taken { amount: 0, balance: balance(tx, asked.user).await? });
    }
    let what = if asked.charge { As::Charge } else { As::Hold { until: now + TENTATIVE } };
    let booked_as = format!("hold:{}", asked.key);
    match ledger::take(tx, taking(asked, &booked_as, now), what).await {
        Ok(Some(taken)) => {
            tell_if_low(tx, asked.user, taken.balance_after, asked.amount)?;
            Ok(Outcome::Taken { amount: asked.amount, balance: taken.balance_after })
        }
        // One that has the key already may have taken the last credits.
        Ok(None) if holds::find(tx, asked.key).await?.is_some() => Ok(Outcome::KeyInUse),
        Ok(None) => Ok(Outcome::TooLittle { balance: balance(tx, asked.user).await? }),
        Err(error) if is_in_use(&error) => Ok(Outcome::KeyInUse),
        Err(error) => Err(error.into()),
    }
}

/// Whether a key was found to be in use: by the row of the ledger, or by that of a hold of nothing.
fn is_in_use(error: &diesel::result::Error) -> bool {
    let diesel::result::Error::DatabaseError(_, info) = error else { return false };
    matches!(info.constraint_name(), Some("credit_ledger_idempotency_key_key" | "credit_holds_pkey"))
}

const fn taking(asked: Asked, booked_as: &str, now: DateTime<Utc>) -> Taking<'_> {
    Taking { user: asked.user, amount: asked.amount, reason: asked.reason, key: asked.key, booked_as, now }
}

/// The answer to what was asked before under the same key.
///
/// # Errors
/// The key was used for something else, or what was held has gone back.
pub async fn repeated(tx: &mut Tx, asked: Asked) -> Result<Outcome, Error> {
    let Some(hold) = holds::find(tx, asked.key).await? else {
        // It was taken back by whoever used the key: the caller tries again.
        return Err(pitchey_db::Error::Unavailable("a hold that was taken back".to_owned()).into());
    };
    let same = hold.user() == asked.user && hold.reason == asked.reason;
    if !same || (hold.amount != asked.amount && hold.amount != 0) {
        return Err(Error::HoldKeyReused);
    }
    match hold.status {
        HoldStatus::Tentative | HoldStatus::Firm | HoldStatus::Captured => {
            Ok(Outcome::Taken { amount: hold.amount, balance: balance(tx, asked.user).await? })
        }
        HoldStatus::Released | HoldStatus::Refunded | HoldStatus::Lapsed => Err(Error::HoldReleased),
    }
}

async fn balance(tx: &mut Tx, user: UserId) -> Result<i32, Error> {
    Ok(credits::find(tx, user).await?.map_or(0, |credits| credits.balance))
}

/// Why it is free, if it is. Publishing is on a paid plan, and for the first pitches: decided under the lock of the user's row, so that no two are the third.
async fn free(tx: &mut Tx, asked: Asked, charged: bool, now: DateTime<Utc>) -> Result<Option<Free>, Error> {
    if !charged {
        return Ok(Some(Free::Flag));
    }
    if asked.reason != Reason::PitchPublish {
        return Ok(None);
    }
    credits::lock(tx, asked.user).await?;
    let tier = plans::find(tx, asked.user).await?.map_or(Tier::Free, |plan| plan.tier_at(now));
    if tier != Tier::Free {
        return Ok(Some(Free::Plan));
    }
    let published = holds::publications(tx, asked.user).await?;
    Ok((published < FREE_PUBLICATIONS).then_some(Free::Allowance))
}

fn tell_if_low(tx: &mut Tx, user: UserId, balance: i32, taken: i32) -> Result<(), Error> {
    if balance < LOW && balance + taken >= LOW {
        outbox::append(tx, &CreditsLow { user_id: user, balance })?;
    }
    Ok(())
}

/// What an event says of the thing that a hold is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// It exists; whether it is paid for is open.
    Exists,
    /// It is delivered: the credits are spent.
    Delivered,
    /// It ended without being delivered, or what was delivered came to nothing: the credits go back.
    Undone,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    /// Only the status changes.
    Become(HoldStatus),
    Capture,
    Release,
    Refund,
    /// It had lapsed: take again, then go to the status.
    TakeAgain(HoldStatus),
}

const fn step(status: HoldStatus, fact: Fact) -> Step {
    match (status, fact) {
        (HoldStatus::Tentative, Fact::Exists) => Step::Become(HoldStatus::Firm),
        (HoldStatus::Tentative | HoldStatus::Firm, Fact::Delivered) => Step::Capture,
        (HoldStatus::Tentative | HoldStatus::Firm, Fact::Undone) => Step::Release,
        (HoldStatus::Captured, Fact::Undone) => Step::Refund,
        (HoldStatus::Lapsed, Fact::Exists) => Step::TakeAgain(HoldStatus::Firm),
        (HoldStatus::Lapsed, Fact::Delivered) => Step::TakeAgain(HoldStatus::Captured),
        (HoldStatus::Lapsed, Fact::Undone) => Step::Become(HoldStatus::Released),
        (HoldStatus::Firm | HoldStatus::Captured, Fact::Exists)
        | (HoldStatus::Captured, Fact::Delivered)
        | (HoldStatus::Released | HoldStatus::Refunded, _) => Step::Nothing,
    }
}

/// Applies a fact. A key that is not known here is somebody's mistake: nothing was ever held under it.
pub async fn settle(tx: &mut Tx, key: HoldKey, fact: Fact, now: DateTime<Utc>) -> Result<(), Error> {
    let Some(hold) = holds::lock(tx, key).await? else {
        return Err(Error::Internal(format!("no hold has the key {key}").into()));
    };
    match step(hold.status, fact) {
        Step::Nothing => Ok(()),
        Step::Become(status) => Ok(holds::set(tx, key, status, now).await?),
        Step::Capture => move_to(tx, &hold, HoldStatus::Captured, LedgerKind::Capture, now).await,
        Step::Release => move_to(tx, &hold, HoldStatus::Released, LedgerKind::Release, now).await,
        Step::Refund => move_to(tx, &hold, HoldStatus::Refunded, LedgerKind::Refund, now).await,
        Step::TakeAgain(status) => take_again(tx, &hold, status, now).await,
    }
}

/// Gives back what nobody confirmed in time, unless somebody just did.
pub async fn lapse(tx: &mut Tx, key: HoldKey, now: DateTime<Utc>) -> Result<(), Error> {
    match holds::lock(tx, key).await? {
        Some(hold) if hold.status == HoldStatus::Tentative => {
            move_to(tx, &hold, HoldStatus::Lapsed, LedgerKind::Release, now).await
        }
        _ => Ok(()),
    }
}

async fn take_again(tx: &mut Tx, hold: &Hold, status: HoldStatus, now: DateTime<Utc>) -> Result<(), Error> {
    if hold.amount > 0 {
        let booked_as = format!("hold:{}:again", hold.key);
        let asked = Asked {
            key: hold.key(),
            user: hold.user(),
            amount: hold.amount,
            reason: hold.reason,
            charge: false,
        };
        let Some(taken) = ledger::take_again(tx, taking(asked, &booked_as, now)).await? else {
            tracing::error!(key = %hold.key, user = hold.user_id, "what a lapsed hold was for exists, and can't be paid");
            return Ok(holds::uncovered(tx, hold.key(), now).await?);
        };
        holds::consists(tx, hold.key(), taken.granted, taken.monthly).await?;
        tell_if_low(tx, hold.user(), taken.balance_after, hold.amount)?;
    }
    if status == HoldStatus::Captured {
        return move_to(tx, hold, status, LedgerKind::Capture, now).await;
    }
    Ok(holds::set(tx, hold.key(), status, now).await?)
}

async fn move_to(
    tx: &mut Tx,
    hold: &Hold,
    status: HoldStatus,
    kind: LedgerKind,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    holds::set(tx, hold.key(), status, now).await?;
    if hold.amount == 0 {
        return Ok(());
    }
    let back = kind != LedgerKind::Capture;
    let booked_as = format!("{}:{}", status.as_str(), hold.key);
    let change = Change {
        user: hold.user(),
        kind,
        amount: if back { hold.amount } else { 0 },
        granted: if back { hold.granted } else { 0 },
        monthly: if back { hold.monthly } else { 0 },
        used: match kind {
            LedgerKind::Capture => hold.amount,
            LedgerKind::Refund => -hold.amount,
            _ => 0,
        },
        bought: 0,
        reason: hold.reason.as_str(),
        hold: Some(hold.key()),
        transaction: None,
        booked_as: &booked_as,
        now,
    };
    ledger::book(tx, &change).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statuses that a hold goes through when it hears `facts` in this order, the sweep coming by first where `lapsed`.
    fn ends(facts: &[Fact], lapsed: bool) -> HoldStatus {
        let start = if lapsed { HoldStatus::Lapsed } else { HoldStatus::Tentative };
        facts.iter().fold(start, |status, fact| match step(status, *fact) {
            Step::Nothing => status,
            Step::Become(status) | Step::TakeAgain(status) => status,
            Step::Capture => HoldStatus::Captured,
            Step::Release => HoldStatus::Released,
            Step::Refund => HoldStatus::Refunded,
        })
    }

    fn is_back(status: HoldStatus) -> bool {
        matches!(status, HoldStatus::Released | HoldStatus::Refunded | HoldStatus::Lapsed)
    }

    #[test]
    fn facts_in_any_order_leave_the_credits_where_they_belong() {
        use Fact::{Delivered, Exists, Undone};
        for (facts, back) in [
            (&[Exists, Delivered][..], false),
            (&[Delivered, Exists], false),
            (&[Exists, Undone], true),
            (&[Undone, Exists], true),
            (&[Exists, Delivered, Undone], true),
            (&[Exists, Undone, Delivered], true),
            (&[Delivered, Exists, Undone], true),
            (&[Delivered, Undone, Exists], true),
            (&[Undone, Exists, Delivered], true),
            (&[Undone, Delivered, Exists], true),
        ] {
            for lapsed in [false, true] {
                let twice: Vec<_> = facts.iter().flat_map(|fact| [*fact, *fact]).collect();
                assert_eq!(is_back(ends(facts, lapsed)), back, "{facts:?}, lapsed: {lapsed}");
                assert_eq!(ends(&twice, lapsed), ends(facts, lapsed));
            }
        }
    }
}
