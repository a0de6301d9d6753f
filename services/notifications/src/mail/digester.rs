use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;
use pitchey_events::{PitchId, UserId};
use pitchey_rpc::{Accounts, Pitches, PublicUser, Recipient};
use tokio::sync::Notify;

use super::addresser::letter;
use super::digest::{Digest, Line};
use super::letter::{Category, Letter};
use super::render;
use super::worker::{Desk, Work};
use super::writer::{Draft, Metadata, Writer};
use crate::error::Error;
use crate::ops::digests::span;
use crate::settings::Settings;
use crate::state::AppState;
use crate::store::email_digests::{self, Due, Outcome, Rhythm, Span, Unread};
use crate::store::email_preferences::{self, Frequency, Preferences};
use crate::store::email_queue;
use crate::store::email_requests::{self, Request};

/// Digests of one transaction: as many as the other services answer about at once.
const BATCH: usize = 500;
/// Lines of a digest; the others are counted.
const LINES: usize = 25;
/// Unread notifications that a weekly one names.
const UNREAD: i64 = 5;
/// Pitches in one question.
const GLANCED: usize = 2_000;
/// Digests can wait for everything else.
const PRIORITY: i32 = 9;

/// Makes one mail of what was held back for a user.
pub(super) struct Digester {
    desk: Desk,
    accounts: Accounts,
    pitches: Pitches,
    writer: Writer,
    hour: u32,
    mail_queued: Arc<Notify>,
}

/// What is known of the readers of a batch before anybody is asked.
struct Material {
    held: HashMap<i32, Vec<Held>>,
    unread: HashMap<i32, Vec<Unread>>,
    preferences: HashMap<i32, Preferences>,
}

/// Something held back.
struct Held {
    id: i64,
    /// `None`: it can't be read.
    letter: Option<Letter>,
}

/// What others said.
struct Answers {
    recipients: HashMap<i32, Recipient>,
    people: HashMap<UserId, PublicUser>,
    /// Titles, by who may know them.
    titles: HashMap<(i32, PitchId), String>,
}

/// What becomes of a batch.
#[derive(Default)]
struct Settled {
    mails: Vec<email_queue::New>,
    outcomes: BTreeMap<Outcome, Vec<i32>>,
}

impl Work for Digester {
    const NAME: &'static str = "digester";

    async fn round(&self) -> Result<bool, Error> {
        let mut more = false;
        for rhythm in [Rhythm::Daily, Rhythm::Weekly] {
            let (now, until) = self.desk.lease();
            let mut tx = self.desk.db.begin().await?;
            let due =
                email_digests::claim(&mut tx, rhythm, &self.desk.name, now, until, BATCH as i64).await?;
            tx.commit().await?;
            more |= due.len() == BATCH;
            let mut periods: BTreeMap<NaiveDate, Vec<Due>> = BTreeMap::new();
            for digest in due {
                periods.entry(digest.period).or_default().push(digest);
            }
            for (period, due) in periods {
                self.build(rhythm, period, &due).await?;
            }
        }
        Ok(more)
    }
}

impl Digester {
    pub(super) fn new(
        desk: Desk,
        state: &AppState,
        writer: Writer,
        settings: &Settings,
        mail_queued: Arc<Notify>,
    ) -> Self {
        let (accounts, pitches) = (state.accounts.clone(), state.pitches.clone());
        Self { desk, accounts, pitches, writer, hour: settings.digest_hour, mail_queued }
    }

    /// Builds those of one period.
    async fn build(&self, rhythm: Rhythm, period: NaiveDate, due: &[Due]) -> Result<(), Error> {
        let users: Vec<i32> = due.iter().map(|digest| digest.user_id).collect();
        let material = self.material(rhythm, period, &users).await?;
        match self.ask(&users, &material).await {
            Ok(answers) => self.settle(rhythm, period, &users, &material, &answers).await,
            Err(error) => {
                tracing::warn!(%error, digests = users.len(), "nobody could be asked what digests may tell");
                let attempts = due.iter().map(|digest| digest.attempts).max().unwrap_or(0);
                let again = self.desk.ask_again(attempts.saturating_add(1));
                let mut tx = self.desk.db.begin().await?;
                email_digests::postpone(&mut tx, rhythm, period, &self.desk.name, &users, again).await?;
                Ok(tx.commit().await?)
            }
        }
    }

