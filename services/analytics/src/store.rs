//! All SQL.

pub(crate) mod active_days;
pub(crate) mod activity;
pub(crate) mod events;
pub(crate) mod nda_timings;
pub(crate) mod recount;
pub(crate) mod retention;
pub(crate) mod rollups;
pub(crate) mod salts;
pub(crate) mod totals;
pub(crate) mod tracked_pitches;
pub(crate) mod trending;
pub(crate) mod viewers;
pub(crate) mod views;

use pitchey_db::Tx;

/// From here to the end of `tx` nobody else counts. Whether a view is a new one depends on those before it, and sums of hot pitches are few rows
/// for many writers: taking turns is what they would end up doing anyway, only row by row and with deadlocks.
pub(crate) fn take_turns(tx: &mut Tx) {
    tx.lock("pitchey/analytics/counting");
}
