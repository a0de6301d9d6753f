use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use pitchey_events::{MailRequestId, PitchId, UserId};
use pitchey_rpc::{Accounts, Pitches};
use pitchey_web::Refusal;
use serde_json::json;

use super::Transport;
use super::letter::Category;
use super::message::{List, Outgoing};
use super::render::{Placeholders, Renderer};
use super::transport::NotSent;
use super::unsubscribe::{Unsubscriber, Unsubscription};
use super::worker::{Desk, Work};
use super::writer::Metadata;
use crate::error::Error;
use crate::ops::reports;
use crate::state::AppState;
use crate::store::email_events::{self, Event};
use crate::store::email_queue::{self, Mail, Status};
use crate::store::email_suppressions::{self, Reason, Suppression};

/// All of a batch are sent side by side: a mail whose attempt has begun is never one that only waits for its turn.
const BATCH: usize = 10;
/// Attempts a mail gets.
const ATTEMPTS: i32 = 5;
/// Attempts whose end nobody learned, as the worker died or the server fell silent, before a mail is left alone: the first may have sent it,
/// so may the second.
const VANISHED: i16 = 2;
/// Longest pause before another try to write down that a mail was sent.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// Longest error that is kept.
const ERROR: usize = 500;

/// Hands queued mails to the transport.
pub(super) struct Sender {
    desk: Desk,
    accounts: Accounts,
    pitches: Pitches,
    unsubscriber: Unsubscriber,
    renderer: Renderer,
    transport: Transport,
}

/// A mail in hand, with what is known of it.
struct Job {
    mail: Mail,
    /// `None`: it can't be read.
    metadata: Option<Metadata>,
}

/// Which reader may know of which pitch now.
type Shown = HashSet<(i32, PitchId)>;

/// Why a mail goes no further in this round.
enum Stop {
    /// Somebody who must be asked is away: no attempt began.
    Wait(String),
    Later(String),
    Unknown(String),
    Bounced(String),
    BouncedSoftly(String),
    Never(Status, String),
}

impl Work for Sender {
    const NAME: &'static str = "sender";

    async fn round(&self) -> Result<bool, Error> {
        let (mails, suppressed) = self.claim().await?;
        let claimed = mails.len();
        let jobs: Vec<Job> = mails.into_iter().map(Job::new).collect();
        let shown = self.shown(&jobs).await;
        let prepared: Vec<_> = stream::iter(jobs)
            .map(|job| async {
                let outgoing = self.prepare(&job, &suppressed, &shown).await;
                (job.mail, outgoing)
            })
            .buffer_unordered(BATCH)
            .collect()
            .await;
        let mut ready = Vec::new();
        for (mail, outgoing) in prepared {
            match outgoing {
                Ok(outgoing) => ready.push((mail, outgoing)),
                Err(stop) => self.stop(&mail, mail.attempts, stop).await?,
            }
        }
        let begun = self.begin(&ready).await?;
        ready.retain(|(mail, _)| begun.contains(&mail.id));
        let ends: Vec<Result<(), Error>> = stream::iter(ready)
            .map(|(mail, outgoing)| async move { self.send(&mail, &outgoing).await })
            .buffer_unordered(BATCH)
            .collect()
            .await;
        ends.into_iter().collect::<Result<(), Error>>()?;
        Ok(claimed == BATCH)
    }
}

impl Sender {
    pub(super) fn new(desk: Desk, state: &AppState, renderer: Renderer, transport: Transport) -> Self {
        let (accounts, pitches) = (state.accounts.clone(), state.pitches.clone());
        let unsubscriber = state.unsubscriber.clone();
        Self { desk, accounts, pitches, unsubscriber, renderer, transport }
    }

