//! The signature: from here on there is access.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{NdaId, NdaSigned};
use pitchey_web::Timestamp;
use serde::Serialize;

use super::{Moved, Party, as_party, documents, lost, parties, record, title};
use crate::error::Error;
use crate::ops::Act;
use crate::state::AppState;
use crate::store::ndas::Signature;
use crate::store::{ndas, pitches, versions};
use crate::words::{Agreement, NdaStatus};

/// What the signer typed.
pub struct Signer<'a> {
    pub full_name: &'a str,
    pub title: Option<&'a str>,
    pub company: Option<&'a str>,
    pub document_hash: &'a str,
}

/// What a receipt states. Its fields are never renamed: old receipts must stay readable.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement<'a> {
    pub kind: &'static str,
    pub nda_id: i32,
    pub nda_type: Agreement,
    pub pitch_id: i32,
    pub pitch_version: i32,
    pub pitch_version_sha256: &'a str,
    pub document_sha256: &'a str,
    pub owner_id: i32,
    pub signer_id: i32,
    pub signer_name: &'a str,
    pub signer_title: Option<&'a str>,
    pub signer_company: Option<&'a str>,
    pub signed_at: Timestamp,
    pub expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_copy_sha256: Option<&'a str>,
}

/// approved -> signed, by the requester, who names the very document that was offered.
pub async fn sign(
    tx: &mut Tx,
    act: &Act<'_>,
    state: &AppState,
    id: NdaId,
    signer: &Signer<'_>,
) -> Result<Moved, Error> {
    let nda = as_party(tx, act, id, Party::Requester).await?;
    if nda.status_at(act.now) != NdaStatus::Approved {
        return lost(tx, act, id, NdaStatus::Signed).await;
    }
    if !act.actor.email_verified {
        return Err(Error::EmailNotVerified);
    }
    if nda.document_hash.as_deref() != Some(signer.document_hash) {
        return Err(Error::DocumentHashMismatch);
    }
    let days = nda.expiry_days.unwrap_or(nda.nda_type.days());
    let expires_at = act.now + TimeDelta::days(days.into());
    let version = versions::find(tx, nda.pitch(), nda.pitch_version).await?;
    let (version, _) =
        version.ok_or_else(|| Error::Internal("an NDA names a version that is not there".into()))?;
    let agreement = ndas::agreement(tx, id).await?;
    let copy = documents::signed_copy(&documents::Signing {
        nda_id: nda.id,
        pitch_id: nda.pitch_id,
        pitch_title: &title(tx, &nda).await?,
        version: nda.pitch_version,
        version_hash: &version.content_sha256,
        agreement: agreement.as_deref(),
        document_hash: signer.document_hash,
        owner_id: nda.owner_id,
        signer_id: nda.requester_id,
        signer_name: signer.full_name,
        signer_title: signer.title,
        signer_company: signer.company,
        address: act.origin.ip.as_deref(),
        key_id: &state.receipts.key_id(),
        at: act.now,
        expires_at,
    })?;
    let receipt = state.receipts.sign(&Statement {
        kind: "pitchey.nda.receipt.v1",
        nda_id: nda.id,
        nda_type: nda.nda_type,
        pitch_id: nda.pitch_id,
        pitch_version: nda.pitch_version,
        pitch_version_sha256: &version.content_sha256,
        document_sha256: signer.document_hash,
        owner_id: nda.owner_id,
        signer_id: nda.requester_id,
        signer_name: signer.full_name,
        signer_title: signer.title,
        signer_company: signer.company,
        signed_at: act.now.into(),
        expires_at: expires_at.into(),
        signed_copy_sha256: Some(&copy.hash),
    })?;
    let receipt = serde_json::to_value(receipt).map_err(|error| Error::Internal(error.into()))?;
    let sealed = |column: &str, text: Option<&str>| {
        let place = sealed_place(column, nda.id);
        let sealed = text.map(|text| state.sealer.seal(&place, text)).transpose();
        sealed.map_err(|error| Error::Internal(error.into()))
    };
    let ip_address = sealed("ip_address", act.origin.ip.as_deref())?;
    let user_agent = sealed("user_agent", act.origin.user_agent.as_deref())?;
    let signed_copy = sealed("signed_copy", Some(&STANDARD.encode(&copy.pdf)))?;
    let signature = Signature {
        signed_at: act.now,
        expires_at,
        signer_name: signer.full_name,
        signer_title: signer.title,
        signer_company: signer.company,
        ip_address: ip_address.as_deref(),
        user_agent: user_agent.as_deref(),
        receipt: &receipt,
        signed_copy: signed_copy.as_deref(),
        signed_copy_hash: &copy.hash,
    };
    let Some(nda) = ndas::sign(tx, id, signer.document_hash, &signature).await? else {
        return lost(tx, act, id, NdaStatus::Signed).await;
    };
    pitches::count_signed(tx, nda.pitch_id, 1).await?;
    record(tx, act.origin, Some(act.actor.id), "nda.signed", Some(NdaStatus::Approved), &nda);
    let event =
        NdaSigned { parties: parties(tx, &nda).await?, signed_at: act.now, expires_at: nda.expires_at };
    outbox::append(tx, &event)?;
    Ok(Moved::now(nda))
}

/// What a sealed column of an NDA is bound to.
pub fn sealed_place(column: &str, nda: i32) -> String {
    format!("ndas.{column}/{nda}")
}
