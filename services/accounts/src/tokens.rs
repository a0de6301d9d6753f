//! Tokens of sessions: 256 random bits that only the client keeps.
//!
//! A token is shown once and stored as its digest: SHA-256 over the token's text as the client sends it (ASCII, prefix included), in
//! lower-case hexadecimal. The gateway hashes the same text and asks by the 32 bytes of the digest.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Tells people and secret scanners what it is.
const ACCESS: &str = "pitchey_at_";
const REFRESH: &str = "pitchey_rt_";

/// A new token, and the digest to store.
pub struct Token {
    pub text: String,
    pub digest: String,
}

impl Token {
    pub fn access() -> Self {
        Self::new(ACCESS)
    }

    pub fn refresh() -> Self {
        Self::new(REFRESH)
    }

    fn new(prefix: &str) -> Self {
        let random: [u8; 32] = rand::random();
        let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random));
        let digest = hex(&digest(&text));
        Self { text, digest }
    }
}

/// What is stored of a token of any kind, by which it is found when it comes back.
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// As digests of sessions' tokens are written.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_sha_256_of_the_text_in_hexadecimal() {
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&digest("abc")), of_abc);
    }

    #[test]
    fn tokens_are_long_and_never_alike() {
        let (one, two) = (Token::access(), Token::access());
        assert_ne!(one.text, two.text);
        assert_eq!(one.text.len(), ACCESS.len() + 43);
        assert_eq!(one.digest, hex(&digest(&one.text)));
    }
}
