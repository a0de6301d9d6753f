use std::collections::BTreeSet;

/// Which deliveries of a channel may be acknowledged. Their tags are 1, 2, 3, ...
#[derive(Debug)]
pub(super) struct Acks {
    /// Every tag up to this one has been acknowledged.
    settled: u64,
    finished: BTreeSet<u64>,
    /// Acknowledged one by one, ahead of an unfinished one.
    ahead: BTreeSet<u64>,
    /// So many may wait for an unfinished one before that is done.
    patience: usize,
}

/// An acknowledgement to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ack {
    pub tag: u64,
    /// Whether it stands for all before it, too.
    pub multiple: bool,
}

impl Acks {
    /// `patience`: one slow handler must not hold back the acknowledgements of so many others that the broker sends no more.
    pub const fn new(patience: usize) -> Self {
        Self { settled: 0, finished: BTreeSet::new(), ahead: BTreeSet::new(), patience }
    }

    pub fn finish(&mut self, tag: u64) {
        self.finished.insert(tag);
    }

    /// What is to be acknowledged now.
    pub fn take(&mut self) -> Vec<Ack> {
        let mut acks = Vec::new();
        let (mut up_to, mut last_finished) = (self.settled, None);
        loop {
            if self.finished.remove(&(up_to + 1)) {
                last_finished = Some(up_to + 1);
            } else if !self.ahead.remove(&(up_to + 1)) {
                break;
            }
            up_to += 1;
        }
        self.settled = up_to;
        // Tags acknowledged ahead must not be named a second time; those below are none of the broker's concern any more.
        acks.extend(last_finished.map(|tag| Ack { tag, multiple: true }));
        if self.finished.len() >= self.patience {
            let ahead = std::mem::take(&mut self.finished);
            acks.extend(ahead.iter().map(|&tag| Ack { tag, multiple: false }));
            self.ahead.extend(ahead);
        }
        acks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(acks: &mut Acks, finished: &[u64]) -> Vec<(u64, bool)> {
        finished.iter().for_each(|&tag| acks.finish(tag));
        acks.take().into_iter().map(|ack| (ack.tag, ack.multiple)).collect()
    }

    #[test]
    fn only_what_is_finished_without_a_gap_is_acknowledged() {
        let mut acks = Acks::new(10);
        assert_eq!(take(&mut acks, &[2, 3]), []);
        assert_eq!(take(&mut acks, &[1]), [(3, true)]);
        assert_eq!(take(&mut acks, &[]), []);
        assert_eq!(take(&mut acks, &[5, 4, 7]), [(5, true)]);
        assert_eq!(take(&mut acks, &[6]), [(7, true)]);
    }

    #[test]
    fn a_slow_one_does_not_hold_back_many() {
        let mut acks = Acks::new(3);
        assert_eq!(take(&mut acks, &[2, 3]), []);
        assert_eq!(take(&mut acks, &[4]), [(2, false), (3, false), (4, false)]);
        assert_eq!(take(&mut acks, &[1]), [(1, true)]);
        assert_eq!(take(&mut acks, &[5]), [(5, true)]);
    }

    #[test]
    fn any_order_acknowledges_each_tag_once() {
        // A fixed shuffle: 7 generates all residues of 101.
        let mut acks = Acks::new(5);
        let (mut acknowledged, mut finished) = (BTreeSet::new(), BTreeSet::new());
        for step in 1..=100_u64 {
            let tag = step * 7 % 101;
            acks.finish(tag);
            finished.insert(tag);
            for ack in acks.take() {
                let tags = if ack.multiple { 1..=ack.tag } else { ack.tag..=ack.tag };
                let new: Vec<_> = tags.filter(|tag| !acknowledged.contains(tag)).collect();
                assert!(new.contains(&ack.tag), "{ack:?} names a tag the broker has forgotten");
                assert!(
                    new.iter().all(|tag| finished.contains(tag)),
                    "{ack:?} acknowledges what is not finished"
                );
                acknowledged.extend(new);
            }
        }
        assert_eq!(acknowledged, (1..=100).collect());
    }
}
