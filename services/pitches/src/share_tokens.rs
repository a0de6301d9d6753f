//! What stands in a shared link: which link it is and when it ends, signed, so that nobody makes up openings of a link that was never shared.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use pitchey_events::PitchId;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use uuid::Uuid;

const PURPOSE: &[u8] = b"pitchey.share.v1";
/// Link and end.
const SAID: usize = 16 + 8;

/// The key in the settings can't be used.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("PITCHES_SHARE_KEY is not 32 bytes in base64, or several of them separated by commas")]
pub struct BadKey;

/// Makes and reads them.
#[derive(Clone)]
pub struct ShareTokens {
    /// The first signs, all are accepted.
    keys: Vec<Hmac<Sha256>>,
    /// Where people reach the platform.
    public_url: String,
}

impl ShareTokens {
    pub fn new(keys: &SecretString, public_url: &str) -> Result<Self, BadKey> {
        let keys = keys.expose_secret().split(',').map(|key| {
            let bytes = STANDARD.decode(key.trim()).ok().filter(|bytes| bytes.len() == 32);
            bytes.and_then(|bytes| Hmac::new_from_slice(&bytes).ok()).ok_or(BadKey)
        });
        let public_url = public_url.trim_end_matches('/').to_owned();
        Ok(Self { keys: keys.collect::<Result<_, _>>()?, public_url })
    }

    /// The address to share.
    pub fn url(&self, pitch: PitchId, link: Uuid, expires_at: DateTime<Utc>) -> String {
        let mut said = [link.as_bytes().as_slice(), &expires_at.timestamp().to_be_bytes()].concat();
        if let Some(key) = self.keys.first() {
            let signature = mac(key, pitch, &said).finalize().into_bytes();
            said.extend_from_slice(&signature);
        }
        format!("{}/pitches/{pitch}?share={}", self.public_url, URL_SAFE_NO_PAD.encode(said))
    }

    /// The link that `token` is of, if it is ours, is to `pitch`, and has not ended.
    pub fn read(&self, pitch: PitchId, token: &str, now: DateTime<Utc>) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (said, signature) = bytes.split_at_checked(SAID)?;
        self.keys.iter().find(|key| mac(key, pitch, said).verify_slice(signature).is_ok())?;
        let (link, until) = said.split_first_chunk::<16>()?;
        let until = i64::from_be_bytes(until.try_into().ok()?);
        (now.timestamp() < until).then_some(Uuid::from_bytes(*link))
    }
}

fn mac(key: &Hmac<Sha256>, pitch: PitchId, said: &[u8]) -> Hmac<Sha256> {
    key.clone().chain_update(PURPOSE).chain_update(pitch.0.to_be_bytes()).chain_update(said)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn tokens(key: u8) -> ShareTokens {
        ShareTokens::new(&SecretString::from(STANDARD.encode([key; 32])), "https://pitchey.test/").unwrap()
    }

    #[test]
    fn a_token_is_good_for_its_pitch_until_its_end() {
        let (link, now) = (Uuid::now_v7(), DateTime::UNIX_EPOCH);
        let until = now + TimeDelta::days(1);
        let url = tokens(1).url(PitchId(5), link, until);
        let token = url.strip_prefix("https://pitchey.test/pitches/5?share=").unwrap();
        assert_eq!(tokens(1).read(PitchId(5), token, now), Some(link));
        assert_eq!(tokens(1).read(PitchId(6), token, now), None, "another pitch");
        assert_eq!(tokens(2).read(PitchId(5), token, now), None, "another key");
        assert_eq!(tokens(1).read(PitchId(5), token, until), None, "too late");
        for wrong in ["", "AAAA", &token[1..], &format!("{token}A")] {
            assert_eq!(tokens(1).read(PitchId(5), wrong, now), None, "{wrong}");
        }
    }
}
