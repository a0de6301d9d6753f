//! DKIM signatures (RFC 6376, RFC 8463). lettre's own come with second copies of RSA, SHA-2 and Ed25519; the keys here are ring's.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// What is signed, where a mail has it. RFC 8058 wants the two about unsubscribing among them.
const SIGNED: [&str; 12] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Auto-Submitted",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];
/// Characters of base64 on a line.
const LINE: usize = 70;

/// Signs mails for a domain.
pub(super) struct Dkim {
    domain: String,
    selector: String,
    key: Key,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

/// The key can't be used.
#[derive(Debug, thiserror::Error)]
#[error("it is to be a private key in PKCS #8: RSA of 2048 bits or more, or Ed25519; as PEM or its base64")]
pub(crate) struct BadKey;

/// A mail can't be signed.
#[derive(Debug, thiserror::Error)]
#[error("the mail could not be signed")]
pub(super) struct Unsigned;

impl Dkim {
    pub(super) fn new(domain: &str, selector: &str, key: &SecretString) -> Result<Self, BadKey> {
        let base64: String = key
            .expose_secret()
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .flat_map(|line| line.chars().filter(|c| !c.is_whitespace()))
            .collect();
        let der = STANDARD.decode(base64).map_err(|_| BadKey)?;
        let key = match RsaKeyPair::from_pkcs8(&der) {
            Ok(key) => Key::Rsa(Box::new(key)),
            Err(_) => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map(Key::Ed25519).map_err(|_| BadKey)?
            }
        };
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), key })
    }

    /// `mail` with its signature in front.
    pub(super) fn sign(&self, mail: &[u8], at: DateTime<Utc>) -> Result<Vec<u8>, Unsigned> {
        let text = std::str::from_utf8(mail).map_err(|_| Unsigned)?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or(Unsigned)?;
        let fields = fields(head);
        let signed: Vec<&str> =
            SIGNED.into_iter().filter(|name| fields.contains_key(&name.to_lowercase())).collect();
        let algorithm = match self.key {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        };
        let unsigned = format!(
            "DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed; d={}; s={};\r\n\tt={}; h={};\r\n\tbh={};\r\n\tb=",
            self.domain,
            self.selector,
            at.timestamp(),
            signed.join(":\r\n\t "),
            STANDARD.encode(Sha256::digest(relaxed_body(body))),
        );
        let mut input = String::new();
        for name in &signed {
            let name = name.to_lowercase();
            let value = fields.get(&name).ok_or(Unsigned)?;
            input.push_str(&format!("{name}:{}\r\n", relaxed(value)));
        }
        let own = unsigned.split_once(':').map(|(_, value)| relaxed(value)).ok_or(Unsigned)?;
        input.push_str(&format!("dkim-signature:{own}"));
        let signature = STANDARD.encode(self.signature(input.as_bytes())?);
        let mut out = unsigned.into_bytes();
        for line in signature.as_bytes().chunks(LINE) {
            out.extend_from_slice(b"\r\n\t ");
            out.extend_from_slice(line);
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(mail);
        Ok(out)
    }

    fn signature(&self, input: &[u8]) -> Result<Vec<u8>, Unsigned> {
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature)
                    .map_err(|_| Unsigned)?;
                Ok(signature)
            }
            // RFC 8463: the digest is what is signed.
            Key::Ed25519(key) => Ok(key.sign(&Sha256::digest(input)).as_ref().to_vec()),
        }
    }
}

/// The fields of a head by their names in lower case, still folded. Each is there once: we wrote it.
fn fields(head: &str) -> HashMap<String, String> {
    let mut fields = HashMap::new();
    let mut last = None;
    for line in head.split("\r\n") {
        match (line.starts_with([' ', '\t']), line.split_once(':'), &last) {
            (true, _, Some(name)) => {
                if let Some(value) = fields.get_mut(name) {
                    let value: &mut String = value;
                    value.push_str(line);
                }
            }
            (false, Some((name, value)), _) => {
                let name = name.trim_end().to_lowercase();
                fields.insert(name.clone(), value.to_owned());
                last = Some(name);
            }
            _ => {}
        }
    }
    fields
}

/// The value of a field in its relaxed form: on one line, runs of spaces as one, none around it.
fn relaxed(value: &str) -> String {
    value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A body in its relaxed form: runs of spaces as one, none at the ends of lines, no empty lines at its end.
fn relaxed_body(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut empty = 0;
    for line in body.split("\r\n") {
        let mut canonical = String::with_capacity(line.len());
        for c in line.chars() {
            match c {
                ' ' | '\t' if canonical.ends_with(' ') => {}
                ' ' | '\t' => canonical.push(' '),
                c => canonical.push(c),
            }
        }
        let canonical = canonical.trim_end_matches(' ');
        if canonical.is_empty() {
            empty += 1;
            continue;
        }
        out.push_str(&"\r\n".repeat(empty));
        empty = 0;
        out.push_str(canonical);
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{relaxed, relaxed_body};

    /// The example of RFC 6376, 3.4.5.
    #[test]
    fn the_relaxed_form_is_that_of_the_standard() {
        assert_eq!(relaxed(" X "), "X");
        assert_eq!(relaxed(" Y\t\r\n\tZ  "), "Y Z");
        assert_eq!(relaxed_body(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
    }

    #[test]
    fn what_is_empty_stays_empty_and_gaps_inside_stay() {
        assert_eq!(relaxed_body(""), "");
        assert_eq!(relaxed_body("\r\n\r\n"), "");
        assert_eq!(relaxed_body("a\r\n\r\nb"), "a\r\n\r\nb\r\n");
    }
}
