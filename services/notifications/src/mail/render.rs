//! Letters become text and HTML.

use chrono::{DateTime, Utc};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use pitchey_rpc::PublicUser;
use serde::{Deserialize, Serialize};
use url::Url;

use super::digest::{Digest, Line};
use super::letter::{Agreement, Category, Letter};
use super::words::{advertises, greeting, one_line};
use crate::store::email_digests::Rhythm;
use views::{Around, Lines, Link, Money, Nda, Page, Plan, Report, Security, Shown, Welcome, WithToken};

mod views;

/// Longest name of a person or company in a mail.
const NAME: usize = 120;
const TITLE: usize = 200;
/// Longest line of a digest, without title and name.
const WHAT: usize = 260;

/// The subjects: fixed words, so that nothing anybody typed gets into a header. Beside them `<name>.txt` and `<name>.html`.
macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        /// Names of all templates.
        #[cfg(test)]
        const NAMES: &[&str] = &[$($name),+];

        fn subject(template: &str) -> Option<&'static str> {
            match template {
                $($name => Some(include_str!(concat!("../../templates/", $name, ".subject")).trim_ascii()),)+
                _ => None,
            }
        }

        fn add_all(environment: &mut Environment<'static>) -> Result<(), minijinja::Error> {
            $(
                environment.add_template(
                    concat!($name, ".txt"),
                    include_str!(concat!("../../templates/", $name, ".txt")),
                )?;
                environment.add_template(
                    concat!($name, ".html"),
                    include_str!(concat!("../../templates/", $name, ".html")),
                )?;
            )+
            Ok(())
        }
    };
}

templates! {
    "verify-email", "welcome", "password-reset", "password-changed", "new-login", "account-deleted", "data-export-ready", "nda-requested",
    "nda-approved", "nda-rejected", "nda-signed", "nda-revoked", "nda-expiring", "nda-expired", "nda-reminder", "message-received",
    "pitch-viewed", "new-follower", "followed-creator-published", "payment-receipt", "payment-failed", "credits-low",
    "subscription-changed", "report-outcome", "daily-digest", "weekly-digest",
}

/// A letter in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) subject: &'static str,
    pub(super) text: String,
    pub(super) html: String,
}

/// Renders letters.
#[derive(Clone, Debug)]
pub(super) struct Renderer {
    environment: Environment<'static>,
    web: String,
}

/// What stands in a mail until it is sent: drawn for this mail, so that no name or title can contain it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Placeholders {
    /// For the token that accounts promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<String>,
    /// For the token that unsubscribes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unsubscribe: Option<String>,
}

