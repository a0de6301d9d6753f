use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pitchey_db::Tx;
use pitchey_events::{PitchId, UserId};
use pitchey_rpc::{Accounts, Pitches, PublicUser, Recipient};
use tokio::sync::Notify;

use super::letter::Letter;
use super::worker::{Desk, Work};
use super::writer::{Draft, Metadata, Writer};
use crate::error::Error;
use crate::state::AppState;
use crate::store::email_preferences::{self, Frequency, Preferences};
use crate::store::email_queue;
use crate::store::email_requests::{self, Request};

const BATCH: usize = 200;

/// Moves requests to the queue: with an address, names, and words.
pub(super) struct Addresser {
    desk: Desk,
    accounts: Accounts,
    pitches: Pitches,
    writer: Writer,
    mail_queued: Arc<Notify>,
}

/// What accounts said of the people in a batch.
struct People {
    recipients: HashMap<UserId, Recipient>,
    others: HashMap<UserId, PublicUser>,
    /// Titles of pitches, where a letter came without.
    titles: HashMap<PitchId, String>,
}

/// What is to become of the requests of a batch.
#[derive(Default)]
struct Decisions {
    mails: Vec<email_queue::New>,
    done: Vec<i64>,
    unreadable: Vec<i64>,
}

impl Work for Addresser {
    const NAME: &'static str = "addresser";

    async fn round(&self) -> Result<bool, Error> {
        let claimed = self.claim().await?;
        let more = claimed.len() == BATCH;
        // What a digest is to take needs no address yet.
        let requests = self.hold_back(claimed).await?;
        if requests.is_empty() {
            return Ok(more);
        }
        match self.ask(&requests).await {
            Ok(people) => self.settle(&requests, &people).await?,
            Err(error) => {
                tracing::warn!(%error, mails = requests.len(), "nobody could be asked where to send mail");
                self.postpone(&requests).await?;
            }
        }
        Ok(more)
    }
}

impl Addresser {
    pub(super) fn new(desk: Desk, state: &AppState, writer: Writer, mail_queued: Arc<Notify>) -> Self {
        let (accounts, pitches) = (state.accounts.clone(), state.pitches.clone());
        Self { desk, accounts, pitches, writer, mail_queued }
    }

    async fn claim(&self) -> Result<Vec<Request>, Error> {
        let (now, until) = self.desk.lease();
        let mut tx = self.desk.db.begin().await?;
        let requests = email_requests::claim(&mut tx, &self.desk.name, now, until, BATCH as i64).await?;
        tx.commit().await?;
        Ok(requests)
    }

    /// Leaves those of `requests` that are wanted in a digest, and returns the others.
    async fn hold_back(&self, requests: Vec<Request>) -> Result<Vec<Request>, Error> {
        if requests.is_empty() {
            return Ok(requests);
        }
        let mut tx = self.desk.db.begin().await?;
        let preferences = self.preferences(&mut tx, &requests).await?;
        let wanted = |request: &Request| match letter(request) {
            Some(letter) => frequency(&letter, request.user_id, &preferences),
            None => Frequency::Instant,
        };
        let ids = |rhythm| {
            requests.iter().filter(|one| wanted(one) == rhythm).map(|one| one.id).collect::<Vec<_>>()
        };
        let (daily, weekly) = (ids(Frequency::Daily), ids(Frequency::Weekly));
        email_requests::hold(&mut tx, &self.desk.name, &daily, "daily").await?;
        email_requests::hold(&mut tx, &self.desk.name, &weekly, "weekly").await?;
        tx.commit().await?;
        let held: HashSet<i64> = daily.into_iter().chain(weekly).collect();
        Ok(requests.into_iter().filter(|request| !held.contains(&request.id)).collect())
    }

    async fn preferences(
        &self,
        tx: &mut Tx,
        requests: &[Request],
    ) -> Result<HashMap<i32, Preferences>, Error> {
        let users: Vec<i32> = requests.iter().map(|request| request.user_id).collect();
        let rows = email_preferences::of(tx, &users).await?;
        Ok(rows.into_iter().map(|row| (row.user_id, row)).collect())
    }

    /// Two questions a batch, three where titles are missing.
    async fn ask(&self, requests: &[Request]) -> Result<People, pitchey_rpc::Error> {
        let to: HashSet<UserId> = requests.iter().map(|request| UserId(request.user_id)).collect();
        let letters: Vec<Letter> = requests.iter().filter_map(letter).collect();
        let others: HashSet<UserId> = letters.iter().filter_map(Letter::other).collect();
        let untitled: HashSet<PitchId> = letters
            .iter()
            .filter_map(|letter| letter.pitch().filter(|(_, title)| title.is_empty()).map(|(id, _)| id))
            .collect();
        let to: Vec<UserId> = to.into_iter().collect();
        let others: Vec<UserId> = others.into_iter().collect();
        let (recipients, others) =
            tokio::try_join!(self.accounts.recipients(&to), self.accounts.users_by_ids(&others))?;
        let sights = if untitled.is_empty() {
            Vec::new()
        } else {
            self.pitches.shown(&[(None, untitled.into_iter().collect())]).await?
        };
        Ok(People {
            recipients: recipients.into_iter().map(|recipient| (recipient.user_id, recipient)).collect(),
            others: others.into_iter().map(|user| (user.id, user)).collect(),
            titles: sights.into_iter().map(|sight| (sight.pitch_id, sight.title)).collect(),
        })
    }

