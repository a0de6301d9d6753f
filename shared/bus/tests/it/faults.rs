//! Processes and servers die, stop and come back; nothing is lost, nothing happens twice, and writes go on.

mod batches;
mod broker;
mod child;
mod database;
mod process;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use pitchey_bus::Plan;
use pitchey_db::Databases;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use crate::events::Counted;
use crate::world::command;

/// Tests that kill servers run one at a time, also where all tests are threads of one process.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// Commits commands one after the other, as users do, until told to stop.
struct Load {
    committed: Arc<AtomicI64>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Load {
    /// Some 200 commands a second; each must be committed unless `may_fail`.
    fn start(plan: &Plan, databases: &Databases, may_fail: bool) -> Self {
        let (plan, databases) = (plan.clone(), databases.clone());
        let (committed, stop) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stopped) = (Arc::clone(&committed), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(5));
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            for n in 0.. {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                tick.tick().await;
                match command(&plan, &databases, n, &Counted::new(n)).await {
                    Ok(()) => drop(count.fetch_add(1, Ordering::SeqCst)),
                    // Whether it is committed or not, the ledger knows.
                    Err(_) if may_fail => tokio::time::sleep(Duration::from_millis(100)).await,
                    Err(error) => panic!("a write failed: {error}"),
                }
            }
        });
        Self { committed, stop, task }
    }

    fn committed(&self) -> i64 {
        self.committed.load(Ordering::SeqCst)
    }

    /// Waits for so many more.
    async fn go_on(&self, more: i64) {
        let goal = self.committed() + more;
        pitchey_testkit::wait_until("writes to go on", pitchey_testkit::SOON, async || {
            self.committed() >= goal
        })
        .await;
    }

    async fn stop(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.unwrap();
        usize::try_from(self.committed.load(Ordering::SeqCst)).unwrap()
    }
}