    async fn material(&self, rhythm: Rhythm, period: NaiveDate, users: &[i32]) -> Result<Material, Error> {
        let Span { since, until, .. } = span(rhythm, self.hour, period);
        let mut tx = self.desk.db.begin().await?;
        let mut held: HashMap<i32, Vec<Held>> = HashMap::new();
        for request in email_requests::held(&mut tx, rhythm.as_str(), users, until).await? {
            let Request { id, user_id, .. } = request;
            held.entry(user_id).or_default().push(Held { id, letter: letter(&request) });
        }
        let mut unread: HashMap<i32, Vec<Unread>> = HashMap::new();
        if rhythm == Rhythm::Weekly {
            for row in email_digests::unread(&mut tx, users, since, until, UNREAD).await? {
                unread.entry(row.user_id).or_default().push(row);
            }
        }
        let preferences = email_preferences::of(&mut tx, users).await?;
        tx.commit().await?;
        let preferences = preferences.into_iter().map(|row| (row.user_id, row)).collect();
        Ok(Material { held, unread, preferences })
    }

    /// What anybody must be asked about `users`: addresses, names, and which pitches they may know of now.
    async fn ask(&self, users: &[i32], material: &Material) -> Result<Answers, pitchey_rpc::Error> {
        let to: Vec<UserId> = users.iter().map(|user| UserId(*user)).collect();
        let letters = || material.held.values().flatten().filter_map(|held| held.letter.as_ref());
        let people: HashSet<UserId> = letters().filter_map(Letter::other).collect();
        let people: Vec<UserId> = people.into_iter().collect();
        let glances = material.glances(users);
        let (recipients, people, titles) = tokio::try_join!(
            self.accounts.recipients(&to),
            self.accounts.users_by_ids(&people),
            self.titles(&glances)
        )?;
        Ok(Answers {
            recipients: recipients.into_iter().map(|one| (one.user_id.0, one)).collect(),
            people: people.into_iter().map(|user| (user.id, user)).collect(),
            titles,
        })
    }

    async fn titles(
        &self,
        glances: &[(Option<UserId>, Vec<PitchId>)],
    ) -> Result<HashMap<(i32, PitchId), String>, pitchey_rpc::Error> {
        let mut titles = HashMap::new();
        let mut rest = glances;
        while !rest.is_empty() {
            let mut glanced = 0;
            let fits = rest.iter().take_while(|(_, pitches)| {
                glanced += pitches.len();
                glanced <= GLANCED
            });
            // None has more than fit.
            let (asked, later) = rest.split_at(fits.count().max(1));
            for sight in self.pitches.shown(asked).await? {
                titles.insert((sight.viewer.map_or(0, |viewer| viewer.0), sight.pitch_id), sight.title);
            }
            rest = later;
        }
        Ok(titles)
    }

    /// One transaction: who got what, what was held back for it, and the mails.
    async fn settle(
        &self,
        rhythm: Rhythm,
        period: NaiveDate,
        users: &[i32],
        material: &Material,
        answers: &Answers,
    ) -> Result<(), Error> {
        let mut settled = Settled::default();
        for user in users {
            let outcome = match self.digest(rhythm, *user, material, answers) {
                Ok(digest) => match self.mail(period, *user, digest, answers) {
                    Ok(mail) => {
                        settled.mails.push(mail);
                        Outcome::Queued
                    }
                    Err(error) => {
                        tracing::error!(%error, user, "a digest's template failed");
                        continue;
                    }
                },
                Err(outcome) => outcome,
            };
            settled.outcomes.entry(outcome).or_default().push(*user);
        }
        let mut tx = self.desk.db.begin().await?;
        let mut mine = HashSet::new();
        for (outcome, users) in &settled.outcomes {
            mine.extend(
                email_digests::settle(&mut tx, rhythm, period, &self.desk.name, *outcome, users).await?,
            );
        }
        settled.mails.retain(|mail| mine.contains(&mail.user_id));
        email_queue::insert(&mut tx, &settled.mails).await?;
        let told: Vec<i64> =
            mine.iter().filter_map(|user| material.held.get(user)).flatten().map(|held| held.id).collect();
        email_requests::delete(&mut tx, &told).await?;
        if !settled.mails.is_empty() {
            tx.ring_after_commit(&self.mail_queued);
        }
        tx.commit().await?;
        metrics::counter!("mail_digests_total", "rhythm" => rhythm.as_str()).increment(mine.len() as u64);
        Ok(())
    }

