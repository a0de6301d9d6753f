use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rand::RngExt;
use tokio_util::sync::CancellationToken;

use crate::error::Error;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Short, since a refused connection costs little and what waits behind a restarted broker is people's mail.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const REMIND_EVERY: Duration = Duration::from_secs(30);
/// A task that lived this long had no trouble connecting.
const SETTLED: Duration = Duration::from_secs(5);

/// Runs `role` again and again until it ends without an error, which it does when `stop` is cancelled. Between two runs it holds no connection.
pub(crate) async fn supervise<F>(name: &'static str, stop: CancellationToken, role: impl Fn() -> F)
where
    F: Future<Output = Result<(), Error>>,
{
    let mut pause = FIRST_PAUSE;
    let mut told: Option<(String, Instant)> = None;
    loop {
        let begun = Instant::now();
        let error = match AssertUnwindSafe(role()).catch_unwind().await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked".to_owned(),
        };
        if stop.is_cancelled() {
            return;
        }
        if begun.elapsed() > SETTLED {
            pause = FIRST_PAUSE;
            told = None;
        }
        // Once for each new trouble, and a reminder now and then.
        if told.as_ref().is_none_or(|(what, at)| *what != error || at.elapsed() > REMIND_EVERY) {
            tracing::warn!(role = name, error, "the bus begins anew");
            told = Some((error, Instant::now()));
        }
        let jittered = pause.mul_f64(rand::rng().random_range(0.5..1.0));
        if stop.run_until_cancelled(tokio::time::sleep(jittered)).await.is_none() {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
