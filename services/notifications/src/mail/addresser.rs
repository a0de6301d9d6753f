use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pitchey_events::UserId;
use pitchey_rpc::{Accounts, PublicUser, Recipient};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

use super::letter::Letter;
use super::render::Renderer;
use super::transport::Unusable;
use super::worker::{Desk, Work};
use crate::error::Error;
use crate::settings::Settings;
use crate::state::AppState;
use crate::store::email_preferences::{self, Frequency, Preferences};
use crate::store::email_queue::{self, Status};
use crate::store::email_requests::{self, Request};

const BATCH: usize = 50;
const DEVELOPMENT_SENDER: &str = "Pitchey <no-reply@pitchey.test>";

/// Moves requests to the queue: with an address, names, and words.
pub(super) struct Addresser {
    desk: Desk,
    accounts: Accounts,
    renderer: Renderer,
    from: String,
    /// Of our Message-IDs.
    domain: String,
    mail_queued: Arc<Notify>,
}

/// What `email_queue.metadata` holds.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    /// The preference that rules it.
    pub(super) category: String,
    /// The token that accounts promised.
    pub(super) token_request_id: Option<Uuid>,
    pub(super) placeholders: Placeholders,
}

/// What stands in the bodies until the mail is sent.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Placeholders {
    pub(super) token: Option<String>,
}

/// What accounts said of the people in a batch.
struct People {
    recipients: HashMap<UserId, Recipient>,
    others: HashMap<UserId, PublicUser>,
}

/// What is to become of the requests of a batch.
#[derive(Default)]
struct Decisions {
    mails: Vec<email_queue::New>,
    daily: Vec<i64>,
    weekly: Vec<i64>,
    done: Vec<i64>,
    unreadable: Vec<i64>,
}

impl Work for Addresser {
    const NAME: &'static str = "addresser";

    async fn round(&self) -> Result<bool, Error> {
        let requests = self.claim().await?;
        if requests.is_empty() {
            return Ok(false);
        }
        match self.ask(&requests).await {
            Ok(people) => self.settle(&requests, &people).await?,
            Err(error) => {
                tracing::warn!(%error, mails = requests.len(), "accounts could not be asked where to send mail");
                self.postpone(&requests).await?;
            }
        }
        Ok(requests.len() == BATCH)
    }
}

impl Addresser {
    pub(super) fn new(
        desk: Desk,
        state: &AppState,
        settings: &Settings,
        mail_queued: Arc<Notify>,
    ) -> Result<Self, Unusable> {
        let from = match &settings.mail.from {
            Some(from) => from.clone(),
            None if settings.mode.is_development() => DEVELOPMENT_SENDER.to_owned(),
            None => return Err(Unusable::NoSender),
        };
        let domain =
            from.parse::<lettre::message::Mailbox>().map_err(Unusable::Sender)?.email.domain().to_owned();
        let renderer = Renderer::new(&settings.public_url)?;
        Ok(Self { desk, accounts: state.accounts.clone(), renderer, from, domain, mail_queued })
    }

    async fn claim(&self) -> Result<Vec<Request>, Error> {
        let (now, until) = self.desk.lease();
        let mut tx = self.desk.db.begin().await?;
        let requests = email_requests::claim(&mut tx, &self.desk.name, now, until, BATCH as i64).await?;
        tx.commit().await?;
        Ok(requests)
    }