    /// Mails to be sent, and what stands against their addresses.
    async fn claim(&self) -> Result<(Vec<Mail>, HashMap<String, Suppression>), Error> {
        let (now, until) = self.desk.lease();
        let mut tx = self.desk.db.begin().await?;
        let mails = email_queue::claim(&mut tx, &self.desk.name, now, until, BATCH as i64).await?;
        let addresses: Vec<String> = mails.iter().map(|mail| mail.to_email.to_lowercase()).collect();
        let suppressed = email_suppressions::among(&mut tx, &addresses).await?;
        tx.commit().await?;
        Ok((mails, suppressed.into_iter().map(|row| (row.email.clone(), row)).collect()))
    }

    /// What the readers of digests in hand may know of now: one question for all of them. `Err`: nobody can say.
    async fn shown(&self, jobs: &[Job]) -> Result<Shown, String> {
        let glances: Vec<(Option<UserId>, Vec<PitchId>)> = jobs
            .iter()
            .filter_map(|job| {
                let digest = job.metadata.as_ref()?.digest.as_ref()?;
                Some((Some(UserId(job.mail.user_id?)), digest.pitches().collect::<Vec<_>>()))
            })
            .filter(|(_, pitches)| !pitches.is_empty())
            .collect();
        if glances.is_empty() {
            return Ok(Shown::new());
        }
        let sights = self.pitches.shown(&glances).await.map_err(|error| error.to_string())?;
        Ok(sights.into_iter().filter_map(|sight| Some((sight.viewer?.0, sight.pitch_id))).collect())
    }

    /// The mail with its tokens, and without what may no longer be shown.
    async fn prepare(
        &self,
        job: &Job,
        suppressed: &HashMap<String, Suppression>,
        shown: &Result<Shown, String>,
    ) -> Result<Outgoing, Stop> {
        let mail = &job.mail;
        if mail.open_attempts >= VANISHED {
            let why = "two attempts had no answer; it may have arrived";
            return Err(Stop::Never(Status::Failed, why.to_owned()));
        }
        if mail.attempts >= ATTEMPTS {
            let why = mail.error.clone().unwrap_or_else(|| "no attempt is left".to_owned());
            return Err(Stop::Never(Status::Failed, why));
        }
        let Some(metadata) = &job.metadata else {
            return Err(Stop::Never(Status::Failed, "its metadata can't be read".to_owned()));
        };
        if let Some(suppression) = suppressed.get(&mail.to_email.to_lowercase()) {
            may_be_sent(suppression, metadata.category)?;
        }
        let (mut text, mut html) = self.bodies(mail, metadata, shown)?;
        let mut put = |placeholder: &str, token: &str| {
            text = text.replace(placeholder, token);
            html = html.replace(placeholder, token);
        };
        let Placeholders { token, unsubscribe } = &metadata.placeholders;
        if let (Some(request), Some(placeholder)) = (metadata.token_request_id, token) {
            put(placeholder, &self.token(mail, MailRequestId(request)).await?);
        }
        let mut list = None;
        if let (Some(placeholder), Some(user)) = (unsubscribe, mail.user_id) {
            let said = Unsubscription { user: UserId(user), category: metadata.category, email: mail.id };
            if let Some(token) = self.unsubscriber.token(said) {
                put(placeholder, &token);
                let unsubscribe = self.renderer.unsubscribe_link(&token);
                list = Some(List { category: metadata.category, unsubscribe });
            }
        }
        Ok(Outgoing {
            id: mail.id,
            to: mail.to_email.clone(),
            from: mail.from_email.clone(),
            subject: mail.subject.clone(),
            template: mail.template.clone(),
            text,
            html,
            message_id: mail.message_id.clone(),
            created_at: mail.created_at,
            list,
        })
    }

