//! The agreement itself: set on pages once, at approval, then frozen; and its signed copy, made once, at the signature.

use std::sync::LazyLock;

use chrono::{DateTime, SecondsFormat, Utc};
use minijinja::Environment;
use minijinja::value::Serde;
use pitchey_rpc::PublicUser;
use serde::Serialize;

use crate::content::sha256;
use crate::error::Error;
use crate::pdf::{self, Paper};
use crate::words::Agreement;

/// Media type of what is made here.
pub const MEDIA_TYPE: &str = "application/pdf";

/// What an agreement is about.
pub struct Terms<'a> {
    pub nda_id: i32,
    pub nda_type: Agreement,
    pub pitch_id: i32,
    pub pitch_title: &'a str,
    pub version: i32,
    pub version_hash: &'a str,
    pub owner: Named,
    pub requester: Named,
    pub additions: Option<&'a str>,
    pub days: i32,
    pub at: DateTime<Utc>,
}

/// A party, as it is named in the agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    pub id: i32,
    pub name: String,
    pub company: Option<String>,
}

impl From<&PublicUser> for Named {
    fn from(user: &PublicUser) -> Self {
        let full = [user.first_name.as_deref(), user.last_name.as_deref()];
        let full: Vec<&str> = full.into_iter().flatten().filter(|name| !name.is_empty()).collect();
        let name = if full.is_empty() { user.username.clone() } else { full.join(" ") };
        Self { id: user.id.0, name, company: user.company_name.clone().filter(|name| !name.is_empty()) }
    }
}

/// An agreement, or a signed copy of one, as it is kept.
pub struct Document {
    pub text: String,
    pub pdf: Vec<u8>,
    /// SHA-256 of the PDF in hex.
    pub hash: String,
}

impl Document {
    fn set(text: String, footer: &str, at: DateTime<Utc>) -> Result<Self, Error> {
        let pdf = pdf::set(&Paper { text: &text, footer, at })?;
        Ok(Self { hash: sha256(&pdf), text, pdf })
    }
}

/// The agreement that is offered.
pub fn render(terms: &Terms<'_>) -> Result<Document, Error> {
    let template = match terms.nda_type {
        Agreement::Basic => "nda_basic",
        Agreement::Enhanced => "nda_enhanced",
        Agreement::Custom => "nda_custom",
    };
    let text = fill(
        template,
        minijinja::context! {
            nda_id => terms.nda_id,
            pitch_id => terms.pitch_id,
            pitch_title => terms.pitch_title,
            version => terms.version,
            version_hash => terms.version_hash,
            owner => Serde(terms.owner.clone()),
            requester => Serde(terms.requester.clone()),
            additions => terms.additions,
            days => terms.days,
            at => second(terms.at),
        },
    )?;
    Document::set(text, &format!("Pitchey agreement no. {}", terms.nda_id), terms.at)
}

/// What a signed copy adds to the agreement.
pub struct Signing<'a> {
    pub nda_id: i32,
    pub pitch_id: i32,
    pub pitch_title: &'a str,
    pub version: i32,
    pub version_hash: &'a str,
    /// The text that was offered; none where it was a document of the owner's own.
    pub agreement: Option<&'a str>,
    pub document_hash: &'a str,
    pub owner_id: i32,
    pub signer_id: i32,
    pub signer_name: &'a str,
    pub signer_title: Option<&'a str>,
    pub signer_company: Option<&'a str>,
    pub address: Option<&'a str>,
    pub key_id: &'a str,
    pub at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// The agreement with its signature block.
pub fn signed_copy(signing: &Signing<'_>) -> Result<Document, Error> {
    let text = fill(
        "nda_signed",
        minijinja::context! {
            nda_id => signing.nda_id,
            pitch_id => signing.pitch_id,
            pitch_title => signing.pitch_title,
            version => signing.version,
            version_hash => signing.version_hash,
            agreement => signing.agreement,
            document_hash => signing.document_hash,
            owner_id => signing.owner_id,
            signer_id => signing.signer_id,
            signer_name => signing.signer_name,
            signer_title => signing.signer_title,
            signer_company => signing.signer_company,
            address => signing.address.unwrap_or("an unknown address"),
            key_id => signing.key_id,
            at => second(signing.at),
            expires_at => second(signing.expires_at),
        },
    )?;
    Document::set(text, &format!("Pitchey agreement no. {}, signed copy", signing.nda_id), signing.at)
}

fn second(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn fill(template: &str, values: minijinja::Value) -> Result<String, Error> {
    static TEMPLATES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        for (name, text) in [
            ("frame", include_str!("../../../templates/nda_frame.txt")),
            ("nda_basic", include_str!("../../../templates/nda_basic.txt")),
            ("nda_enhanced", include_str!("../../../templates/nda_enhanced.txt")),
            ("nda_custom", include_str!("../../../templates/nda_custom.txt")),
            ("nda_signed", include_str!("../../../templates/nda_signed.txt")),
        ] {
            environment.add_template(name, text)?;
        }
        Ok(environment)
    });
    let environment = TEMPLATES.as_ref().map_err(|error| Error::Internal(error.to_string().into()))?;
    let filled = environment.get_template(template).and_then(|template| template.render(values));
    filled.map_err(|error| Error::Internal(error.into()))
}
