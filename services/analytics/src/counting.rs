//! What counts as a view: one of a viewer and a pitch in 30 minutes. Pure: no database, no clock.

use chrono::{DateTime, TimeDelta, Utc};

/// Within this time of a counted view, looking again is the same view.
pub(crate) const WINDOW: TimeDelta = TimeDelta::minutes(30);
/// The longest a view takes, in seconds.
pub(crate) const LONGEST: i32 = 7_200;

/// Somebody looked at a pitch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) at: DateTime<Utc>,
    pub(crate) source: String,
    pub(crate) viewer_type: String,
    pub(crate) protected: bool,
    /// How long, if the client said.
    pub(crate) seconds: Option<i32>,
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
}

/// A view that counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counted {
    pub(crate) at: DateTime<Utc>,
    pub(crate) source: String,
    pub(crate) viewer_type: String,
    pub(crate) protected: bool,
    pub(crate) seconds: Option<i32>,
}

/// What looks change about a counted view that was there before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Longer {
    pub(crate) before: Counted,
    pub(crate) after: Counted,
}

/// What the looks of one viewer at one pitch amount to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// New views, in order, each with the look that opened it.
    pub(crate) opened: Vec<(Counted, Look)>,
    /// The latest view of before took longer or showed more than was known.
    pub(crate) longer: Option<Longer>,
    /// Looks from before the latest view, by more than the window: an earlier view, which is not known here, may be theirs.
    pub(crate) late: Vec<Look>,
}

impl Counted {
    fn open(look: &Look) -> Self {
        Self {
            at: look.at,
            source: look.source.clone(),
            viewer_type: look.viewer_type.clone(),
            protected: look.protected,
            seconds: None,
        }
        .with(look)
    }

    /// This view with one more look: time adds up, and what was shown once was shown.
    pub(crate) fn with(self, look: &Look) -> Self {
        let seconds = look
            .seconds
            .map(|more| self.seconds.unwrap_or_default().saturating_add(more.clamp(0, LONGEST)).min(LONGEST));
        Self { protected: self.protected || look.protected, seconds: seconds.or(self.seconds), ..self }
    }

    /// Whether looking at `at` belongs to this view.
    fn holds(&self, at: DateTime<Utc>) -> bool {
        (at - self.at).abs() < WINDOW
    }
}

/// Decides about `looks` of one viewer at one pitch, whose latest view so far is `latest`.
pub(crate) fn decide(latest: Option<Counted>, mut looks: Vec<Look>) -> Verdict {
    looks.sort_by_key(|look| look.at);
    let mut verdict = Verdict::default();
    let before = latest.clone();
    let mut current = latest;
    for look in looks {
        match current.take() {
            Some(view) if view.holds(look.at) => {
                let view = view.with(&look);
                if let Some((last, _)) = verdict.opened.last_mut() {
                    *last = view.clone();
                }
                current = Some(view);
            }
            Some(view) if look.at < view.at => {
                verdict.late.push(look);
                current = Some(view);
            }
            earlier => {
                if verdict.opened.is_empty() {
                    verdict.longer = longer(before.as_ref(), earlier);
                }
                let view = Counted::open(&look);
                verdict.opened.push((view.clone(), look));
                current = Some(view);
            }
        }
    }
    if verdict.opened.is_empty() {
        verdict.longer = longer(before.as_ref(), current);
    }
    verdict
}

fn longer(before: Option<&Counted>, after: Option<Counted>) -> Option<Longer> {
    let (before, after) = (before?.clone(), after?);
    (before != after).then_some(Longer { before, after })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn look(minutes: i64, seconds: Option<i32>, protected: bool) -> Look {
        let (source, viewer_type) = ("direct".to_owned(), "investor".to_owned());
        Look { at: at(minutes), source, viewer_type, protected, seconds, ip: None, user_agent: None }
    }

    fn opened(verdict: &Verdict) -> Vec<(i64, Option<i32>, bool)> {
        let minutes = |view: &Counted| (view.at - DateTime::UNIX_EPOCH).num_minutes();
        verdict.opened.iter().map(|(view, _)| (minutes(view), view.seconds, view.protected)).collect()
    }

    #[test]
    fn looking_again_within_half_an_hour_is_the_same_view() {
        let verdict = decide(None, vec![look(29, None, false), look(0, None, false), look(30, None, false)]);
        assert_eq!(opened(&verdict), [(0, None, false), (30, None, false)]);
        assert_eq!((verdict.longer, verdict.late.len()), (None, 0));
    }

    #[test]
    fn time_adds_up_to_two_hours_and_what_was_shown_once_was_shown() {
        let looks = vec![look(0, None, false), look(5, Some(4_000), true), look(9, Some(4_000), false)];
        assert_eq!(opened(&decide(None, looks)), [(0, Some(LONGEST), true)]);
        let silent = decide(None, vec![look(0, None, false), look(1, None, false)]);
        assert_eq!(opened(&silent), [(0, None, false)], "nobody said how long");
    }

    #[test]
    fn an_earlier_view_goes_on() {
        let (before, _) = decide(None, vec![look(0, Some(60), false)]).opened.remove(0);
        let verdict = decide(Some(before.clone()), vec![look(10, Some(30), true), look(45, None, false)]);
        let after = Counted { seconds: Some(90), protected: true, ..before.clone() };
        assert_eq!(verdict.longer, Some(Longer { before: before.clone(), after }));
        assert_eq!(opened(&verdict), [(45, None, false)]);
        assert_eq!(decide(Some(before), vec![look(10, None, false)]), Verdict::default(), "nothing changes");
    }

    #[test]
    fn what_comes_late_is_left_to_who_knows_more() {
        let latest = decide(None, vec![look(100, None, false)]).opened.remove(0).0;
        let verdict = decide(Some(latest), vec![look(71, None, false), look(70, None, false)]);
        assert_eq!(verdict.opened, []);
        assert_eq!(verdict.late, [look(70, None, false)], "71 is within half an hour of 100");
    }
}
