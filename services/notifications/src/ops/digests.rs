//! Digests: when they are due, and whose.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::store::email_digests::{Rhythm, Span};

/// The period whose digests are due at `now`: the last day, or Monday, whose hour has come.
pub(crate) fn period(rhythm: Rhythm, hour: u32, now: DateTime<Utc>) -> NaiveDate {
    let today = (now - TimeDelta::hours(i64::from(hour))).date_naive();
    match rhythm {
        Rhythm::Daily => today,
        Rhythm::Weekly => today
            .checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday())))
            .unwrap_or(today),
    }
}

/// From when, and up to when, what happened belongs into the digest of `period`.
pub(crate) fn span(rhythm: Rhythm, hour: u32, period: NaiveDate) -> Span {
    let until = period.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(i64::from(hour));
    let days = match rhythm {
        Rhythm::Daily => 1,
        Rhythm::Weekly => 7,
    };
    Span { rhythm, period, since: until - TimeDelta::days(days), until }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_begins_at_its_hour() {
        assert_eq!(period(Rhythm::Daily, 7, at("2026-11-22T06:59:59Z")), day("2026-11-21"));
        assert_eq!(period(Rhythm::Daily, 7, at("2026-11-22T07:00:00Z")), day("2026-11-22"));
        assert_eq!(period(Rhythm::Daily, 0, at("2026-11-22T00:00:00Z")), day("2026-11-22"));
    }

    #[test]
    fn a_week_begins_on_monday_at_its_hour() {
        for (now, monday) in [
            ("2026-11-22T12:00:00Z", "2026-11-16"),
            ("2026-11-23T06:59:59Z", "2026-11-16"),
            ("2026-11-23T07:00:00Z", "2026-11-23"),
            ("2026-11-29T23:00:00Z", "2026-11-23"),
        ] {
            assert_eq!(period(Rhythm::Weekly, 7, at(now)), day(monday), "{now}");
        }
    }

    #[test]
    fn a_digest_tells_of_what_happened_before_its_hour() {
        for (rhythm, since) in
            [(Rhythm::Daily, "2026-11-22T07:00:00Z"), (Rhythm::Weekly, "2026-11-16T07:00:00Z")]
        {
            let span = span(rhythm, 7, day("2026-11-23"));
            assert_eq!((span.since, span.until), (at(since), at("2026-11-23T07:00:00Z")));
        }
    }
}
