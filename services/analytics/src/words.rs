//! The words of this service's API.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use pitchey_events::{UserType, View};
use serde::{Deserialize, Serialize};

/// The stretch of time that numbers are asked for; it ends now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) enum Timeframe {
    /// By the hour.
    #[serde(rename = "24h")]
    Day,
    /// By the day, as all longer ones.
    #[serde(rename = "7d")]
    Week,
    /// The default.
    #[default]
    #[serde(rename = "30d")]
    Month,
    #[serde(rename = "90d")]
    Quarter,
    #[serde(rename = "12m")]
    Year,
}

/// How finely numbers are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grain {
    Hours,
    Days,
}

impl Timeframe {
    /// The beginning of its first whole hour or day (UTC); the last, unfinished one counts in.
    pub(crate) fn since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let (unit, units) = match self {
            Self::Day => (TimeDelta::hours(1), 24),
            Self::Week => (TimeDelta::days(1), 7),
            Self::Month => (TimeDelta::days(1), 30),
            Self::Quarter => (TimeDelta::days(1), 90),
            Self::Year => (TimeDelta::days(1), 365),
        };
        let floor = now.duration_trunc(unit).unwrap_or(now);
        floor - unit * (units - 1)
    }

    pub(crate) const fn grain(self) -> Grain {
        match self {
            Self::Day => Grain::Hours,
            _ => Grain::Days,
        }
    }
}

/// The word for who looked, as in `pitch_views.viewer_type`.
pub(crate) fn viewer_type(view: &View) -> &'static str {
    match (view.viewer_id, view.viewer_type) {
        (None, _) => "anonymous",
        // A user of whom nobody said what for is one who only looks.
        (Some(_), user_type) => user_type.unwrap_or(UserType::Viewer).as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeframe_is_made_of_whole_hours_or_days() {
        let now: DateTime<Utc> = "2026-11-22T19:14:37Z".parse().unwrap();
        let since = |timeframe: Timeframe| timeframe.since(now).to_rfc3339();
        assert_eq!(since(Timeframe::Day), "2026-11-21T20:00:00+00:00");
        assert_eq!(since(Timeframe::Week), "2026-11-16T00:00:00+00:00");
        assert_eq!(since(Timeframe::Month), "2026-10-24T00:00:00+00:00");
        assert_eq!(since(Timeframe::Year), "2025-11-23T00:00:00+00:00");
    }
}
