use pitchey_events::PitchId;
use serde::{Deserialize, Serialize};

use crate::store::email_digests::Rhythm;

/// What a digest tells: rendered when it is built, and kept beside its mail until that is sent, so that what may no longer be shown can be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Digest {
    pub(super) rhythm: Rhythm,
    /// How to address the reader.
    pub(super) name: String,
    pub(super) lines: Vec<Line>,
    /// Of a weekly one: what waits unread in the app.
    pub(super) unread: Vec<Line>,
    /// Lines that did not fit.
    pub(super) more: usize,
}

/// A line of a digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// What happened: the subject of its mail.
    pub(super) what: String,
    /// The pitch's title.
    pub(super) title: Option<String>,
    /// Who did it.
    pub(super) who: Option<String>,
    /// Where it leads, below the platform's address.
    pub(super) path: String,
    /// The pitch it is about: the line is shown only to who may know of that.
    pub(super) pitch_id: Option<PitchId>,
}

impl Digest {
    /// The pitches it speaks of.
    pub(super) fn pitches(&self) -> impl Iterator<Item = PitchId> {
        self.lines.iter().chain(&self.unread).filter_map(|line| line.pitch_id)
    }

    /// Leaves out what is about other pitches than those that `shown` says yes to. True if anything was.
    pub(super) fn keep_only(&mut self, shown: impl Fn(PitchId) -> bool) -> bool {
        let before = self.lines.len() + self.unread.len();
        let keep = |line: &Line| line.pitch_id.is_none_or(&shown);
        self.lines.retain(keep);
        self.unread.retain(keep);
        self.lines.len() + self.unread.len() < before
    }

    /// It says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.unread.is_empty()
    }
}
