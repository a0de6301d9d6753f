#![doc = include_str!("../README.md")]

use std::fmt;

use aes_gcm::aead::{Aead, AeadCore, Generate, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const VERSION: &str = "s1";
const NONCE_LENGTH: usize = 12;

/// A key in the settings can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealing key is not 32 bytes in base64")]
pub struct BadKey;

/// A sealed text that does not open. For logs: it says nothing about the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not in the form of a sealed text.
    #[error("not a sealed text")]
    Malformed,
    /// Sealed with a key that is not configured here.
    #[error("sealed with another key")]
    UnknownKey,
    /// Sealed for another place, or changed since.
    #[error("sealed for another place, or changed")]
    WrongPlace,
    /// The system has no randomness to give.
    #[error("no randomness for a nonce")]
    NoRandomness,
}

/// Seals and opens texts.
#[derive(Clone)]
pub struct Sealer {
    seals_with: Key,
    opens_too: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: String,
    cipher: Aes256Gcm,
}

impl Sealer {
    /// With `keys` as configured: the first seals, all open.
    ///
    /// # Errors
    /// A key is not 32 bytes in base64.
    pub fn new(keys: &SecretString) -> Result<Self, BadKey> {
        let mut keys = keys.expose_secret().split(',').map(Key::parse);
        let seals_with = keys.next().ok_or(BadKey)??;
        Ok(Self { seals_with, opens_too: keys.collect::<Result<_, _>>()? })
    }

    /// The id of the key that seals, as [`Sealer::seal`] writes it.
    pub fn key_id(&self) -> &str {
        &self.seals_with.id
    }

    /// `text`, sealed to `place`.
    ///
    /// # Errors
    /// Only [`Error::NoRandomness`].
    pub fn seal(&self, place: &str, text: &str) -> Result<String, Error> {
        let nonce =
            Nonce::<<Aes256Gcm as AeadCore>::NonceSize>::try_generate().map_err(|_| Error::NoRandomness)?;
        let payload = Payload { msg: text.as_bytes(), aad: place.as_bytes() };
        // Only a text of more than 64 GiB fails.
        let ciphertext = self.seals_with.cipher.encrypt(&nonce, payload).map_err(|_| Error::Malformed)?;
        let sealed = URL_SAFE_NO_PAD.encode([&nonce[..], &ciphertext].concat());
        Ok(format!("{VERSION}.{}.{sealed}", self.seals_with.id))
    }

    /// What was sealed to `place`.
    ///
    /// # Errors
    /// It does not open here.
    pub fn open(&self, place: &str, sealed: &str) -> Result<String, Error> {
        let mut parts = sealed.splitn(3, '.');
        let (Some(VERSION), Some(id), Some(sealed)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::Malformed);
        };
        let mut keys = std::iter::once(&self.seals_with).chain(&self.opens_too);
        let key = keys.find(|key| key.id == id).ok_or(Error::UnknownKey)?;
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| Error::Malformed)?;
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LENGTH).ok_or(Error::Malformed)?;
        let nonce =
            Nonce::<<Aes256Gcm as AeadCore>::NonceSize>::try_from(nonce).map_err(|_| Error::Malformed)?;
        let payload = Payload { msg: ciphertext, aad: place.as_bytes() };
        let text = key.cipher.decrypt(&nonce, payload).map_err(|_| Error::WrongPlace)?;
        String::from_utf8(text).map_err(|_| Error::Malformed)
    }
}

/// A new key, as [`Sealer::new`] takes it: for who keeps keys of keys.
///
/// # Errors
/// Only [`Error::NoRandomness`].
pub fn draw_key() -> Result<SecretString, Error> {
    let key = aes_gcm::Key::<Aes256Gcm>::try_generate().map_err(|_| Error::NoRandomness)?;
    Ok(SecretString::from(STANDARD.encode(key)))
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({})", self.seals_with.id)
    }
}

impl Key {
    fn parse(text: &str) -> Result<Self, BadKey> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| BadKey)?;
        let cipher = Aes256Gcm::new_from_slice(&bytes).map_err(|_| BadKey)?;
        let digest = Sha256::new_with_prefix(b"pitchey-seal").chain_update(&bytes).finalize();
        Ok(Self { id: URL_SAFE_NO_PAD.encode(&digest[..6]), cipher })
    }
}