    /// Text and HTML: those of the queue, but for a digest of which something may no longer be shown.
    fn bodies(
        &self,
        mail: &Mail,
        metadata: &Metadata,
        shown: &Result<Shown, String>,
    ) -> Result<(String, String), Stop> {
        if let (Some(digest), Some(user)) = (&metadata.digest, mail.user_id) {
            let mut digest = digest.clone();
            if digest.pitches().next().is_some() {
                let shown = shown.as_ref().map_err(|error| Stop::Wait(error.clone()))?;
                if digest.keep_only(|pitch| shown.contains(&(user, pitch))) {
                    if digest.is_empty() {
                        return Err(Stop::Never(
                            Status::Failed,
                            "nothing of it may be shown any more".to_owned(),
                        ));
                    }
                    let rendered = self
                        .renderer
                        .render_digest(&digest, &metadata.placeholders)
                        .map_err(|error| Stop::Never(Status::Failed, error.to_string()))?;
                    return Ok((rendered.text, rendered.html));
                }
            }
        }
        match (&mail.text_content, &mail.html_content) {
            (Some(text), Some(html)) => Ok((text.clone(), html.clone())),
            _ => Err(Stop::Never(Status::Failed, "its bodies are gone".to_owned())),
        }
    }

    async fn token(&self, mail: &Mail, request: MailRequestId) -> Result<String, Stop> {
        match self.accounts.mail_token(request).await {
            // It was promised to one address; should that have changed since, it is not for the one in the queue.
            Ok(promised) if !promised.recipient.email.eq_ignore_ascii_case(&mail.to_email) => {
                Err(Stop::Never(Status::Failed, "the token was promised to another address".to_owned()))
            }
            Ok(promised) => Ok(promised.token),
            Err(pitchey_rpc::Error::NotFound { .. }) => {
                Err(Stop::Never(Status::Failed, "the token was used or is too old".to_owned()))
            }
            Err(error) => Err(Stop::Wait(error.to_string())),
        }
    }

    /// Says that an attempt begins with those of `ready` that are still ours; these are returned.
    async fn begin(&self, ready: &[(Mail, Outgoing)]) -> Result<HashSet<i64>, Error> {
        if ready.is_empty() {
            return Ok(HashSet::new());
        }
        let ids: Vec<i64> = ready.iter().map(|(mail, _)| mail.id).collect();
        let (now, until) = self.desk.lease();
        let mut tx = self.desk.db.begin().await?;
        let begun = email_queue::begin_attempt(&mut tx, &self.desk.name, &ids, now, until).await?;
        tx.commit().await?;
        Ok(begun.into_iter().collect())
    }

    async fn send(&self, mail: &Mail, outgoing: &Outgoing) -> Result<(), Error> {
        let attempts = mail.attempts + 1;
        match self.transport.send(outgoing).await {
            Ok(()) => {
                self.note_sent(mail, attempts).await?;
                metrics::counter!("mail_sent_total", "template" => mail.template.clone()).increment(1);
                tracing::debug!(mail = mail.id, template = mail.template, "sent");
                Ok(())
            }
            Err(not_sent) => {
                let stop = match not_sent {
                    NotSent::Later(error) | NotSent::MailboxLater(error) if attempts < ATTEMPTS => {
                        Stop::Later(error)
                    }
                    NotSent::Unknown(error) if attempts < ATTEMPTS => Stop::Unknown(error),
                    NotSent::Bounced(error) => Stop::Bounced(error),
                    NotSent::BouncedSoftly(error) | NotSent::MailboxLater(error) => {
                        Stop::BouncedSoftly(error)
                    }
                    NotSent::Later(error) | NotSent::Unknown(error) | NotSent::Never(error) => {
                        Stop::Never(Status::Failed, error)
                    }
                };
                self.stop(mail, attempts, stop).await
            }
        }
    }

