//! Links to files that browsers can open, since they send no token with a picture or a video. A link says who was given it and in which session; whether
//! that person may still see the file is asked again when it is opened.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use pitchey_events::{MediaId, SessionId};
use pitchey_identity::Actor;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use uuid::Uuid;

/// How long a link can be opened.
const GOOD_FOR: TimeDelta = TimeDelta::minutes(10);
const PURPOSE: &[u8] = b"pitchey.media.v1";
/// Session and end.
const SAID: usize = 16 + 8;

/// The key in the settings can't be used.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("PITCHES_MEDIA__LINK_KEY is not 32 bytes in base64, or several of them separated by commas")]
pub struct BadKey;

/// Makes and reads links.
#[derive(Clone)]
pub struct Links {
    /// The first signs, all are accepted.
    keys: Vec<Hmac<Sha256>>,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub url: String,
    pub expires_at: DateTime<Utc>,
}

impl Links {
    pub fn new(keys: &SecretString) -> Result<Self, BadKey> {
        let keys = keys.expose_secret().split(',').map(|key| {
            let bytes = STANDARD.decode(key.trim()).ok().filter(|bytes| bytes.len() == 32);
            bytes.and_then(|bytes| Hmac::new_from_slice(&bytes).ok()).ok_or(BadKey)
        });
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// A link to `media` for `actor`.
    pub fn make(&self, media: MediaId, actor: &Actor, now: DateTime<Utc>) -> Link {
        let expires_at = now + GOOD_FOR;
        let mut said =
            [actor.session_id.0.as_bytes().as_slice(), &expires_at.timestamp().to_be_bytes()].concat();
        if let Some(key) = self.keys.first() {
            let signature = mac(key, media, &said).finalize().into_bytes();
            said.extend_from_slice(&signature);
        }
        Link { url: format!("{}?token={}", plain(media), URL_SAFE_NO_PAD.encode(said)), expires_at }
    }

    /// The session that was given the link, if it is ours, is to `media`, and can still be opened.
    pub fn read(&self, media: MediaId, token: &str, now: DateTime<Utc>) -> Option<SessionId> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (said, signature) = bytes.split_at_checked(SAID)?;
        self.keys.iter().find(|key| mac(key, media, said).verify_slice(signature).is_ok())?;
        let (session, until) = said.split_first_chunk::<16>()?;
        let until = i64::from_be_bytes(until.try_into().ok()?);
        (now.timestamp() < until).then_some(SessionId(Uuid::from_bytes(*session)))
    }
}

/// Where a file is for those who send a token, or for everybody.
pub fn plain(media: MediaId) -> String {
    format!("/api/media/{media}/file")
}

/// The file that an address of [`plain`] is of.
pub fn read_plain(address: &str) -> Option<MediaId> {
    address.strip_prefix("/api/media/")?.strip_suffix("/file")?.parse().ok()
}

fn mac(key: &Hmac<Sha256>, media: MediaId, said: &[u8]) -> Hmac<Sha256> {
    key.clone().chain_update(PURPOSE).chain_update(media.0.to_be_bytes()).chain_update(said)
}

#[cfg(test)]
mod tests {
    use pitchey_events::{UserId, UserType};
    use pitchey_testkit::actors;

    use super::*;

    fn links(keys: &[u8]) -> Links {
        let keys: Vec<String> = keys.iter().map(|key| STANDARD.encode([*key; 32])).collect();
        Links::new(&SecretString::from(keys.join(","))).unwrap()
    }

    fn token(link: &Link) -> &str {
        link.url.split_once("?token=").unwrap().1
    }

    #[test]
    fn a_link_opens_one_file_for_a_while() {
        let (links, now) = (links(&[1]), DateTime::UNIX_EPOCH);
        let actor = actors::with_id(UserId(7), UserType::Investor);
        let link = links.make(MediaId(5), &actor, now);
        let token = token(&link);
        assert!(link.url.starts_with("/api/media/5/file?token="));
        assert_eq!(links.read(MediaId(5), token, now), Some(actor.session_id));
        assert_eq!(links.read(MediaId(6), token, now), None);
        assert_eq!(links.read(MediaId(5), token, link.expires_at), None);
        for wrong in ["", "AAAA", &token[1..], &format!("{token}A"), &token.replace(&token[..4], "AAAA")] {
            assert_eq!(links.read(MediaId(5), wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn keys_are_replaced_without_breaking_links() {
        let actor = actors::with_id(UserId(7), UserType::Investor);
        let link = links(&[1]).make(MediaId(5), &actor, DateTime::UNIX_EPOCH);
        assert!(links(&[2, 1]).read(MediaId(5), token(&link), DateTime::UNIX_EPOCH).is_some());
        assert!(links(&[2]).read(MediaId(5), token(&link), DateTime::UNIX_EPOCH).is_none());
    }

    #[test]
    fn a_key_has_32_bytes() {
        assert!(Links::new(&SecretString::from("AAAA")).is_err());
    }
}