    /// Two questions a batch.
    async fn ask(&self, requests: &[Request]) -> Result<People, pitchey_rpc::Error> {
        let to: HashSet<UserId> = requests.iter().map(|request| UserId(request.user_id)).collect();
        let others: HashSet<UserId> =
            requests.iter().filter_map(|request| letter(request)?.other()).collect();
        let to: Vec<UserId> = to.into_iter().collect();
        let others: Vec<UserId> = others.into_iter().collect();
        let (recipients, others) =
            tokio::try_join!(self.accounts.recipients(&to), self.accounts.users_by_ids(&others))?;
        Ok(People {
            recipients: recipients.into_iter().map(|recipient| (recipient.user_id, recipient)).collect(),
            others: others.into_iter().map(|user| (user.id, user)).collect(),
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
        let users: Vec<i32> = requests.iter().map(|request| request.user_id).collect();
        let mut tx = self.desk.db.begin().await?;
        let mine: HashSet<i64> =
            email_requests::still_claimed(&mut tx, &self.desk.name, &ids).await?.into_iter().collect();
        let preferences = email_preferences::of(&mut tx, &users).await?;
        let preferences: HashMap<i32, Preferences> =
            preferences.into_iter().map(|row| (row.user_id, row)).collect();

        let mut decisions = Decisions::default();
        for request in requests.iter().filter(|request| mine.contains(&request.id)) {
            self.decide(request, people, preferences.get(&request.user_id), &mut decisions);
        }
        email_queue::insert(&mut tx, &decisions.mails).await?;
        email_requests::hold(&mut tx, &decisions.daily, "daily").await?;
        email_requests::hold(&mut tx, &decisions.weekly, "weekly").await?;
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
        preferences: Option<&Preferences>,
        decisions: &mut Decisions,
    ) {
        let user = UserId(request.user_id);
        let Some(letter) = letter(request) else {
            tracing::error!(
                request = request.id,
                template = request.template,
                "a mail request that can't be read"
            );
            return decisions.unreadable.push(request.id);
        };
        let Some(recipient) = people.recipients.get(&user).filter(|recipient| recipient.active) else {
            tracing::info!(
                request = request.id,
                template = request.template,
                "nobody is there to get this mail"
            );
            metrics::counter!("mail_dropped_total", "template" => letter.template()).increment(1);
            return decisions.done.push(request.id);
        };
        let frequency = match preferences {
            Some(preferences) => letter.category().frequency(preferences),
            None => letter.category().frequency(&Preferences::of_nobody_yet(user)),
        };
        match frequency {
            Frequency::Daily => decisions.daily.push(request.id),
            Frequency::Weekly => decisions.weekly.push(request.id),
            Frequency::Instant | Frequency::Never => {
                let wanted = frequency == Frequency::Instant;
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
        }
    }

    /// The queue's row. For a mail nobody wants it says so, and has no bodies.
    fn mail(
        &self,
        request: &Request,
        letter: &Letter,
        recipient: &Recipient,
        people: &People,
        wanted: bool,
    ) -> Result<email_queue::New, minijinja::Error> {
        let now = self.desk.clock.now();
        let millis = now.timestamp_millis().max(0).unsigned_abs();
        let timestamp = uuid::Timestamp::from_unix(
            uuid::NoContext,
            millis / 1_000,
            u32::try_from(millis % 1_000 * 1_000_000).unwrap_or(0),
        );
        let id = Uuid::new_v7(timestamp);
        // Drawn for this mail, so that no name or title can contain it.
        let placeholder = format!("TOKEN-{}", Uuid::new_v4().simple());
        let other = letter.other().and_then(|other| people.others.get(&other));
        let rendered = self.renderer.render(letter, &recipient.name, other, &placeholder)?;
        let mail_request = letter.mail_request();
        let metadata = Metadata {
            category: letter.category().as_str().to_owned(),
            token_request_id: mail_request.map(|request| request.0),
            placeholders: Placeholders { token: mail_request.is_some().then_some(placeholder) },
        };
        Ok(email_queue::New {
            to_email: recipient.email.clone(),
            from_email: self.from.clone(),
            subject: rendered.subject,
            html_content: wanted.then_some(rendered.html),
            text_content: wanted.then_some(rendered.text),
            status: if wanted { Status::Pending } else { Status::Unsubscribed },
            priority: letter.priority(),
            error: (!wanted).then(|| format!("preference {} is never", metadata.category)),
            metadata: serde_json::to_value(&metadata).unwrap_or_default(),
            scheduled_for: now,
            user_id: request.user_id,
            template: letter.template(),
            dedupe_key: format!("{}/{}", request.event_id, request.user_id),
            message_id: format!("<{id}@{}>", self.domain),
        })
    }
}

fn letter(request: &Request) -> Option<Letter> {
    serde_json::from_value(request.letter.clone()).ok()
}
