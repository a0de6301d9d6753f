//! Tokens in mails: made again whenever they are needed, from a key that is not in the database.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use pitchey_events::UserId;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// What a mailed token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    EmailVerification,
    PasswordReset,
    DataExport,
}

impl Purpose {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmailVerification => "email_verification",
            Self::PasswordReset => "password_reset",
            Self::DataExport => "data_export",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::EmailVerification, Self::PasswordReset, Self::DataExport]
            .into_iter()
            .find(|purpose| purpose.as_str() == word)
    }

    /// How long the token works.
    pub const fn lifetime(self) -> TimeDelta {
        match self {
            Self::EmailVerification => TimeDelta::hours(24),
            Self::PasswordReset => TimeDelta::hours(1),
            Self::DataExport => TimeDelta::days(7),
        }
    }
}

/// The key in the settings can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of mail tokens is not 32 bytes in base64")]
pub struct BadKey;

/// Makes them.
#[derive(Clone)]
pub struct MailTokens(Hmac<Sha256>);

impl MailTokens {
    pub fn new(key: &SecretString) -> Result<Self, BadKey> {
        let bytes = STANDARD.decode(key.expose_secret().trim()).ok().filter(|bytes| bytes.len() == 32);
        let mac = bytes.and_then(|bytes| Hmac::new_from_slice(&bytes).ok());
        mac.map(Self).ok_or(BadKey)
    }

    /// The token; the same for the same three.
    pub fn token(&self, purpose: Purpose, user: UserId, nonce: &[u8]) -> String {
        let mac = self.0.clone().chain_update(format!("{}|{user}|", purpose.as_str())).chain_update(nonce);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for MailTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailTokens")
    }
}
