//! Partitions, and what is kept for how long.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Date, Integer, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Integer)]
    number: i32,
}

/// Makes the missing monthly partitions of `table`, `months` of them from the month of `from`; how many.
pub(crate) async fn ensure_partitions(
    tx: &mut Tx,
    table: &str,
    from: NaiveDate,
    months: i32,
) -> QueryResult<i32> {
    let made: Number = sql_query("SELECT ensure_month_partitions($1, $2, $3) AS number")
        .bind::<Text, _>(table)
        .bind::<Date, _>(from)
        .bind::<Integer, _>(months)
        .get_result(tx)
        .await?;
    Ok(made.number)
}

/// Drops the partitions of `table` that end before `before`; how many.
pub(crate) async fn drop_partitions(tx: &mut Tx, table: &str, before: NaiveDate) -> QueryResult<i32> {
    let dropped: Number = sql_query("SELECT drop_month_partitions($1, $2) AS number")
        .bind::<Text, _>(table)
        .bind::<Date, _>(before)
        .get_result(tx)
        .await?;
    Ok(dropped.number)
}

/// Forgets sums by hour from before `before`; how many.
pub(crate) async fn forget_hours(tx: &mut Tx, before: DateTime<Utc>) -> QueryResult<usize> {
    let mut forgotten = 0;
    for table in ["pitch_view_hours", "activity_hours"] {
        forgotten += sql_query(format!("DELETE FROM {table} WHERE hour < $1"))
            .bind::<Timestamptz, _>(before)
            .execute(tx)
            .await?;
    }
    Ok(forgotten)
}
