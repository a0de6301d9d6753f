use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;
use futures_util::stream;
use pitchey_events::MailRequestId;
use pitchey_rpc::Accounts;
use serde_json::json;

use super::Transport;
use super::addresser::Metadata;
use super::message::Outgoing;
use super::transport::NotSent;
use super::worker::{Desk, Work};
use crate::error::Error;
use crate::store::email_events::{self, Event};
use crate::store::email_queue::{self, Mail, Status};
use crate::store::email_suppressions::{self, Suppression};

/// All of a batch are sent side by side: a mail whose attempt has begun is never one that only waits for its turn.
const BATCH: usize = 10;
/// Attempts a mail gets.
const ATTEMPTS: i32 = 5;
/// Attempts whose end nobody learned, as the worker died or the server fell silent, before a mail is left alone: the first may have sent it,
/// so may the second.
const VANISHED: i16 = 2;
/// Longest error that is kept.
const ERROR: usize = 500;

/// Hands queued mails to the transport.
pub(super) struct Sender {
    desk: Desk,
    accounts: Accounts,
    transport: Transport,
}

/// Why a mail goes no further in this round.
enum Stop {
    /// Accounts is away: no attempt began.
    Wait(String),
    Later(String),
    Unknown(String),
    Bounced(String),
    Never(Status, String),
}

impl Work for Sender {
    const NAME: &'static str = "sender";

    async fn round(&self) -> Result<bool, Error> {
        let (mails, suppressed) = self.claim().await?;
        let claimed = mails.len();
        let prepared: Vec<_> = stream::iter(mails)
            .map(|mail| async {
                let outgoing = self.prepare(&mail, &suppressed).await;
                (mail, outgoing)
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
    pub(super) const fn new(desk: Desk, accounts: Accounts, transport: Transport) -> Self {
        Self { desk, accounts, transport }
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

    /// The mail with its token.
    async fn prepare(
        &self,
        mail: &Mail,
        suppressed: &HashMap<String, Suppression>,
    ) -> Result<Outgoing, Stop> {
        if mail.open_attempts >= VANISHED {
            let why = "two attempts had no answer; it may have arrived";
            return Err(Stop::Never(Status::Failed, why.to_owned()));
        }
        if mail.attempts >= ATTEMPTS {
            let why = mail.error.clone().unwrap_or_else(|| "no attempt is left".to_owned());
            return Err(Stop::Never(Status::Failed, why));
        }
        let metadata: Metadata = mail
            .metadata
            .clone()
            .and_then(|metadata| serde_json::from_value(metadata).ok())
            .unwrap_or_default();
        if let Some(suppression) = suppressed.get(&mail.to_email.to_lowercase()) {
            let transactional = metadata.category == super::letter::Category::Transactional.as_str();
            if !(transactional && suppression.keep_transactional) {
                let status =
                    if suppression.reason.ends_with("bounce") || suppression.reason.ends_with("bounces") {
                        Status::Bounced
                    } else {
                        Status::Unsubscribed
                    };
                return Err(Stop::Never(
                    status,
                    format!("the address is suppressed: {}", suppression.reason),
                ));
            }
        }
        let (Some(mut text), Some(mut html)) = (mail.text_content.clone(), mail.html_content.clone()) else {
            return Err(Stop::Never(Status::Failed, "its bodies are gone".to_owned()));
        };
        if let (Some(request), Some(placeholder)) = (metadata.token_request_id, metadata.placeholders.token) {
            let token = self.token(mail, MailRequestId(request)).await?;
            text = text.replace(&placeholder, &token);
            html = html.replace(&placeholder, &token);
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
        })
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
                let now = self.desk.clock.now();
                let mut tx = self.desk.db.begin().await?;
                if email_queue::sent(&mut tx, mail.id, now).await? {
                    email_events::insert(
                        &mut tx,
                        mail.id,
                        Event::Sent,
                        now,
                        Some(json!({ "attempt": attempts })),
                    )
                    .await?;
                }
                tx.commit().await?;
                metrics::counter!("mail_sent_total", "template" => mail.template.clone()).increment(1);
                tracing::debug!(mail = mail.id, template = mail.template, "sent");
                Ok(())
            }
            Err(not_sent) => {
                let stop = match not_sent {
                    NotSent::Later(error) if attempts < ATTEMPTS => Stop::Later(error),
                    NotSent::Unknown(error) if attempts < ATTEMPTS => Stop::Unknown(error),
                    NotSent::Bounced(error) => Stop::Bounced(error),
                    NotSent::Later(error) | NotSent::Unknown(error) | NotSent::Never(error) => {
                        Stop::Never(Status::Failed, error)
                    }
                };
                self.stop(mail, attempts, stop).await
            }
        }
    }

    /// Writes down why `mail` goes no further now.
    async fn stop(&self, mail: &Mail, attempts: i32, stop: Stop) -> Result<(), Error> {
        let (worker, id, now) = (&self.desk.name, mail.id, self.desk.clock.now());
        let mut tx = self.desk.db.begin().await?;
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
                email_suppressions::hard_bounce(&mut tx, &mail.to_email, id, now).await?;
                let mine = email_queue::give_up(&mut tx, worker, id, Status::Bounced, &error).await?;
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
            if event == Event::Bounced {
                metadata["kind"] = json!("hard");
            }
            email_events::insert(&mut tx, id, event, now, Some(metadata)).await?;
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

fn short(error: &str) -> String {
    error.chars().take(ERROR).collect()
}
