//! Credits that the platform gives: the welcome, and each month of a plan.

use chrono::{DateTime, Months, Utc};
use pitchey_db::Tx;
use pitchey_events::{Tier, UserId};

use crate::error::Error;
use crate::offer::Offer;
use crate::store::credits;
use crate::store::ledger::{self, Change};
use crate::store::subscriptions::Subscription;
use crate::words::LedgerKind;

/// For proving to own an e-mail address, once.
const WELCOME: i32 = 10;

/// The welcome, unless the user had it.
pub async fn welcome(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> Result<(), Error> {
    credits::lock(tx, user).await?;
    let booked_as = format!("welcome:{user}");
    if ledger::is_booked(tx, &booked_as).await? {
        return Ok(());
    }
    let change = grant(user, WELCOME, 0, "welcome", &booked_as, now);
    ledger::book(tx, &change).await?;
    Ok(())
}

const fn grant<'a>(
    user: UserId,
    amount: i32,
    monthly: i32,
    reason: &'a str,
    booked_as: &'a str,
    now: DateTime<Utc>,
) -> Change<'a> {
    Change {
        user,
        kind: LedgerKind::Grant,
        amount,
        granted: amount,
        monthly,
        used: 0,
        bought: 0,
        reason,
        hold: None,
        transaction: None,
        booked_as,
        now,
    }
}

/// Makes the monthly grant of a locked subscription if one is due, and notes when the next will be. The caller saves the row. What is left of the grant before ends;
/// months that nobody came by in are not made up for: their credits would have ended, too.
pub async fn monthly(
    tx: &mut Tx,
    offer: &Offer,
    row: &mut Subscription,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let Some(calendar) = Calendar::of(row) else { return Ok(()) };
    if let Some(month) = calendar.due(row.granted_months, now) {
        let tier: Tier = row.paid_tier.as_deref().and_then(|word| word.parse().ok()).unwrap_or(Tier::Free);
        give(tx, row, month, offer.plan(tier).credits_a_month, now).await?;
        row.granted_months = month + 1;
    }
    row.next_grant_at = calendar.start(row.granted_months);
    Ok(())
}

async fn give(
    tx: &mut Tx,
    row: &Subscription,
    month: i32,
    credits_a_month: i32,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let user = row.user();
    let left = credits::lock(tx, user).await?.monthly;
    if left > 0 {
        let booked_as = format!("expire:{}:{month}", row.provider_id);
        let change =
            Change { kind: LedgerKind::Expire, ..grant(user, -left, -left, "monthly", &booked_as, now) };
        ledger::book(tx, &change).await?;
    }
    if credits_a_month > 0 {
        let booked_as = format!("grant:{}:{month}", row.provider_id);
        ledger::book(tx, &grant(user, credits_a_month, credits_a_month, "monthly", &booked_as, now)).await?;
    }
    Ok(())
}

/// The months of a subscription that were paid.
struct Calendar {
    began: DateTime<Utc>,
    /// Months that begin from then on are not paid, or come after its end.
    until: DateTime<Utc>,
}

impl Calendar {
    /// `None` while it is not known when it began, or nothing was paid.
    fn of(row: &Subscription) -> Option<Self> {
        let paid = row.paid_until?;
        Some(Self { began: row.started_at?, until: row.ended_at.map_or(paid, |ended| ended.min(paid)) })
    }

    /// When the month begins, if it was paid.
    fn start(&self, month: i32) -> Option<DateTime<Utc>> {
        let start = self.began.checked_add_months(Months::new(u32::try_from(month).ok()?))?;
        (start < self.until).then_some(start)
    }

    /// The last month that has begun, if it comes from `next` on.
    fn due(&self, next: i32, now: DateTime<Utc>) -> Option<i32> {
        (next..).take_while(|month| self.start(*month).is_some_and(|start| start <= now)).last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_paid_year_grants_twelve_times_on_the_day_it_began_or_the_last_of_a_short_month() {
        let year = Calendar { began: at("2026-01-31T10:00:00Z"), until: at("2027-01-31T10:00:00Z") };
        assert_eq!(year.due(0, at("2026-01-31T10:00:00Z")), Some(0));
        assert_eq!(year.due(1, at("2026-02-28T09:59:59Z")), None);
        assert_eq!(year.due(1, at("2026-02-28T10:00:00Z")), Some(1));
        assert_eq!(year.due(2, at("2026-03-31T10:00:00Z")), Some(2));
        assert_eq!(year.due(3, at("2026-12-31T10:00:00Z")), Some(11), "the months before are over");
        assert_eq!(year.due(12, at("2027-06-01T00:00:00Z")), None, "not paid");
        assert_eq!(year.start(12), None);
    }
}
