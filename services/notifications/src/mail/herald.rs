use std::sync::Arc;

use pitchey_db::Tx;
use pitchey_events::{PitchId, UserId};
use pitchey_rpc::Pitches;
use tokio::sync::Notify;

use super::letter::{Letter, Named};
use super::words::one_line;
use super::worker::{Desk, Work};
use crate::consumers::{Bell, News, Notice};
use crate::error::Error;
use crate::ops::tell;
use crate::state::AppState;
use crate::store::announcements::{self, Announcement};

/// Followers who are told in one transaction.
const PAGE: i32 = 500;
const TITLE: usize = 200;

/// Tells the followers of who published something.
pub(super) struct Herald {
    desk: Desk,
    pitches: Pitches,
    mail_asked: Arc<Notify>,
}

/// How a page ended.
enum Page {
    /// There are more followers.
    More(Announcement),
    /// Everybody is told, or nobody is to be told any more.
    Done,
    /// Another worker has it now.
    Lost,
}

impl Work for Herald {
    const NAME: &'static str = "herald";

    async fn round(&self) -> Result<bool, Error> {
        let (now, until) = self.desk.lease();
        let mut tx = self.desk.db.begin().await?;
        let claimed = announcements::claim(&mut tx, &self.desk.name, now, until).await?;
        tx.commit().await?;
        let Some(mut announcement) = claimed else { return Ok(false) };
        loop {
            match self.page(&announcement).await {
                Ok(Ok(Page::More(further))) => announcement = further,
                Ok(Ok(Page::Done)) => {
                    let mut tx = self.desk.db.begin().await?;
                    announcements::finish(&mut tx, &self.desk.name, announcement.id, self.desk.clock.now())
                        .await?;
                    tx.commit().await?;
                    return Ok(true);
                }
                Ok(Ok(Page::Lost)) => return Ok(true),
                Ok(Err(error)) => return Err(error),
                Err(away) => {
                    tracing::warn!(error = %away, announcement = announcement.id, "pitches could not be asked who is to be told");
                    let again = self.desk.ask_again(announcement.attempts.saturating_add(1));
                    let mut tx = self.desk.db.begin().await?;
                    announcements::postpone(&mut tx, &self.desk.name, announcement.id, again).await?;
                    tx.commit().await?;
                    return Ok(false);
                }
            }
            if self.desk.stopping() {
                // The claim runs out, and somebody goes on from here.
                return Ok(false);
            }
        }
    }
}

impl Herald {
    pub(super) fn new(desk: Desk, state: &AppState) -> Self {
        Self { desk, pitches: state.pitches.clone(), mail_asked: Arc::clone(&state.mail_asked) }
    }

    /// Tells the next page of followers. What may no longer be shown to everybody is told to nobody more.
    async fn page(&self, announcement: &Announcement) -> Result<Result<Page, Error>, pitchey_rpc::Error> {
        let (pitch, owner) = (PitchId(announcement.pitch_id), UserId(announcement.owner_id));
        let glance = [(None, vec![pitch])];
        let (sights, followers) = tokio::try_join!(
            self.pitches.shown(&glance),
            self.pitches.followers(owner, UserId(announcement.reached), PAGE)
        )?;
        let (Some(sight), Some(last)) = (sights.into_iter().next(), followers.last().copied()) else {
            return Ok(Ok(Page::Done));
        };
        let title = one_line(&sight.title, TITLE);
        let bell = Bell::new("pitch_published", format!("“{title}” was published"))
            .about("pitchId", pitch.0)
            .about("ownerId", owner.0);
        let letter =
            Letter::FollowedCreatorPublished { pitch: Named { id: pitch, title: sight.title }, owner };
        let notices: Vec<Notice> = followers
            .iter()
            .filter(|follower| **follower != owner)
            .map(|follower| Notice::both(*follower, bell.clone(), letter.clone()))
            .collect();
        Ok(self.told(announcement, notices, last).await)
    }

    async fn told(
        &self,
        announcement: &Announcement,
        notices: Vec<Notice>,
        last: UserId,
    ) -> Result<Page, Error> {
        let (now, until) = self.desk.lease();
        let mut tx: Tx = self.desk.db.begin().await?;
        let told = i32::try_from(notices.len()).unwrap_or(i32::MAX);
        if !announcements::advance(&mut tx, &self.desk.name, announcement, last.0, told, until).await? {
            return Ok(Page::Lost);
        }
        // The request that published ended long ago.
        let news = News { event_id: announcement.event_id, traceparent: None, notices };
        tell::tell(&mut tx, &[news], &self.mail_asked, now).await?;
        tx.commit().await?;
        Ok(Page::More(Announcement { reached: last.0, attempts: 0, ..announcement.clone() }))
    }
}
