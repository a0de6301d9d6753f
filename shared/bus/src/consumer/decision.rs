//! What becomes of a delivery: one pure function.

/// How an event's handling ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its effect is committed.
    Applied,
    /// It was applied before.
    Duplicate,
    /// A state older than one already seen.
    Stale,
    /// The message can't be read.
    Unreadable(String),
    /// No handler of this program takes its type; one of a newer replica may.
    Unknown,
    /// The handler says: try again.
    Transient(String),
    /// The handler says: this will never work.
    Permanent(String),
    /// The handler panicked.
    Panicked,
}

impl Outcome {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Unreadable(_) => "unreadable",
            Self::Unknown => "unknown",
            Self::Transient(_) => "transient",
            Self::Permanent(_) => "permanent",
            Self::Panicked => "panicked",
        }
    }
}

/// What is to be done with the delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Acknowledge it.
    Ack,
    /// Put it into the wait queue of this step, then acknowledge it.
    Retry(usize),
    /// Put it among the dead for this reason, then acknowledge it.
    Bury(String),
}

/// `attempts`: transient failures before this one. `steps`: how many wait queues there are.
pub(crate) fn decide(outcome: &Outcome, attempts: usize, steps: usize) -> Decision {
    let again = |why: &str| {
        if attempts < steps {
            Decision::Retry(attempts)
        } else {
            Decision::Bury(format!("failed {} times: {why}", attempts + 1))
        }
    };
    match outcome {
        Outcome::Applied | Outcome::Duplicate | Outcome::Stale => Decision::Ack,
        Outcome::Unreadable(why) => Decision::Bury(format!("unreadable: {why}")),
        Outcome::Permanent(why) => Decision::Bury(why.clone()),
        Outcome::Transient(why) => again(why),
        Outcome::Panicked => again("the handler panicked"),
        Outcome::Unknown => again("no handler for this type"),
    }
}

#[cfg(test)]
mod tests {
    use super::Decision::{Ack, Bury, Retry};
    use super::*;

    #[test]
    fn every_outcome_has_its_decision() {
        let text = str::to_owned;
        let table = [
            (Outcome::Applied, 0, Ack),
            (Outcome::Applied, 9, Ack),
            (Outcome::Duplicate, 0, Ack),
            (Outcome::Stale, 0, Ack),
            (Outcome::Unreadable(text("body")), 0, Bury(text("unreadable: body"))),
            (Outcome::Permanent(text("no such pitch")), 0, Bury(text("no such pitch"))),
            (Outcome::Permanent(text("no such pitch")), 2, Bury(text("no such pitch"))),
            (Outcome::Transient(text("busy")), 0, Retry(0)),
            (Outcome::Transient(text("busy")), 1, Retry(1)),
            (Outcome::Transient(text("busy")), 2, Retry(2)),
            (Outcome::Transient(text("busy")), 3, Bury(text("failed 4 times: busy"))),
            (Outcome::Panicked, 1, Retry(1)),
            (Outcome::Panicked, 3, Bury(text("failed 4 times: the handler panicked"))),
            (Outcome::Unknown, 0, Retry(0)),
            (Outcome::Unknown, 3, Bury(text("failed 4 times: no handler for this type"))),
        ];
        for (outcome, attempts, decision) in table {
            assert_eq!(decide(&outcome, attempts, 3), decision, "{outcome:?} after {attempts}");
        }
    }

    #[test]
    fn without_wait_queues_the_first_failure_is_the_last() {
        assert_eq!(decide(&Outcome::Panicked, 0, 0), Bury("failed 1 times: the handler panicked".to_owned()));
    }
}