    /// Nobody is to lose a mail because accounts was away for a day: this goes on for ever, and the age of the queue tells people.
    async fn postpone(&self, requests: &[Request]) -> Result<(), Error> {
        let ids: Vec<i64> = requests.iter().map(|request| request.id).collect();
        let attempts = requests.iter().map(|request| request.attempts).max().unwrap_or(0);
        let mut tx = self.desk.db.begin().await?;
        email_requests::postpone(
            &mut tx,
            &self.desk.name,
            &ids,
            self.desk.ask_again(attempts.saturating_add(1)),
        )
        .await?;
        Ok(tx.commit().await?)
    }

    async fn settle(&self, requests: &[Request], people: &People) -> Result<(), Error> {
        let ids: Vec<i64> = requests.iter().map(|request| request.id).collect();
        let mut tx = self.desk.db.begin().await?;
        let mine: HashSet<i64> =
            email_requests::still_claimed(&mut tx, &self.desk.name, &ids).await?.into_iter().collect();
        let preferences = self.preferences(&mut tx, requests).await?;

        let mut decisions = Decisions::default();
        for request in requests.iter().filter(|request| mine.contains(&request.id)) {
            self.decide(request, people, &preferences, &mut decisions);
        }
        email_queue::insert(&mut tx, &decisions.mails).await?;
        email_requests::delete(&mut tx, &decisions.done).await?;
        email_requests::postpone(&mut tx, &self.desk.name, &decisions.unreadable, self.desk.again(5)).await?;
        if !decisions.mails.is_empty() {
            tx.ring_after_commit(&self.mail_queued);
        }
        Ok(tx.commit().await?)
    }

    fn decide(
        &self,
        request: &Request,
        people: &People,
        preferences: &HashMap<i32, Preferences>,
        decisions: &mut Decisions,
    ) {
        let Some(mut letter) = letter(request) else {
            tracing::error!(
                request = request.id,
                template = request.template,
                "a mail request that can't be read"
            );
            return decisions.unreadable.push(request.id);
        };
        let recipient = people.recipients.get(&UserId(request.user_id));
        let reached = |recipient: &&Recipient| recipient.active || recipient.closing && letter.is_farewell();
        let Some(recipient) = recipient.filter(reached) else {
            tracing::info!(
                request = request.id,
                template = request.template,
                "nobody is there to get this mail"
            );
            metrics::counter!("mail_dropped_total", "template" => letter.template()).increment(1);
            return decisions.done.push(request.id);
        };
        if let Letter::PitchViewed { pitch, .. } = &mut letter
            && pitch.title.is_empty()
        {
            pitch.title = people.titles.get(&pitch.id).cloned().unwrap_or_default();
        }
        // What was set to daily in this very moment comes at once, once more.
        let wanted = frequency(&letter, request.user_id, preferences) != Frequency::Never;
        match self.mail(request, &letter, recipient, people, wanted) {
            Ok(mail) => {
                decisions.mails.push(mail);
                decisions.done.push(request.id);
            }
            Err(error) => {
                tracing::error!(request = request.id, template = request.template, %error, "a template failed");
                decisions.unreadable.push(request.id);
            }
        }
    }

    fn mail(
        &self,
        request: &Request,
        letter: &Letter,
        recipient: &Recipient,
        people: &People,
        wanted: bool,
    ) -> Result<email_queue::New, minijinja::Error> {
        let other = letter.other().and_then(|other| people.others.get(&other));
        let mail_request = letter.mail_request();
        let placeholders = Writer::placeholders(letter.category(), mail_request.is_some());
        let rendered = self.writer.renderer.render(letter, &recipient.name, other, &placeholders)?;
        let draft = Draft {
            dedupe_key: format!("{}/{}", request.event_id, request.user_id),
            user_id: request.user_id,
            to: &recipient.email,
            template: letter.template(),
            priority: letter.priority(),
            metadata: Metadata {
                category: letter.category(),
                token_request_id: mail_request.map(|request| request.0),
                placeholders,
                digest: None,
            },
            rendered,
            wanted,
        };
        Ok(self.writer.row(draft, self.desk.clock.now()))
    }
}

fn frequency(letter: &Letter, user: i32, preferences: &HashMap<i32, Preferences>) -> Frequency {
    match preferences.get(&user) {
        Some(preferences) => letter.category().frequency(preferences),
        None => letter.category().frequency(&Preferences::of_nobody_yet(UserId(user))),
    }
}

pub(super) fn letter(request: &Request) -> Option<Letter> {
    serde_json::from_value(request.letter.clone()).ok()
}
