//! What is forgotten, and when.

use chrono::{DateTime, Months, TimeDelta, Utc};
use diesel::QueryResult;
use pitchey_db::Tx;

use crate::store::{announcements, email_digests, email_events, email_queue, notifications};

/// Rows of one transaction.
pub(crate) const BATCH: i64 = 1_000;

/// One kind of what is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Old {
    /// Bodies of mails, after 30 days.
    Bodies,
    /// What became of mails, after 13 months.
    EmailEvents,
    /// Notifications, after 12 months.
    Notifications,
    /// That digests were made, after 60 days.
    Digests,
    /// That followers were told, after 60 days.
    Announcements,
}

impl Old {
    pub(crate) const ALL: [Self; 5] =
        [Self::Bodies, Self::EmailEvents, Self::Notifications, Self::Digests, Self::Announcements];

    /// Name of the job.
    pub(crate) const fn job(self) -> &'static str {
        match self {
            Self::Bodies => "forget_mail_bodies",
            Self::EmailEvents => "forget_mail_events",
            Self::Notifications => "forget_notifications",
            Self::Digests => "forget_digests",
            Self::Announcements => "forget_announcements",
        }
    }

    fn before(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let months = |months| now.checked_sub_months(Months::new(months)).unwrap_or(DateTime::UNIX_EPOCH);
        match self {
            Self::Bodies => now - TimeDelta::days(30),
            Self::EmailEvents => months(13),
            Self::Notifications => months(12),
            Self::Digests | Self::Announcements => now - TimeDelta::days(60),
        }
    }

    /// Forgets a batch; fewer rows than a batch are the last.
    pub(crate) async fn forget(self, tx: &mut Tx, now: DateTime<Utc>) -> QueryResult<i64> {
        let before = self.before(now);
        let forgotten = match self {
            Self::Bodies => email_queue::forget_bodies(tx, before, BATCH).await,
            Self::EmailEvents => email_events::forget(tx, before, BATCH).await,
            Self::Notifications => notifications::forget(tx, before, BATCH).await,
            Self::Digests => email_digests::forget(tx, before, BATCH).await,
            Self::Announcements => announcements::forget(tx, before, BATCH).await,
        }?;
        Ok(i64::try_from(forgotten).unwrap_or(i64::MAX))
    }
}