    /// What `user` is told, or why nothing.
    fn digest(
        &self,
        rhythm: Rhythm,
        user: i32,
        material: &Material,
        answers: &Answers,
    ) -> Result<Digest, Outcome> {
        let recipient =
            answers.recipients.get(&user).filter(|recipient| recipient.active).ok_or(Outcome::Gone)?;
        let default = Preferences::of_nobody_yet(UserId(user));
        let preferences = material.preferences.get(&user).unwrap_or(&default);
        if rhythm == Rhythm::Weekly && Category::WeeklyDigest.frequency(preferences) == Frequency::Never {
            return Err(Outcome::Unwanted);
        }
        let may_know = |pitch: PitchId| answers.titles.get(&(user, pitch)).map(String::as_str);
        let mut lines: Vec<Line> = Vec::new();
        for letter in material.held.get(&user).into_iter().flatten().filter_map(|held| held.letter.as_ref()) {
            // Wanted once, and not any more.
            if letter.category().frequency(preferences) == Frequency::Never {
                continue;
            }
            let title = match letter.pitch() {
                None => None,
                Some((pitch, _)) => match may_know(pitch) {
                    None => continue,
                    title => title,
                },
            };
            let other = letter.other().and_then(|other| answers.people.get(&other));
            // Who was banned meanwhile is not talked of.
            if letter.other().is_some() && other.is_none_or(|other| !other.is_active) {
                continue;
            }
            let line = render::line(letter, other, title);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let more = lines.len().saturating_sub(LINES);
        lines.truncate(LINES);
        let unread = material.unread.get(&user).into_iter().flatten();
        let unread = unread
            .filter(|row| row.pitch_id == 0 || may_know(PitchId(row.pitch_id)).is_some())
            .map(|row| Line {
                what: row.title.clone(),
                title: None,
                who: None,
                path: "/notifications".to_owned(),
                pitch_id: (row.pitch_id != 0).then_some(PitchId(row.pitch_id)),
            })
            .collect();
        let digest = Digest { rhythm, name: recipient.name.clone(), lines, unread, more };
        if digest.is_empty() { Err(Outcome::Empty) } else { Ok(digest) }
    }

    fn mail(
        &self,
        period: NaiveDate,
        user: i32,
        digest: Digest,
        answers: &Answers,
    ) -> Result<email_queue::New, minijinja::Error> {
        let (template, category) = match digest.rhythm {
            Rhythm::Daily => ("daily-digest", Category::DailyDigest),
            Rhythm::Weekly => ("weekly-digest", Category::WeeklyDigest),
        };
        let placeholders = Writer::placeholders(category, false);
        let rendered = self.writer.renderer.render_digest(&digest, &placeholders)?;
        let draft = Draft {
            dedupe_key: format!("{user}/{}/{period}", category.as_str()),
            user_id: user,
            to: answers.recipients.get(&user).map_or("", |recipient| &recipient.email),
            template,
            priority: PRIORITY,
            metadata: Metadata { category, token_request_id: None, placeholders, digest: Some(digest) },
            rendered,
            wanted: true,
        };
        Ok(self.writer.row(draft, self.desk.clock.now()))
    }
}

impl Material {
    /// By reader, the pitches that something is to be told about.
    fn glances(&self, users: &[i32]) -> Vec<(Option<UserId>, Vec<PitchId>)> {
        let glance = |user: &i32| {
            let held = self.held.get(user).into_iter().flatten();
            let held = held.filter_map(|held| Some(held.letter.as_ref()?.pitch()?.0));
            let unread = self.unread.get(user).into_iter().flatten();
            let unread = unread.filter(|row| row.pitch_id != 0).map(|row| PitchId(row.pitch_id));
            let mut pitches: Vec<PitchId> = held.chain(unread).collect();
            pitches.sort_unstable();
            pitches.dedup();
            pitches.truncate(GLANCED);
            (Some(UserId(*user)), pitches)
        };
        users.iter().map(glance).filter(|(_, pitches)| !pitches.is_empty()).collect()
    }
}
