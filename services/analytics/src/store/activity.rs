//! `activity_hours`, `activity_days`: what happened, summed by time and by whose it is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{PitchId, UserId};

use super::rollups::hour;
use crate::words::Grain;

/// Whose sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// What happened to a pitch.
    Pitch(PitchId),
    /// What happened to an owner and the own pitches.
    Owner(UserId),
    /// What the user on the other side did, or was answered.
    Member(UserId),
    /// All of it.
    Platform,
}

impl Subject {
    const fn columns(self) -> (&'static str, i32) {
        match self {
            Self::Pitch(id) => ("pitch", id.0),
            Self::Owner(id) => ("owner", id.0),
            Self::Member(id) => ("member", id.0),
            Self::Platform => ("platform", 0),
        }
    }
}

/// Amounts to be added, by subject, hour and action.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums(BTreeMap<(Subject, DateTime<Utc>, String), i64>);

impl Sums {
    pub(crate) fn add(&mut self, subject: Subject, at: DateTime<Utc>, action: &str, amount: i64) {
        *self.0.entry((subject, hour(at), action.to_owned())).or_default() += amount;
    }
}

/// Adds to both tables.
pub(crate) async fn add(tx: &mut Tx, Sums(sums): &Sums) -> QueryResult<usize> {
    if sums.is_empty() {
        return Ok(0);
    }
    sql_query(
        "WITH new AS (
             SELECT * FROM unnest($1, $2, $3, $4, $5) AS new (subject_type, subject_id, hour, action, amount)
         ), hours AS (
             INSERT INTO activity_hours AS sum SELECT * FROM new
             ON CONFLICT (subject_type, subject_id, hour, action) DO UPDATE SET amount = sum.amount + excluded.amount
         )
         INSERT INTO activity_days AS sum
         SELECT subject_type, subject_id, (hour AT TIME ZONE 'UTC')::date, action, sum(amount) FROM new GROUP BY 1, 2, 3, 4
         ON CONFLICT (subject_type, subject_id, day, action) DO UPDATE SET amount = sum.amount + excluded.amount",
    )
    .bind::<Array<Text>, _>(sums.keys().map(|key| key.0.columns().0).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(sums.keys().map(|key| key.0.columns().1).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(sums.keys().map(|key| key.1).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(sums.keys().map(|key| key.2.as_str()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(sums.values().copied().collect::<Vec<_>>())
    .execute(tx)
    .await
}

#[derive(QueryableByName)]
struct Amount {
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = BigInt)]
    amount: i64,
}

/// Amounts by action.
#[derive(Clone, Debug, Default)]
pub(crate) struct Amounts(BTreeMap<String, i64>);

impl Amounts {
    /// That of `action`; nothing is zero.
    pub(crate) fn of(&self, action: &str) -> i64 {
        self.0.get(action).copied().unwrap_or_default()
    }

    /// What there is of one and not of the other: follows without those taken back.
    pub(crate) fn net(&self, gained: &str, lost: &str) -> i64 {
        self.of(gained) - self.of(lost)
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, i64)> {
        self.0.iter().map(|(action, amount)| (action.as_str(), *amount))
    }
}

impl From<Vec<Amount>> for Amounts {
    fn from(rows: Vec<Amount>) -> Self {
        Self(rows.into_iter().map(|row| (row.action, row.amount)).collect())
    }
}

/// The amounts of `subject` since `since`.
pub(crate) async fn since(
    tx: &mut Tx,
    subject: Subject,
    grain: Grain,
    since: DateTime<Utc>,
) -> QueryResult<Amounts> {
    let (subject_type, subject_id) = subject.columns();
    let sql = match grain {
        Grain::Hours => {
            "SELECT action, sum(amount)::bigint AS amount FROM activity_hours
             WHERE subject_type = $1 AND subject_id = $2 AND hour >= $3 GROUP BY action"
        }
        Grain::Days => {
            "SELECT action, sum(amount)::bigint AS amount FROM activity_days
             WHERE subject_type = $1 AND subject_id = $2 AND day >= ($3 AT TIME ZONE 'UTC')::date GROUP BY action"
        }
    };
    let rows: Vec<Amount> = sql_query(sql)
        .bind::<Text, _>(subject_type)
        .bind::<Integer, _>(subject_id)
        .bind::<Timestamptz, _>(since)
        .load(tx)
        .await?;
    Ok(rows.into())
}

/// The amounts of `subject` of all times.
pub(crate) async fn ever(tx: &mut Tx, subject: Subject) -> QueryResult<Amounts> {
    since(tx, subject, Grain::Days, DateTime::UNIX_EPOCH).await
}

/// Forgets what `user` did as the other side of things.
pub(crate) async fn forget_member(tx: &mut Tx, user: UserId) -> QueryResult<usize> {
    let mut forgotten = 0;
    for table in ["activity_hours", "activity_days"] {
        forgotten +=
            sql_query(format!("DELETE FROM {table} WHERE subject_type = 'member' AND subject_id = $1"))
                .bind::<Integer, _>(user.0)
                .execute(tx)
                .await?;
    }
    Ok(forgotten)
}
