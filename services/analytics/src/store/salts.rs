//! `view_salts`: a random one a day, for two days.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;

use crate::schema::view_salts;

/// The salts of `days`, made where there is none yet.
pub(crate) async fn of(tx: &mut Tx, days: &[NaiveDate]) -> QueryResult<BTreeMap<NaiveDate, Vec<u8>>> {
    let rows: Vec<_> = days
        .iter()
        .map(|day| (view_salts::day.eq(*day), view_salts::salt.eq(rand::random::<[u8; 32]>().to_vec())))
        .collect();
    diesel::insert_into(view_salts::table).values(rows).on_conflict_do_nothing().execute(tx).await?;
    let salts = view_salts::table.filter(view_salts::day.eq_any(days)).load(tx).await?;
    Ok(salts.into_iter().collect())
}

/// Throws away those of days before `day`; how many.
pub(crate) async fn forget_before(tx: &mut Tx, day: NaiveDate) -> QueryResult<usize> {
    diesel::delete(view_salts::table.filter(view_salts::day.lt(day))).execute(tx).await
}
