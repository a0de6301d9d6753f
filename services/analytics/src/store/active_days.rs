//! `active_days`: who did something on which day.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Date, Integer};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;

use crate::schema::active_days;

/// Notes that these users did something.
pub(crate) async fn note(tx: &mut Tx, days: &BTreeSet<(NaiveDate, i32)>) -> QueryResult<usize> {
    let (days, users): (Vec<_>, Vec<_>) = days.iter().copied().unzip();
    sql_query("INSERT INTO active_days (day, user_id) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING")
        .bind::<Array<Date>, _>(days)
        .bind::<Array<Integer>, _>(users)
        .execute(tx)
        .await
}

/// How many different users did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Active {
    /// Today (UTC).
    #[diesel(sql_type = BigInt)]
    pub(crate) day: i64,
    /// In seven days, today included.
    #[diesel(sql_type = BigInt)]
    pub(crate) week: i64,
    /// In thirty.
    #[diesel(sql_type = BigInt)]
    pub(crate) month: i64,
}

/// Users who were active up to `today`.
pub(crate) async fn count(tx: &mut Tx, today: NaiveDate) -> QueryResult<Active> {
    sql_query(
        "SELECT count(DISTINCT user_id) FILTER (WHERE day = $1) AS day,
                count(DISTINCT user_id) FILTER (WHERE day > $1 - 7) AS week,
                count(DISTINCT user_id) AS month
         FROM active_days WHERE day > $1 - 30 AND day <= $1",
    )
    .bind::<Date, _>(today)
    .get_result(tx)
    .await
}

/// Forgets days before `day`; how many rows.
pub(crate) async fn forget_before(tx: &mut Tx, day: NaiveDate) -> QueryResult<usize> {
    diesel::delete(active_days::table.filter(active_days::day.lt(day))).execute(tx).await
}

/// Forgets `user`.
pub(crate) async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<usize> {
    diesel::delete(active_days::table.filter(active_days::user_id.eq(user.0))).execute(tx).await
}
