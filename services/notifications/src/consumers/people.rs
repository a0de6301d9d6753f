//! What people do around pitches and to one another.

use chrono::{DateTime, Utc};
use pitchey_events::{
    Envelope, InvestmentTracked, PitchCommented, PitchFollowed, PitchLiked, PitchViewsCounted,
    ReportResolved, UserFollowed, UserId,
};

use super::{Bell, Notice, TITLE, Tells};
use crate::mail::{Letter, one_line};

/// What is done, undone and done again within a day is told once.
fn on_the_day(at: DateTime<Utc>) -> String {
    at.date_naive().to_string()
}

fn unless_own(owner: UserId, actor: UserId, notice: Notice) -> Vec<Notice> {
    if owner == actor { Vec::new() } else { vec![notice] }
}

impl Tells for UserFollowed {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { user_id, follower_id } = envelope.event;
        let bell = Bell::new("new_follower", "You have a new follower").about("followerId", follower_id.0);
        let letter = Letter::NewFollower { follower: follower_id, pitch: None };
        let what = format!("follow/{user_id}/{follower_id}/{}", on_the_day(envelope.occurred_at));
        unless_own(user_id, follower_id, Notice::both(user_id, bell, letter).once_for(&what))
    }
}

impl Tells for PitchFollowed {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { pitch_id, owner_id, pitch_title, follower_id } = &envelope.event;
        let title = one_line(pitch_title, TITLE);
        let bell = Bell::new("pitch_followed", format!("“{title}” is on somebody's watch list"))
            .about("pitchId", pitch_id.0)
            .about("followerId", follower_id.0);
        let pitch = Some(crate::mail::Named { id: *pitch_id, title: pitch_title.clone() });
        let letter = Letter::NewFollower { follower: *follower_id, pitch };
        let what = format!("watch/{pitch_id}/{follower_id}/{}", on_the_day(envelope.occurred_at));
        unless_own(*owner_id, *follower_id, Notice::both(*owner_id, bell, letter).once_for(&what))
    }
}

impl Tells for PitchLiked {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { pitch_id, owner_id, pitch_title, user_id } = &envelope.event;
        let bell = Bell::new("pitch_liked", format!("Somebody likes “{}”", one_line(pitch_title, TITLE)))
            .about("pitchId", pitch_id.0)
            .about("userId", user_id.0);
        let what = format!("like/{pitch_id}/{user_id}/{}", on_the_day(envelope.occurred_at));
        unless_own(*owner_id, *user_id, Notice::in_app(*owner_id, bell).once_for(&what))
    }
}

impl Tells for PitchCommented {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { pitch_id, owner_id, pitch_title, comment_id, author_id } = &envelope.event;
        let headline = format!("New comment on “{}”", one_line(pitch_title, TITLE));
        let bell = Bell::new("pitch_commented", headline)
            .about("pitchId", pitch_id.0)
            .about("commentId", *comment_id)
            .about("userId", author_id.0);
        unless_own(*owner_id, *author_id, Notice::in_app(*owner_id, bell))
    }
}

impl Tells for PitchViewsCounted {
    /// By mail only, and once a day, however often it is looked at.
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { pitch_id, views, owner_id, pitch_title, .. } = &envelope.event;
        let Some(owner_id) = owner_id else { return Vec::new() };
        let title = pitch_title.clone().unwrap_or_default();
        let pitch = crate::mail::Named { id: *pitch_id, title };
        let notice = Notice::by_mail(*owner_id, Letter::PitchViewed { pitch, views: *views });
        vec![notice.once_for(&format!("views/{pitch_id}/{}", on_the_day(envelope.occurred_at)))]
    }
}

impl Tells for InvestmentTracked {
    /// That, not how much: the amount is the buyer's own business.
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { investment_id, pitch_id, pitch_title, owner_id, investor_id } = &envelope.event;
        let headline = format!("Somebody tracks an investment in “{}”", one_line(pitch_title, TITLE));
        let bell = Bell::new("investment_tracked", headline)
            .about("pitchId", pitch_id.0)
            .about("investmentId", investment_id.0)
            .about("userId", investor_id.0);
        unless_own(*owner_id, *investor_id, Notice::in_app(*owner_id, bell))
    }
}

impl Tells for ReportResolved {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { report_id, reporter_id, target_type, outcome, .. } = &envelope.event;
        let upheld = outcome == "upheld";
        let body = if upheld {
            "We agree, and have acted."
        } else {
            "We looked at it, and see no breach of the rules."
        };
        let bell = Bell::new("report_resolved", "Your report was decided")
            .saying(body)
            .about("reportId", *report_id);
        let letter = Letter::ReportOutcome { about_pitch: target_type == "pitch", upheld };
        vec![Notice::both(*reporter_id, bell, letter)]
    }
}
