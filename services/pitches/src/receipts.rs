//! Receipts that anybody can verify without us: canonical JSON, signed with Ed25519.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::content::{canonical, sha256};
use crate::error::Error;

const ALGORITHM: &str = "Ed25519";

/// A key in the settings can't be used.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("PITCHES_RECEIPT_SIGNING_KEY is not 32 bytes in base64, or several of them separated by commas")]
pub struct BadKey;

/// Signs receipts, and knows with which keys the platform ever did.
#[derive(Clone)]
pub struct ReceiptKeys {
    signs_with: SigningKey,
    /// Public ones, in the order of the settings.
    all: Vec<VerifyingKey>,
}

/// A key of the platform, as it is published.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishedKey {
    /// Begin of the SHA-256 of the public key: what receipts name.
    pub key_id: String,
    /// `Ed25519`.
    pub algorithm: String,
    /// 32 bytes, base64.
    pub public_key: String,
    /// It signs now; the others did once.
    pub current: bool,
}

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

impl ReceiptKeys {
    /// `keys` as configured: the first signs, all are known.
    pub fn new(keys: &SecretString) -> Result<Self, BadKey> {
        let keys = keys.expose_secret().split(',').map(|key| {
            let bytes = STANDARD.decode(key.trim()).map_err(|_| BadKey)?;
            Ok(SigningKey::from_bytes(&bytes.try_into().map_err(|_| BadKey)?))
        });
        let keys: Vec<SigningKey> = keys.collect::<Result<_, _>>()?;
        let all = keys.iter().map(SigningKey::verifying_key).collect();
        Ok(Self { signs_with: keys.into_iter().next().ok_or(BadKey)?, all })
    }

    /// The id of the key that signs.
    pub fn key_id(&self) -> String {
        key_id(&self.signs_with.verifying_key())
    }

    /// All keys, the one that signs first.
    pub fn published(&self) -> Vec<PublishedKey> {
        let all = self.all.iter().enumerate();
        let published = all.map(|(number, key)| PublishedKey {
            key_id: key_id(key),
            algorithm: ALGORITHM.to_owned(),
            public_key: STANDARD.encode(key.as_bytes()),
            current: number == 0,
        });
        published.collect()
    }

    /// Signs `statement`.
    pub fn sign(&self, statement: &impl Serialize) -> Result<Receipt, Error> {
        let signature = self.signs_with.sign(canonical(statement)?.as_bytes());
        let public = self.signs_with.verifying_key();
        Ok(Receipt {
            statement: serde_json::to_value(statement).map_err(|error| Error::Internal(error.into()))?,
            algorithm: ALGORITHM.to_owned(),
            key_id: key_id(&public),
            public_key: STANDARD.encode(public.as_bytes()),
            signature: STANDARD.encode(signature.to_bytes()),
        })
    }

    /// Whether `receipt` was signed with a key of ours, and says what it said then.
    pub fn holds(&self, receipt: &Receipt) -> bool {
        self.all.iter().any(|key| receipt.public_key == STANDARD.encode(key.as_bytes())) && receipt.holds()
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
        self.algorithm == ALGORITHM && check().is_some()
    }
}

fn key_id(public: &VerifyingKey) -> String {
    sha256(public.as_bytes()).chars().take(16).collect()
}
