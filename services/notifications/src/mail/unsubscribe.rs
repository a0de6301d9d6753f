//! The signed links that unsubscribe: who, from what, by which mail. They do not run out: a mail may lie for years before somebody has enough.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use pitchey_events::UserId;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::letter::Category;

/// What the signature is for, so that it is good for nothing else.
const PURPOSE: &[u8] = b"pitchey unsubscribe v1";
/// Of what is signed: user, category, mail.
const LENGTH: usize = 4 + 1 + 8;

/// Makes the links and reads them.
#[derive(Clone)]
pub(crate) struct Unsubscriber(Hmac<Sha256>);

/// What a link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unsubscription {
    pub(crate) user: UserId,
    pub(crate) category: Category,
    /// The mail it came with.
    pub(crate) email: i64,
}

/// The key can't be used.
#[derive(Debug, thiserror::Error)]
#[error("NOTIFICATIONS_UNSUBSCRIBE_KEY is to be 32 bytes or more in base64")]
pub(crate) struct BadKey;

impl Unsubscriber {
    pub(crate) fn new(key: &SecretString) -> Result<Self, BadKey> {
        let key =
            base64::engine::general_purpose::STANDARD.decode(key.expose_secret()).map_err(|_| BadKey)?;
        if key.len() < 32 {
            return Err(BadKey);
        }
        Hmac::new_from_slice(&key).map(Self).map_err(|_| BadKey)
    }

    /// The token of a link; `None` where there is nothing to unsubscribe from.
    pub(super) fn token(&self, unsubscription: Unsubscription) -> Option<String> {
        let (number, _) = Category::OPTIONAL.iter().find(|(_, one)| *one == unsubscription.category)?;
        let mut bytes = Vec::with_capacity(LENGTH + 32);
        bytes.extend(unsubscription.user.0.to_be_bytes());
        bytes.push(*number);
        bytes.extend(unsubscription.email.to_be_bytes());
        let signature = self.signed(&bytes).finalize().into_bytes();
        bytes.extend(signature);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What `token` says, if we signed it.
    pub(crate) fn read(&self, token: &str) -> Option<Unsubscription> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (said, signature) = bytes.split_at_checked(LENGTH)?;
        self.signed(said).verify_slice(signature).ok()?;
        let (user, rest) = said.split_first_chunk()?;
        let (number, email) = rest.split_first()?;
        let (_, category) = *Category::OPTIONAL.iter().find(|(one, _)| one == number)?;
        Some(Unsubscription {
            user: UserId(i32::from_be_bytes(*user)),
            category,
            email: i64::from_be_bytes(email.try_into().ok()?),
        })
    }

    fn signed(&self, said: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(PURPOSE).chain_update(said)
    }
}

/// Where a token is taken.
pub(super) fn path(token: &str) -> String {
    format!("/api/email/unsubscribe/{token}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsubscriber(key: u8) -> Unsubscriber {
        let key = base64::engine::general_purpose::STANDARD.encode([key; 32]);
        Unsubscriber::new(&SecretString::from(key)).unwrap()
    }

    #[test]
    fn a_token_says_what_it_was_made_of() {
        for (_, category) in Category::OPTIONAL {
            let said = Unsubscription { user: UserId(7), category, email: 1 << 40 };
            let token = unsubscriber(1).token(said).unwrap();
            assert_eq!(unsubscriber(1).read(&token), Some(said));
            assert_eq!(unsubscriber(2).read(&token), None, "another key");
        }
        let transactional = Unsubscription { user: UserId(7), category: Category::Transactional, email: 1 };
        assert_eq!(unsubscriber(1).token(transactional), None);
    }

    #[test]
    fn a_token_that_was_touched_says_nothing() {
        let said = Unsubscription { user: UserId(7), category: Category::Messages, email: 9 };
        let token = unsubscriber(1).token(said).unwrap();
        for at in 0..token.len() {
            let mut touched = token.clone().into_bytes();
            touched[at] = if touched[at] == b'A' { b'B' } else { b'A' };
            let touched = String::from_utf8(touched).unwrap();
            assert!(touched == token || unsubscriber(1).read(&touched) != Some(said), "{at}");
        }
        for nonsense in ["", "AAAA", "!", &token[1..]] {
            assert_eq!(unsubscriber(1).read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_weak_key_is_refused() {
        for key in ["", "not base64!", "c2hvcnQ="] {
            assert!(Unsubscriber::new(&SecretString::from(key)).is_err(), "{key}");
        }
    }
}