    /// Writes down that the server took `mail`. While the database is away this is tried again for some seconds: unwritten, it would be sent again.
    async fn note_sent(&self, mail: &Mail, attempts: i32) -> Result<(), Error> {
        let mut pause = Duration::from_millis(250);
        loop {
            match self.write_sent(mail, attempts).await {
                Err(Error::Refused(Refusal::Database(pitchey_db::Error::Unavailable(_))))
                    if pause <= LONGEST_PAUSE =>
                {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                written => return written,
            }
        }
    }

    async fn write_sent(&self, mail: &Mail, attempts: i32) -> Result<(), Error> {
        let now = self.desk.clock.now();
        let mut tx = self.desk.db.begin().await?;
        if email_queue::sent(&mut tx, mail.id, now).await? {
            let metadata = Some(json!({ "attempt": attempts }));
            email_events::insert(&mut tx, mail.id, Event::Sent, now, metadata).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Writes down why `mail` goes no further now.
    async fn stop(&self, mail: &Mail, attempts: i32, stop: Stop) -> Result<(), Error> {
        let (worker, id, now) = (&self.desk.name, mail.id, self.desk.clock.now());
        let mut tx = self.desk.db.begin().await?;
        let mut kind = None;
        let (event, mine, error) = match stop {
            Stop::Wait(error) => {
                let (error, again) = (short(&error), self.desk.wait(now - mail.created_at));
                (None, email_queue::defer(&mut tx, worker, id, again, &error, false).await?, error)
            }
            Stop::Later(error) => {
                let (error, again) = (short(&error), self.desk.again(attempts));
                let mine = email_queue::defer(&mut tx, worker, id, again, &error, true).await?;
                (Some(Event::Deferred), mine, error)
            }
            // The attempt stays open: as if the worker had died.
            Stop::Unknown(error) => {
                let (error, again) = (short(&error), self.desk.again(attempts));
                let mine = email_queue::defer(&mut tx, worker, id, again, &error, false).await?;
                (Some(Event::Deferred), mine, error)
            }
            Stop::Bounced(error) => {
                let error = short(&error);
                email_suppressions::suppress(&mut tx, &mail.to_email, Reason::HardBounce, id, now).await?;
                let mine = email_queue::give_up(&mut tx, worker, id, Status::Bounced, &error).await?;
                kind = Some("hard");
                (Some(Event::Bounced), mine, error)
            }
            Stop::BouncedSoftly(error) => {
                let error = short(&error);
                let mine = email_queue::give_up(&mut tx, worker, id, Status::Bounced, &error).await?;
                kind = Some("soft");
                (Some(Event::Bounced), mine, error)
            }
            Stop::Never(status, error) => {
                let error = short(&error);
                let mine = email_queue::give_up(&mut tx, worker, id, status, &error).await?;
                (Some(Event::Failed), mine, error)
            }
        };
        if let (Some(event), true) = (event, mine) {
            let mut metadata = json!({ "attempt": attempts, "error": error });
            if let Some(kind) = kind {
                metadata["kind"] = json!(kind);
            }
            email_events::insert(&mut tx, id, event, now, Some(metadata)).await?;
            if kind == Some("soft") {
                reports::soft_bounce(&mut tx, &mail.to_email, id, now).await?;
            }
        }
        tx.commit().await?;
        let (metric, outcome) = match event {
            None | Some(Event::Deferred) => ("mail_deferred_total", "a mail is tried again later"),
            Some(_) => ("mail_failed_total", "a mail is given up"),
        };
        metrics::counter!(metric, "template" => mail.template.clone()).increment(1);
        // The server's words may name the recipient: they are in the queue, not in the log.
        tracing::warn!(mail = id, template = mail.template, attempts, "{outcome}");
        Ok(())
    }
}

impl Job {
    fn new(mail: Mail) -> Self {
        let metadata = mail.metadata.clone().and_then(|metadata| serde_json::from_value(metadata).ok());
        Self { mail, metadata }
    }
}

/// Whether a suppression lets mails of `category` through.
fn may_be_sent(suppression: &Suppression, category: Category) -> Result<(), Stop> {
    if category == Category::Transactional && suppression.keep_transactional {
        return Ok(());
    }
    let bounced = suppression.reason.ends_with("bounce") || suppression.reason.ends_with("bounces");
    let status = if bounced { Status::Bounced } else { Status::Unsubscribed };
    Err(Stop::Never(status, format!("the address is suppressed: {}", suppression.reason)))
}

fn short(error: &str) -> String {
    error.chars().take(ERROR).collect()
}
