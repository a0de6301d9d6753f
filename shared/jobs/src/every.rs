//! How often a job is due.

use std::time::Duration;

use chrono::{DateTime, Datelike, SecondsFormat, TimeDelta, Utc};

/// How often the clock is looked at for jobs of days and longer.
const LOOK: Duration = Duration::from_secs(30);
/// Periods whose runs are remembered.
const REMEMBERED: i64 = 1_000;

/// How often a job is due. Periods of days and longer begin at an hour, UTC; those of seconds are counted from 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every {
    unit: Unit,
    hour: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Seconds(i64),
    Day,
    Week,
    Month,
    Quarter,
}

impl Every {
    /// Every so many seconds; at least one.
    pub fn seconds(seconds: u64) -> Self {
        Self { unit: Unit::Seconds(i64::try_from(seconds).unwrap_or(i64::MAX).max(1)), hour: 0 }
    }

    /// Every so many minutes.
    pub fn minutes(minutes: u64) -> Self {
        Self::seconds(minutes.saturating_mul(60))
    }

    /// Every so many hours.
    pub fn hours(hours: u64) -> Self {
        Self::minutes(hours.saturating_mul(60))
    }

    /// Every day, from `hour` on.
    pub fn day(hour: u32) -> Self {
        Self::from(Unit::Day, hour)
    }

    /// Every week, from `hour` of Monday on.
    pub fn week(hour: u32) -> Self {
        Self::from(Unit::Week, hour)
    }

    /// Every month, from `hour` of the first on.
    pub fn month(hour: u32) -> Self {
        Self::from(Unit::Month, hour)
    }

    /// Every quarter of a year, from `hour` of its first day on.
    pub fn quarter(hour: u32) -> Self {
        Self::from(Unit::Quarter, hour)
    }

    fn from(unit: Unit, hour: u32) -> Self {
        Self { unit, hour: hour.into() }
    }

    /// Name of the period that it is at `now`.
    pub fn period(self, now: DateTime<Utc>) -> String {
        let at = now - TimeDelta::hours(self.hour);
        match self.unit {
            Unit::Seconds(length) => {
                let began = now.timestamp().div_euclid(length) * length;
                let began = DateTime::from_timestamp(began, 0).unwrap_or_default();
                began.to_rfc3339_opts(SecondsFormat::Secs, true)
            }
            Unit::Day => at.format("%F").to_string(),
            Unit::Week => at.format("%G-W%V").to_string(),
            Unit::Month => at.format("%Y-%m").to_string(),
            Unit::Quarter => format!("{}-Q{}", at.year(), at.month0() / 3 + 1),
        }
    }

    /// How often it is looked whether it is due.
    pub(crate) fn look(self) -> Duration {
        match self.unit {
            Unit::Seconds(length) => Duration::from_secs(length.clamp(1, 300).unsigned_abs()),
            _ => LOOK,
        }
    }

    /// How long its runs are remembered.
    pub(crate) fn remembered(self) -> TimeDelta {
        let days = match self.unit {
            Unit::Seconds(length) => length.saturating_mul(REMEMBERED) / 86_400,
            _ => i64::MAX,
        };
        TimeDelta::days(days.clamp(1, 800))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_begins_at_its_hour() {
        for (every, now, period) in [
            (Every::seconds(15), "2026-11-22T10:00:29.9Z", "2026-11-22T10:00:15Z"),
            (Every::minutes(5), "2026-11-22T10:04:59Z", "2026-11-22T10:00:00Z"),
            (Every::hours(24), "2026-11-22T10:04:59Z", "2026-11-22T00:00:00Z"),
            (Every::day(7), "2026-11-22T06:59:59Z", "2026-11-21"),
            (Every::day(7), "2026-11-22T07:00:00Z", "2026-11-22"),
            (Every::week(3), "2026-11-23T02:59:59Z", "2026-W47"),
            (Every::week(3), "2026-11-23T03:00:00Z", "2026-W48"),
            (Every::week(0), "2027-01-03T23:00:00Z", "2026-W53"),
            (Every::month(0), "2026-11-30T23:59:59Z", "2026-11"),
            (Every::month(4), "2026-12-01T03:00:00Z", "2026-11"),
            (Every::quarter(0), "2026-09-30T23:59:59Z", "2026-Q3"),
            (Every::quarter(0), "2026-10-01T00:00:00Z", "2026-Q4"),
            (Every::quarter(1), "2027-01-01T00:30:00Z", "2026-Q4"),
        ] {
            assert_eq!(every.period(at(now)), period, "{every:?} at {now}");
        }
    }

    #[test]
    fn frequent_jobs_are_forgotten_sooner() {
        assert_eq!(Every::seconds(15).remembered(), TimeDelta::days(1));
        assert_eq!(Every::minutes(10).remembered(), TimeDelta::days(6));
        assert_eq!(Every::hours(1).remembered(), TimeDelta::days(41));
        assert_eq!(Every::quarter(0).remembered(), TimeDelta::days(800));
        assert_eq!(Every::seconds(u64::MAX).remembered(), TimeDelta::days(800));
    }

    #[test]
    fn a_long_period_is_looked_at_more_than_once() {
        assert_eq!(Every::seconds(0).look(), Duration::from_secs(1));
        assert_eq!(Every::hours(24).look(), Duration::from_secs(300));
        assert_eq!(Every::month(0).look(), LOOK);
    }
}
