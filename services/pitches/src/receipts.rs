//! Receipts that anybody can verify without us: canonical JSON, signed with Ed25519.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::content::{canonical, sha256};
use crate::error::Error;

/// The key in the settings can't be used.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("PITCHES_RECEIPT_SIGNING_KEY is not 32 bytes in base64")]
pub struct BadKey;

/// Signs receipts.
#[derive(Clone)]
pub struct ReceiptKey(SigningKey);

/// A statement with the platform's signature over its canonical form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// What is stated.
    #[schema(value_type = Object)]
    pub statement: Value,
    /// `Ed25519` over the canonical JSON (RFC 8785) of the statement.
    pub algorithm: String,
    /// Begin of the SHA-256 of the public key.
    pub key_id: String,
    /// 32 bytes, base64. Compare it with the published keys.
    pub public_key: String,
    /// 64 bytes, base64.
    pub signature: String,
}

impl ReceiptKey {
    pub fn new(key: &SecretString) -> Result<Self, BadKey> {
        let bytes = STANDARD.decode(key.expose_secret().trim()).map_err(|_| BadKey)?;
        Ok(Self(SigningKey::from_bytes(&bytes.try_into().map_err(|_| BadKey)?)))
    }

    /// Signs `statement`.
    pub fn sign(&self, statement: &impl Serialize) -> Result<Receipt, Error> {
        let signature = self.0.sign(canonical(statement)?.as_bytes());
        let public = self.0.verifying_key();
        Ok(Receipt {
            statement: serde_json::to_value(statement).map_err(|error| Error::Internal(error.into()))?,
            algorithm: "Ed25519".to_owned(),
            key_id: key_id(&public),
            public_key: STANDARD.encode(public.as_bytes()),
            signature: STANDARD.encode(signature.to_bytes()),
        })
    }

    /// Whether `receipt` was signed with this very key, and says what it said then.
    pub fn holds(&self, receipt: &Receipt) -> bool {
        receipt.public_key == STANDARD.encode(self.0.verifying_key().as_bytes()) && receipt.holds()
    }
}

impl Receipt {
    /// Whether the signature is that of the public key it names, over what it states: what anybody can check offline.
    pub fn holds(&self) -> bool {
        let check = || {
            let public: [u8; 32] = STANDARD.decode(&self.public_key).ok()?.try_into().ok()?;
            let public = VerifyingKey::from_bytes(&public).ok()?;
            let signature = Signature::from_slice(&STANDARD.decode(&self.signature).ok()?).ok()?;
            let text = canonical(&self.statement).ok()?;
            public.verify_strict(text.as_bytes(), &signature).ok()
        };
        self.algorithm == "Ed25519" && check().is_some()
    }
}

fn key_id(public: &VerifyingKey) -> String {
    sha256(public.as_bytes()).chars().take(16).collect()
}
