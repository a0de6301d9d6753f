use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Subjects with an event the broker did not take. Their later events wait too, so that each subject's order stays what it was.
#[derive(Debug, Default)]
pub(super) struct Waiting(HashMap<String, Instant>);

impl Waiting {
    pub fn new(subjects: impl IntoIterator<Item = (String, Duration)>) -> Self {
        let now = Instant::now();
        Self(subjects.into_iter().map(|(subject, delay)| (subject, now + delay)).collect())
    }

    /// `attempts`: before the one that has just failed.
    pub fn add(&mut self, subject: String, attempts: i32) {
        self.0.insert(subject, Instant::now() + delay(attempts));
    }

    /// Those whose time has not come.
    pub fn subjects(&mut self) -> Vec<String> {
        let now = Instant::now();
        self.0.retain(|_, until| *until > now);
        self.0.keys().cloned().collect()
    }
}

/// 1 s, 2 s, 4 s, ... 1 min. The session writes the same into the row, for the next leader.
fn delay(attempts: i32) -> Duration {
    Duration::from_secs(1_u64 << attempts.clamp(0, 6)).min(Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_again_waits_longer_up_to_a_minute() {
        let delays = [0, 1, 2, 5, 6, 7, i32::MAX].map(|attempts| delay(attempts).as_secs());
        assert_eq!(delays, [1, 2, 4, 32, 60, 60, 60]);
    }

    #[test]
    fn a_subject_waits_until_its_time() {
        let mut waiting = Waiting::new([
            ("nda/1".to_owned(), Duration::ZERO),
            ("nda/2".to_owned(), Duration::from_secs(60)),
        ]);
        waiting.add("nda/3".to_owned(), 0);
        let mut subjects = waiting.subjects();
        subjects.sort();
        assert_eq!(subjects, ["nda/2", "nda/3"]);
    }
}
