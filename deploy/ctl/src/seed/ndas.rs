//! NDAs, with the documents that were offered and the receipts of signatures.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_pitches::seeding::{Offered, Person, Signed, Written};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::data::{Demo, Nda, User};
use crate::Failure;

pitchey_config::settings! {
    /// The part of the pitches service's settings that makes signatures lasting.
    struct Keys {
        /// As in the service's own settings.
        receipt_signing_key: SecretString,
        /// As in the service's own settings.
        pii_key: SecretString,
    }
}

/// The rows of `ndas`.
pub(super) fn rows(
    demo: &Demo,
    written: &BTreeMap<i32, Written>,
    at: DateTime<Utc>,
) -> Result<Value, Failure> {
    let keys = pitchey_config::load("pitches")?;
    demo.ndas.iter().map(|nda| row(demo, written, nda, at, &keys)).collect()
}

fn row(
    demo: &Demo,
    written: &BTreeMap<i32, Written>,
    nda: &Nda,
    at: DateTime<Utc>,
    keys: &Keys,
) -> Result<Value, Failure> {
    let failed = |what: String| Failure::Failed(format!("demo data: NDA {}: {what}", nda.id));
    let mut row = json!(nda);
    let Some(approved) = &nda.approved else { return Ok(row) };
    let unknown = || failed("its pitch or somebody in it is not there".to_owned());
    let pitch = demo.pitches.iter().find(|pitch| pitch.id == nda.pitch).ok_or_else(unknown)?;
    let content = written.get(&nda.pitch).ok_or_else(unknown)?;
    let user = |id: i32| demo.users.iter().find(|user| user.id == id).ok_or_else(unknown);
    let (owner, requester) = (user(pitch.owner)?, user(nda.requester)?);
    let (owner_name, requester_name) = (name(owner), name(requester));
    let offered = Offered {
        id: nda.id,
        nda_type: content.content["ndaType"].as_str().unwrap_or("basic"),
        pitch_id: nda.pitch,
        pitch_title: content.content["title"].as_str().unwrap_or_default(),
        version_hash: &content.hash,
        owner: Person { id: owner.id, name: &owner_name, company: owner.company_name.as_deref() },
        requester: Person {
            id: requester.id,
            name: &requester_name,
            company: requester.company_name.as_deref(),
        },
        additions: nda.terms.as_deref(),
        expiry_days: nda.expiry_days,
        at: at - age(approved).ok_or_else(|| failed(format!("{approved}: no age")))?,
    };
    let document = offered.document().map_err(|error| failed(error.to_string()))?;
    row["agreement"] = json!(document.text);
    row["document"] = json!(document.pdf.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    row["document_media_type"] = json!(document.media_type);
    row["document_hash"] = json!(document.hash);
    row["days"] = json!(document.days);
    if let (Some(signed), Some(name)) = (&nda.signed, &nda.signer_name) {
        let signed = Signed {
            name,
            title: nda.signer_title.as_deref(),
            company: nda.signer_company.as_deref(),
            at: at - age(signed).ok_or_else(|| failed(format!("{signed}: no age")))?,
        };
        let evidence = offered.evidence(&document, &signed, &keys.receipt_signing_key, &keys.pii_key);
        let evidence = evidence.map_err(|error| failed(error.to_string()))?;
        row["receipt"] = json!(evidence.receipt);
        row["signed_copy"] = json!(evidence.signed_copy);
        row["signed_copy_hash"] = json!(evidence.signed_copy_hash);
    }
    Ok(row)
}

fn name(user: &User) -> String {
    [user.first_name.as_deref(), user.last_name.as_deref()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

/// `"12 days"`, `"1 hour"`: the part of Postgres' intervals that the demo data uses.
fn age(text: &str) -> Option<TimeDelta> {
    let (count, unit) = text.split_once(' ')?;
    let count = count.parse().ok()?;
    match unit.trim_end_matches('s') {
        "day" => TimeDelta::try_days(count),
        "hour" => TimeDelta::try_hours(count),
        "minute" => TimeDelta::try_minutes(count),
        _ => None,
    }
}
