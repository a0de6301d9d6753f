//! How much of the pools is used, and how long one waits for a connection, told to the metrics.

use std::time::Duration;

use deadpool::managed::WeakPool;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use tokio::time::{MissedTickBehavior, interval};

type Pool = WeakPool<AsyncDieselConnectionManager<AsyncPgConnection>>;

/// How often it is looked. A burst between two looks shows in the time that was waited.
const PERIOD: Duration = Duration::from_secs(1);

/// Tells how many connections each role's pool has, as long as they are there.
pub async fn tell(pools: [(&'static str, Pool); 2]) {
    let mut looks = interval(PERIOD);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        for (role, pool) in &pools {
            let Some(pool) = pool.upgrade() else { return };
            let status = pool.status();
            let states =
                [("in_use", status.size - status.available), ("open", status.size), ("max", status.max_size)];
            for (state, connections) in states {
                #[expect(clippy::cast_precision_loss, reason = "a gauge")]
                metrics::gauge!("db_pool_connections", "role" => *role, "state" => state)
                    .set(connections as f64);
            }
        }
    }
}

/// One had waited so long when a connection was there, or the wait was given up.
pub fn waited(role: &'static str, time: Duration) {
    metrics::histogram!("db_pool_wait_seconds", "role" => role).record(time);
}
