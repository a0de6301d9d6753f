//! How this service writes pitches and NDAs, for `ctl seed`: demo data has the hashes, documents and receipts that real data would have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use pitchey_launch::Failed;
use pitchey_seal::Sealer;
use secrecy::SecretString;
use serde_json::Value;

use crate::content::Content;
use crate::input::PitchInput;
use crate::ops::ndas::documents::{self, Named, Signing, Terms};
use crate::ops::ndas::sign::{Statement, sealed_place};
use crate::receipts::{Receipt, ReceiptKeys};
use crate::words::Agreement;

/// The content of a pitch and its first version.
pub struct Written {
    /// The columns that an owner writes, in the names of the API.
    pub content: Value,
    /// `pitches.completion_percentage`.
    pub completion: i32,
    /// `pitch_versions.content`.
    pub canonical: String,
    /// `pitch_versions.content_sha256`.
    pub hash: String,
}

/// What the body `input` of `POST /api/pitches` would make.
///
/// # Errors
/// It would be refused.
pub fn write(input: Value) -> Result<Written, Failed> {
    let input: PitchInput = serde_json::from_value(input)?;
    let content = Content::new(&input)?;
    let (canonical, hash) = content.canonical()?;
    Ok(Written {
        completion: content.completion(),
        content: serde_json::to_value(&content)?,
        canonical,
        hash,
    })
}

/// What a deletion leaves of a content that was once published.
///
/// # Errors
/// None that can happen.
pub fn erased() -> Result<Value, Failed> {
    Ok(serde_json::to_value(Content::erased())?)
}

/// A party of an NDA.
pub struct Person<'a> {
    /// User id.
    pub id: i32,
    /// First and last name.
    pub name: &'a str,
    /// Company, if any.
    pub company: Option<&'a str>,
}

/// An NDA that was offered.
pub struct Offered<'a> {
    /// `ndas.id`.
    pub id: i32,
    /// `ndas.nda_type`.
    pub nda_type: &'a str,
    /// `ndas.pitch_id`.
    pub pitch_id: i32,
    /// The pitch's title then.
    pub pitch_title: &'a str,
    /// SHA-256 of the pitch's first version.
    pub version_hash: &'a str,
    /// Whose pitch.
    pub owner: Person<'a>,
    /// Who asked.
    pub requester: Person<'a>,
    /// `ndas.terms`.
    pub additions: Option<&'a str>,
    /// `ndas.expiry_days`.
    pub expiry_days: Option<i32>,
    /// When it was approved.
    pub at: DateTime<Utc>,
}

/// A signature on it.
pub struct Signed<'a> {
    /// `ndas.signer_name`.
    pub name: &'a str,
    /// `ndas.signer_title`.
    pub title: Option<&'a str>,
    /// `ndas.signer_company`.
    pub company: Option<&'a str>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The document of an offered NDA.
pub struct Document {
    /// `ndas.agreement`.
    pub text: String,
    /// `ndas.document`.
    pub pdf: Vec<u8>,
    /// `ndas.document_media_type`.
    pub media_type: &'static str,
    /// `ndas.document_hash`.
    pub hash: String,
    /// How long a signature gives access.
    pub days: i32,
}

/// What is kept of a signature.
pub struct Evidence {
    /// `ndas.receipt`.
    pub receipt: Receipt,
    /// `ndas.signed_copy`.
    pub signed_copy: String,
    /// `ndas.signed_copy_hash`.
    pub signed_copy_hash: String,
}

impl Offered<'_> {
    fn agreement(&self) -> Result<Agreement, Failed> {
        Agreement::parse(self.nda_type)
            .ok_or_else(|| format!("{}: no such kind of NDA", self.nda_type).into())
    }

    /// The very document that the requester was offered.
    ///
    /// # Errors
    /// There is no such kind of NDA.
    pub fn document(&self) -> Result<Document, Failed> {
        let nda_type = self.agreement()?;
        let named = |person: &Person<'_>| Named {
            id: person.id,
            name: person.name.to_owned(),
            company: person.company.map(str::to_owned),
        };
        let days = self.expiry_days.unwrap_or(nda_type.days());
        let document = documents::render(&Terms {
            nda_id: self.id,
            nda_type,
            pitch_id: self.pitch_id,
            pitch_title: self.pitch_title,
            version: 1,
            version_hash: self.version_hash,
            owner: named(&self.owner),
            requester: named(&self.requester),
            additions: self.additions,
            days,
            at: self.at,
        })?;
        Ok(Document {
            text: document.text,
            pdf: document.pdf,
            media_type: documents::MEDIA_TYPE,
            hash: document.hash,
            days,
        })
    }

    /// What is kept of a signature on `document`: `receipt_key` signs the receipt, `pii_key` seals the copy, as in the service's own settings.
    ///
    /// # Errors
    /// A key can't be used.
    pub fn evidence(
        &self,
        document: &Document,
        signed: &Signed<'_>,
        receipt_key: &SecretString,
        pii_key: &SecretString,
    ) -> Result<Evidence, Failed> {
        let keys = ReceiptKeys::new(receipt_key)?;
        let expires_at = signed.at + chrono::TimeDelta::days(document.days.into());
        let copy = documents::signed_copy(&Signing {
            nda_id: self.id,
            pitch_id: self.pitch_id,
            pitch_title: self.pitch_title,
            version: 1,
            version_hash: self.version_hash,
            agreement: Some(&document.text),
            document_hash: &document.hash,
            owner_id: self.owner.id,
            signer_id: self.requester.id,
            signer_name: signed.name,
            signer_title: signed.title,
            signer_company: signed.company,
            address: None,
            key_id: &keys.key_id(),
            at: signed.at,
            expires_at,
        })?;
        let receipt = keys.sign(&Statement {
            kind: "pitchey.nda.receipt.v1",
            nda_id: self.id,
            nda_type: self.agreement()?,
            pitch_id: self.pitch_id,
            pitch_version: 1,
            pitch_version_sha256: self.version_hash,
            document_sha256: &document.hash,
            owner_id: self.owner.id,
            signer_id: self.requester.id,
            signer_name: signed.name,
            signer_title: signed.title,
            signer_company: signed.company,
            signed_at: signed.at.into(),
            expires_at: expires_at.into(),
            signed_copy_sha256: Some(&copy.hash),
        })?;
        let place = sealed_place("signed_copy", self.id);
        let signed_copy = Sealer::new(pii_key)?.seal(&place, &STANDARD.encode(&copy.pdf))?;
        Ok(Evidence { receipt, signed_copy, signed_copy_hash: copy.hash })
    }
}
