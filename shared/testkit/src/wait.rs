use std::panic::Location;
use std::time::{Duration, Instant};

/// How long to wait for what takes milliseconds on an idle machine, and on a busy one as long as a broker needs to declare everything for each test.
pub const SOON: Duration = Duration::from_secs(40);

const PAUSE: Duration = Duration::from_millis(10);

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not within `deadline`, naming `what` did not happen: `"the outbox to be empty"`.
#[track_caller]
pub fn wait_until(
    what: &str,
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> bool,
) -> impl Future<Output = ()> {
    wait_for(what, deadline, async move || condition().await.then_some(()))
}

/// Waits until `probe` finds something, and returns it.
///
/// # Panics
/// When it does not within `deadline`, naming `what` did not happen.
#[track_caller]
pub fn wait_for<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = T> {
    let caller = Location::caller();
    async move {
        let begun = Instant::now();
        let mut probes = 0;
        let looking = async {
            loop {
                probes += 1;
                if let Some(found) = probe().await {
                    return found;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        match tokio::time::timeout(deadline, looking).await {
            Ok(found) => found,
            Err(_) => panic!("{caller}: waited {:?} for {what} (looked {probes} times)", begun.elapsed()),
        }
    }
}
