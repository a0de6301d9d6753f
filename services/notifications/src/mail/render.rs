//! Letters become text and HTML.

use chrono::{DateTime, Utc};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use pitchey_rpc::PublicUser;
use serde::{Serialize, Serializer};
use url::Url;

use super::folder::Kept;
use super::letter::{Agreement, Ended, Letter};
use super::words::{advertises, greeting, one_line};

/// Longest name of a person or company in a mail.
const NAME: usize = 120;
const TITLE: usize = 200;

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
    "verify-email", "welcome", "password-reset", "password-changed", "new-login", "nda-requested", "nda-approved", "nda-rejected",
    "nda-signed", "nda-revoked", "nda-expired", "nda-reminder",
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

/// An address of the platform. It is made here from settings and ids, so it needs no escaping.
#[derive(Clone, Debug)]
struct Link(String);

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from_safe_string(self.0.clone()).serialize(serializer)
    }
}

/// What every template gets.
#[derive(Serialize)]
struct Page<L> {
    name: Option<String>,
    home: Link,
    preferences: Link,
    letter: L,
}

#[derive(Serialize)]
struct WithToken {
    link: Link,
}

#[derive(Serialize)]
struct Welcome {
    link: Link,
    may_publish: bool,
    may_buy: bool,
}

#[derive(Serialize)]
struct Security {
    at: String,
    link: Link,
}

#[derive(Serialize)]
struct Nda {
    other: String,
    title: String,
    nda: Link,
    pitch: Link,
    /// Whether a message or a reason came with it, or it had been signed.
    more: bool,
    /// The day that matters.
    day: Option<String>,
    ended: Option<Ended>,
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

    /// `letter` to somebody called `name`; `other` is the other party, if the letter has one; `placeholder` stands where the token will be.
    pub(super) fn render(
        &self,
        letter: &Letter,
        name: &str,
        other: Option<&PublicUser>,
        placeholder: &str,
    ) -> Result<Rendered, minijinja::Error> {
        let with_token = |path: &str| WithToken { link: self.link(&format!("{path}?token={placeholder}")) };
        let security =
            |at: &DateTime<Utc>| Security { at: minute(at), link: self.link("/settings/security") };
        let nda = |nda: &Agreement| Nda {
            other: other.map_or_else(|| "Somebody".to_owned(), called),
            title: harmless(&nda.pitch_title, TITLE).unwrap_or_else(|| "a pitch".to_owned()),
            nda: self.link(&format!("/ndas/{}", nda.id)),
            pitch: self.link(&format!("/pitches/{}", nda.pitch_id)),
            more: false,
            day: None,
            ended: None,
        };
        let about = match letter {
            Letter::VerifyEmail { .. } => Value::from(Serde(with_token("/verify-email"))),
            Letter::PasswordReset { .. } => Value::from(Serde(with_token("/reset-password"))),
            Letter::Welcome { user_type } => {
                use pitchey_events::UserType::{Creator, Investor, Production};
                Value::from(Serde(Welcome {
                    link: self.link("/pitches"),
                    may_publish: matches!(user_type, Creator | Production),
                    may_buy: matches!(user_type, Investor | Production),
                }))
            }
            Letter::PasswordChanged { at } | Letter::NewLogin { at } => Value::from(Serde(security(at))),
            Letter::NdaRequested { nda: a, with_message: more }
            | Letter::NdaRejected { nda: a, with_reason: more }
            | Letter::NdaRevoked { nda: a, was_signed: more } => {
                Value::from(Serde(Nda { more: *more, ..nda(a) }))
            }
            Letter::NdaApproved { nda: a, sign_until: at }
            | Letter::NdaReminder { nda: a, expires_at: at } => {
                Value::from(Serde(Nda { day: Some(day(at)), ..nda(a) }))
            }
            Letter::NdaSigned { nda: a, expires_at } => {
                Value::from(Serde(Nda { day: expires_at.as_ref().map(day), ..nda(a) }))
            }
            Letter::NdaExpired { nda: a, ended } => Value::from(Serde(Nda { ended: Some(*ended), ..nda(a) })),
        };
        let page = Page {
            name: greeting(name),
            home: self.link(""),
            preferences: self.link("/settings/notifications"),
            letter: about,
        };
        let template = letter.template();
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

/// The page that shows developers the mails; `to` is what they asked for.
pub(crate) fn mails_page(mails: &[Kept], to: Option<&str>) -> String {
    #[derive(Serialize)]
    struct Shown<'a> {
        mail: &'a Kept,
        links: Vec<&'a str>,
    }
    #[derive(Serialize)]
    struct Mails<'a> {
        to: Option<&'a str>,
        mails: Vec<Shown<'a>>,
    }
    let shown = mails.iter().map(|mail| Shown {
        mail,
        links: mail.text.split_whitespace().filter(|word| word.starts_with("http")).collect(),
    });
    let mails = Mails { to, mails: shown.collect() };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
        .render_named_str("dev-mails.html", include_str!("../../templates/dev-mails.html"), Serde(mails))
        .unwrap_or_else(|error| unreachable!("the page is tested: {error:#}"))
}

#[cfg(test)]
mod tests;