impl Renderer {
    /// Links begin with `public_url`.
    pub(super) fn new(public_url: &str) -> Result<Self, super::transport::Unusable> {
        let invalid = |why: String| super::transport::Unusable::PublicUrl(why);
        let url = Url::parse(public_url).map_err(|error| invalid(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("neither http:// nor https://, or more than a place".to_owned()));
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment
            .add_template("layout.txt", include_str!("../../templates/layout.txt"))
            .and_then(|()| {
                environment.add_template("layout.html", include_str!("../../templates/layout.html"))
            })
            .and_then(|()| add_all(&mut environment))
            .unwrap_or_else(|error| unreachable!("the templates are tested: {error:#}"));
        Ok(Self { environment, web: url.as_str().trim_end_matches('/').to_owned() })
    }

    fn link(&self, path: &str) -> Link {
        Link(format!("{}{path}", self.web))
    }

    /// The address that takes a token to unsubscribe.
    pub(super) fn unsubscribe_link(&self, token: &str) -> String {
        self.link(&super::unsubscribe::path(token)).0
    }

    /// `letter` to somebody called `name`; `other` is the other party, if the letter has one.
    pub(super) fn render(
        &self,
        letter: &Letter,
        name: &str,
        other: Option<&PublicUser>,
        placeholders: &Placeholders,
    ) -> Result<Rendered, minijinja::Error> {
        let about = self.about(letter, other, placeholders.token.as_deref().unwrap_or_default());
        self.page(letter.template(), letter.category(), name, placeholders, about)
    }

    /// `digest` in words.
    pub(super) fn render_digest(
        &self,
        digest: &Digest,
        placeholders: &Placeholders,
    ) -> Result<Rendered, minijinja::Error> {
        let shown = |line: &Line| Shown {
            what: harmless(&line.what, WHAT).unwrap_or_else(|| "Something happened".to_owned()),
            title: line.title.as_deref().and_then(|title| harmless(title, TITLE)),
            who: line.who.clone(),
            link: self.link(&line.path),
        };
        let lines = Lines {
            lines: digest.lines.iter().map(shown).collect(),
            unread: digest.unread.iter().map(shown).collect(),
            more: digest.more,
            link: self.link("/notifications"),
        };
        let (template, category) = match digest.rhythm {
            Rhythm::Daily => ("daily-digest", Category::DailyDigest),
            Rhythm::Weekly => ("weekly-digest", Category::WeeklyDigest),
        };
        self.page(template, category, &digest.name, placeholders, Value::from(Serde(lines)))
    }

    /// What `letter` has to say.
    fn about(&self, letter: &Letter, other: Option<&PublicUser>, token: &str) -> Value {
        let with_token = |path: &str, day: Option<String>| {
            Value::from(Serde(WithToken { link: self.link(&format!("{path}?token={token}")), day }))
        };
        let security = |at: &DateTime<Utc>| {
            Value::from(Serde(Security { at: minute(at), link: self.link("/settings/security") }))
        };
        let who = || other.map_or_else(|| "Somebody".to_owned(), called);
        let nda = |nda: &Agreement| Nda {
            other: who(),
            title: titled(&nda.pitch_title),
            nda: self.link(&format!("/ndas/{}", nda.id)),
            pitch: self.link(&format!("/pitches/{}", nda.pitch_id)),
            more: false,
            day: None,
            ended: None,
        };
        let around = |title: Option<&str>, count: i64| {
            let link = self.link(&path(letter));
            Value::from(Serde(Around { other: who(), title: title.map(titled), link, count }))
        };
        match letter {
            Letter::VerifyEmail { .. } => with_token("/verify-email", None),
            Letter::PasswordReset { .. } => with_token("/reset-password", None),
            Letter::DataExportReady { export_id, expires_at, .. } => {
                with_token(&format!("/api/gdpr/exports/{export_id}"), Some(day(expires_at)))
            }
            Letter::Welcome { user_type } => {
                use pitchey_events::UserType::{Creator, Investor, Production};
                Value::from(Serde(Welcome {
                    link: self.link("/pitches"),
                    may_publish: matches!(user_type, Creator | Production),
                    may_buy: matches!(user_type, Investor | Production),
                }))
            }
            Letter::PasswordChanged { at } | Letter::NewLogin { at } => security(at),
            Letter::AccountDeleted { deleted_from } => {
                Value::from(Serde(WithToken { link: self.link("/login"), day: Some(day(deleted_from)) }))
            }
            Letter::NdaRequested { nda: a, with_message: more }
            | Letter::NdaRejected { nda: a, with_reason: more }
            | Letter::NdaRevoked { nda: a, was_signed: more } => {
                Value::from(Serde(Nda { more: *more, ..nda(a) }))
            }
            Letter::NdaApproved { nda: a, sign_until: at }
            | Letter::NdaReminder { nda: a, expires_at: at } => {
                Value::from(Serde(Nda { day: Some(day(at)), ..nda(a) }))
            }
            Letter::NdaExpiring { nda: a, to_be_signed, expires_at } => {
                Value::from(Serde(Nda { more: *to_be_signed, day: Some(day(expires_at)), ..nda(a) }))
            }
            Letter::NdaSigned { nda: a, expires_at } => {
                Value::from(Serde(Nda { day: expires_at.as_ref().map(day), ..nda(a) }))
            }
            Letter::NdaExpired { nda: a, ended } => Value::from(Serde(Nda { ended: Some(*ended), ..nda(a) })),
            Letter::MessageReceived { .. } => around(None, 0),
            Letter::PitchViewed { pitch, views } => around(Some(&pitch.title), *views),
            Letter::NewFollower { pitch, .. } => around(pitch.as_ref().map(|pitch| pitch.title.as_str()), 0),
            Letter::FollowedCreatorPublished { pitch, .. } => around(Some(&pitch.title), 0),
            Letter::CreditsLow { balance } => around(None, i64::from(*balance)),
            Letter::PaymentReceipt { amount, description, invoice_number, paid_at } => {
                Value::from(Serde(Money {
                    amount: amount.to_string(),
                    description: one_line(description, TITLE),
                    invoice: invoice_number.clone(),
                    day: day(paid_at),
                    for_plan: false,
                    link: self.link(&path(letter)),
                }))
            }
            Letter::PaymentFailed { amount, description, for_plan } => Value::from(Serde(Money {
                amount: amount.to_string(),
                description: one_line(description, TITLE),
                invoice: String::new(),
                day: String::new(),
                for_plan: *for_plan,
                link: self.link(&path(letter)),
            })),
            Letter::SubscriptionChanged { tier, previous_tier, ends_at, grace_until } => {
                Value::from(Serde(Plan {
                    tier: tier.as_str(),
                    before: previous_tier.as_str(),
                    changed: tier != previous_tier,
                    ends: ends_at.as_ref().map(day),
                    grace: grace_until.as_ref().map(day),
                    link: self.link(&path(letter)),
                }))
            }
            Letter::ReportOutcome { about_pitch, upheld } => {
                Value::from(Serde(Report { about_pitch: *about_pitch, upheld: *upheld }))
            }
        }
    }

    fn page(
        &self,
        template: &str,
        category: Category,
        name: &str,
        placeholders: &Placeholders,
        letter: Value,
    ) -> Result<Rendered, minijinja::Error> {
        let unsubscribe = placeholders.unsubscribe.as_deref();
        let page = Page {
            name: greeting(name),
            home: self.link(""),
            preferences: self.link("/settings/notifications"),
            unsubscribe: unsubscribe.map(|token| self.link(&super::unsubscribe::path(token))),
            kind: category.called(),
            letter,
        };
        let render = |extension: &str| {
            self.environment.get_template(&format!("{template}.{extension}"))?.render(Serde(&page))
        };
        Ok(Rendered {
            subject: subject(template).unwrap_or("Pitchey"),
            text: render("txt")?,
            html: render("html")?,
        })
    }
}

/// A letter as a line of a digest; `title` is the pitch's now.
pub(super) fn line(letter: &Letter, other: Option<&PublicUser>, title: Option<&str>) -> Line {
    Line {
        what: subject(letter.template()).unwrap_or_default().to_owned(),
        title: title.map(str::to_owned),
        who: other.map(called),
        path: path(letter),
        pitch_id: letter.pitch().map(|(id, _)| id),
    }
}

/// Where a letter leads, below the platform's address.
fn path(letter: &Letter) -> String {
    match letter {
        Letter::MessageReceived { conversation_id, .. } => format!("/messages/{conversation_id}"),
        Letter::PitchViewed { pitch, .. } => format!("/pitches/{}/analytics", pitch.id),
        Letter::FollowedCreatorPublished { pitch, .. } => format!("/pitches/{}", pitch.id),
        Letter::NewFollower { follower, .. } => format!("/users/{follower}"),
        Letter::PaymentReceipt { .. } | Letter::PaymentFailed { .. } => "/payments".to_owned(),
        Letter::CreditsLow { .. } => "/credits".to_owned(),
        Letter::SubscriptionChanged { .. } => "/plan".to_owned(),
        _ => match letter.nda() {
            Some(nda) => format!("/ndas/{}", nda.id),
            None => "/notifications".to_owned(),
        },
    }
}

fn titled(title: &str) -> String {
    harmless(title, TITLE).unwrap_or_else(|| "a pitch".to_owned())
}

/// What to call somebody in a mail to somebody else.
fn called(user: &PublicUser) -> String {
    let person = [user.first_name.as_deref(), user.last_name.as_deref()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    let person = harmless(&person, NAME)
        .or_else(|| harmless(&user.username, NAME))
        .unwrap_or_else(|| "Somebody".to_owned());
    match user.company_name.as_deref().and_then(|company| harmless(company, NAME)) {
        Some(company) => one_line(&format!("{person} ({company})"), NAME),
        None => person,
    }
}

/// `text` on one line, if it says anything and is no link: whoever wrote it is not the recipient.
fn harmless(text: &str, max: usize) -> Option<String> {
    let text = one_line(text, max);
    (!text.is_empty() && !advertises(&text)).then_some(text)
}

fn day(at: &DateTime<Utc>) -> String {
    at.format("%-d %B %Y").to_string()
}

fn minute(at: &DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests;
