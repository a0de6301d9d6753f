//! What the service does by the clock.

use chrono::{DateTime, DurationRound, Months, NaiveDate, TimeDelta, Utc};
use pitchey_bus::outbox::{self, Traced};
use pitchey_db::{Error as DbError, SystemDb, Tx};
use pitchey_events::TrendingComputed;

use crate::store::{active_days, recount, retention, salts, take_turns, totals, trending, views};

/// Pitches in the list of what is trending, at most.
const TRENDING: i64 = 100;
/// Numbers told at once, at most: while very many pitches are looked at, each is told of less often, rather than counting being kept waiting.
const TOLD: i64 = 200;
/// Months for which there are partitions ahead of time.
const AHEAD: i32 = 4;
/// Where partitions of several services' events are looked after, too: the inbox belongs to all.
const PARTITIONED: [&str; 3] = ["pitch_views", "analytics_events", "inbox"];
const EVENTS_KEPT: Months = Months::new(25);
const INBOX_KEPT: TimeDelta = TimeDelta::days(30);
const ADDRESSES_KEPT: TimeDelta = TimeDelta::days(30);
const HOURS_KEPT: TimeDelta = TimeDelta::days(35);
const ACTIVE_DAYS_KEPT: TimeDelta = TimeDelta::days(400);
const SALTS_KEPT: TimeDelta = TimeDelta::hours(48);

/// Tells what is trending. Returns how many pitches are in the list.
pub(crate) async fn tell_trending(db: &SystemDb, now: DateTime<Utc>) -> Result<i64, DbError> {
    let mut tx = db.begin().await?;
    let entries = trending::list(&mut tx, now, TRENDING).await?;
    let listed = i64::try_from(entries.len()).unwrap_or(i64::MAX);
    outbox::append(&mut tx, &TrendingComputed { computed_at: now, entries })?;
    tx.commit().await?;
    Ok(listed)
}

/// Tells how often pitches were viewed, where that has changed, of whom was told longest ago first. Any replica may, at any time. Returns how many
/// it told.
pub(crate) async fn tell_views(db: &SystemDb, now: DateTime<Utc>) -> Result<i64, DbError> {
    let mut tx = db.begin().await?;
    let untold = totals::take_untold(&mut tx, now, TOLD).await?;
    let untold: Vec<_> = untold.into_iter().map(Traced::here).collect();
    outbox::append_all(&mut tx, &untold)?;
    tx.commit().await?;
    Ok(i64::try_from(untold.len()).unwrap_or(i64::MAX))
}

/// Partitions, retention. Each part in a transaction of its own, so that what keeps one keeps no other; the first failure is the run's.
pub(crate) async fn maintain(db: &SystemDb, now: DateTime<Utc>) -> Result<i64, DbError> {
    let today = now.date_naive();
    let mut done = Ok(0);
    let mut note = |what: &str, result: Result<i64, DbError>| {
        if let Err(error) = &result {
            tracing::error!(what, %error, "a part of the maintenance failed");
        }
        done = match (std::mem::replace(&mut done, Ok(0)), result) {
            (Ok(sum), Ok(more)) => Ok(sum + more),
            (Err(first), _) | (Ok(_), Err(first)) => Err(first),
        };
    };
    for table in PARTITIONED {
        note(
            "partitions",
            alone(db, async |tx| Ok(retention::ensure_partitions(tx, table, today, AHEAD).await?.into()))
                .await,
        );
    }
    let events_before = today.checked_sub_months(EVENTS_KEPT).unwrap_or(NaiveDate::MIN);
    for (table, before) in [("analytics_events", events_before), ("inbox", today - INBOX_KEPT)] {
        let dropped = alone(db, async |tx| Ok(retention::drop_partitions(tx, table, before).await?.into()));
        note("retention", dropped.await);
    }
    note("addresses", forget_addresses(db, now).await);
    note("hours", alone(db, async |tx| counted(retention::forget_hours(tx, now - HOURS_KEPT).await?)).await);
    note(
        "active days",
        alone(db, async |tx| counted(active_days::forget_before(tx, today - ACTIVE_DAYS_KEPT).await?)).await,
    );
    // A salt's day began 48 hours ago or earlier.
    let salts_before = (now - SALTS_KEPT).date_naive() + TimeDelta::days(1);
    note("salts", alone(db, async |tx| counted(salts::forget_before(tx, salts_before).await?)).await);
    done
}

async fn alone(
    db: &SystemDb,
    work: impl AsyncFnOnce(&mut Tx) -> Result<i64, DbError>,
) -> Result<i64, DbError> {
    let mut tx = db.begin().await?;
    let done = work(&mut tx).await?;
    tx.commit().await?;
    Ok(done)
}

#[expect(clippy::unnecessary_wraps, reason = "the end of a closure that fails otherwise")]
fn counted(rows: usize) -> Result<i64, DbError> {
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}

/// Day by day, so that no transaction is long.
async fn forget_addresses(db: &SystemDb, now: DateTime<Utc>) -> Result<i64, DbError> {
    let limit = now - ADDRESSES_KEPT;
    let mut all = 0;
    loop {
        let mut tx = db.begin().await?;
        let Some(oldest) = views::oldest_address(&mut tx, limit).await? else { return Ok(all) };
        let day = oldest.duration_trunc(TimeDelta::days(1)).unwrap_or(oldest);
        let before = (day + TimeDelta::days(1)).min(limit);
        let forgotten = views::forget_addresses(&mut tx, day, before).await?;
        tx.commit().await?;
        all += i64::try_from(forgotten).unwrap_or(0);
    }
}

/// Sums that are not what their rows say: those of viewers, and the rollups from `first_day` on. Each comparison is one statement, and sees sums and
/// rows of the same moment; counting goes on meanwhile.
pub(crate) async fn differences(
    tx: &mut Tx,
    first_day: NaiveDate,
) -> Result<Vec<recount::Difference>, DbError> {
    let mut found = recount::rollups(tx, first_day).await?;
    found.extend(recount::viewers(tx).await?);
    Ok(found)
}

/// Compares totals with views, and the rollups of yesterday and today with their rows. Totals are set right; what else differs is told to the
/// operator: it can't happen, so a person should look before numbers that were seen change.
pub(crate) async fn reconcile(db: &SystemDb, now: DateTime<Utc>) -> Result<i64, DbError> {
    let mut tx = db.begin().await?;
    let differences = differences(&mut tx, now.date_naive() - TimeDelta::days(1)).await?;
    let wrong = recount::totals(&mut tx).await?;
    if !wrong.is_empty() {
        take_turns(&mut tx);
    }
    for &pitch in &wrong {
        recount::correct(&mut tx, pitch).await?;
    }
    tx.commit().await?;
    if !wrong.is_empty() {
        tracing::error!(pitches = ?wrong, "totals were not the sum of their views, and are now");
    }
    for difference in differences.iter().take(20) {
        tracing::error!(of = difference.of, what = difference.what, "a sum differs from its rows");
    }
    metrics::gauge!("analytics_sums_wrong")
        .set(f64::from(u32::try_from(wrong.len() + differences.len()).unwrap_or(u32::MAX)));
    Ok(i64::try_from(wrong.len()).unwrap_or(i64::MAX))
}
