//! What became of requests.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::Result;

/// Between two looks.
#[derive(Default)]
pub struct Tally {
    /// How long each took from its first try to its success, in the order of their ends.
    pub reads: Vec<Duration>,
    /// Likewise.
    pub writes: Vec<Duration>,
    /// Tries without success, by what was asked and what came; all of them were repeated.
    pub failed_reads: BTreeMap<String, u32>,
    /// Likewise.
    pub failed_writes: BTreeMap<String, u32>,
    /// Requests that no repetition helped.
    pub lost: Vec<String>,
    /// First and last try without success.
    pub bad: Option<(Instant, Instant)>,
}

/// What may fail once in a while.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// No try of any request.
    Nothing,
    /// Tries of writes: a client repeats them with their key, and they happen once.
    RepeatedWrites,
    /// Tries of any request while what is needed for it is away.
    Repeats,
}

impl Tally {
    /// Notes a try without success.
    pub fn failed(&mut self, is_write: bool, what: String) {
        let now = Instant::now();
        self.bad = Some((self.bad.map_or(now, |(first, _)| first), now));
        let tries = if is_write { &mut self.failed_writes } else { &mut self.failed_reads };
        *tries.entry(what).or_default() += 1;
    }

    /// How long it was from the first try without success to the last.
    pub fn gap(&self) -> Duration {
        self.bad.map_or(Duration::ZERO, |(first, last)| last - first)
    }

    /// One line about it; an error if anything is in it that is not allowed.
    pub fn judge(&self, allowed: Allowed) -> Result<String> {
        if let Some(lost) = self.lost.first() {
            return Err(format!("{} requests were never answered, the first: {lost}", self.lost.len()).into());
        }
        if self.reads.is_empty() || self.writes.is_empty() {
            return Err("there was no load".into());
        }
        if allowed != Allowed::Repeats && !self.failed_reads.is_empty() {
            return Err(format!("failed reads: {:?}", self.failed_reads).into());
        }
        if allowed == Allowed::Nothing && !self.failed_writes.is_empty() {
            return Err(format!("failed writes: {:?}", self.failed_writes).into());
        }
        let mut line = format!(
            "{} reads, p99 {}, slowest {}; {} writes, slowest {}",
            self.reads.len(),
            ms(percentile(&self.reads, 99)),
            ms(percentile(&self.reads, 100)),
            self.writes.len(),
            ms(percentile(&self.writes, 100)),
        );
        let tries: Vec<_> = self.failed_reads.iter().chain(&self.failed_writes).collect();
        if tries.is_empty() {
            line += "; none failed";
        } else {
            let tries: Vec<_> = tries.into_iter().map(|(what, count)| format!("{count} x {what}")).collect();
            line += &format!("; repeated: {}", tries.join(", "));
        }
        Ok(line)
    }
}

/// In milliseconds.
pub fn ms(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percent).div_ceil(100).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Tally {
        Tally {
            reads: vec![Duration::from_millis(2)],
            writes: vec![Duration::from_millis(3)],
            ..Tally::default()
        }
    }

    #[test]
    fn silence_is_no_success() {
        assert!(Tally::default().judge(Allowed::Repeats).is_err());
        assert!(some().judge(Allowed::Nothing).unwrap().ends_with("none failed"));
    }

    #[test]
    fn what_failed_is_judged_by_what_is_allowed() {
        let mut write = some();
        write.failed(true, "POST: 502".to_owned());
        assert!(write.judge(Allowed::Nothing).is_err());
        assert!(write.judge(Allowed::RepeatedWrites).unwrap().contains("1 x POST: 502"));
        let mut read = some();
        read.failed(false, "GET: 503".to_owned());
        assert!(read.judge(Allowed::RepeatedWrites).is_err());
        assert!(read.judge(Allowed::Repeats).is_ok());
        read.lost.push("GET".to_owned());
        assert!(read.judge(Allowed::Repeats).is_err());
    }

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&times, 100), Duration::from_millis(200));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
