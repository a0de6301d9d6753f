//! Webhook signatures: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>]`, HMAC-SHA256 over `<t>.<raw body>`.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How old, or how far ahead of our clock, a signature may be, in seconds.
const TOLERANCE: i64 = 300;

/// What webhooks may be signed with: one secret, or two while one replaces the other.
#[derive(Clone)]
pub struct Secrets(Vec<SecretString>);

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// There is no signature of the kind that is known.
    #[error("no signature")]
    Unsigned,
    /// Too old, or from the future.
    #[error("signed {0} s ago")]
    Untimely(i64),
    /// No signature fits.
    #[error("the signature does not fit")]
    Unfitting,
}

impl Secrets {
    /// From the setting: separated by commas.
    pub fn new(setting: &SecretString) -> Self {
        let secrets = setting.expose_secret().split(',').map(str::trim).filter(|secret| !secret.is_empty());
        Self(secrets.map(|secret| SecretString::from(secret.to_owned())).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `body` was signed with one of the secrets, as `header` says, around `now`.
    ///
    /// # Errors
    /// It was not.
    pub fn verify(&self, header: &str, body: &[u8], now: DateTime<Utc>) -> Result<(), Forged> {
        let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
        let time = parts().find(|(name, _)| *name == "t").map(|(_, value)| value).ok_or(Forged::Unsigned)?;
        let seconds: i64 = time.parse().map_err(|_| Forged::Unsigned)?;
        let signatures: Vec<Vec<u8>> =
            parts().filter(|(name, _)| *name == "v1").filter_map(|(_, hex)| decode(hex)).collect();
        if signatures.is_empty() {
            return Err(Forged::Unsigned);
        }
        let age = now.timestamp().saturating_sub(seconds);
        if age.saturating_abs() > TOLERANCE {
            return Err(Forged::Untimely(age));
        }
        let fits = |secret: &SecretString| {
            signatures.iter().any(|signature| {
                let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
                    return false;
                };
                // In constant time.
                mac.chain_update(time.as_bytes())
                    .chain_update(b".")
                    .chain_update(body)
                    .verify_slice(signature)
                    .is_ok()
            })
        };
        if self.0.iter().any(fits) { Ok(()) } else { Err(Forged::Unfitting) }
    }
}

fn decode(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(secret: &str, time: &str, body: &[u8]) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        let mac =
            mac.chain_update(time.as_bytes()).chain_update(b".").chain_update(body).finalize().into_bytes();
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={time},v1={hex}")
    }

    #[test]
    fn only_what_was_signed_now_with_a_known_secret_is_believed() {
        let secrets = Secrets::new(&SecretString::from("whsec_new,whsec_old"));
        let now: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let body = br#"{"id":"evt_1"}"#;
        let at = |seconds: i64| (now.timestamp() + seconds).to_string();
        let verify = |header: &str| secrets.verify(header, body, now);
        for secret in ["whsec_new", "whsec_old"] {
            for seconds in [-300, 0, 300] {
                assert_eq!(verify(&header(secret, &at(seconds), body)), Ok(()));
            }
        }
        let good = header("whsec_new", &at(0), body);
        let (time, signature) = good.split_once(',').unwrap();
        assert_eq!(
            verify(&format!("{time},v1={},{signature}", "0".repeat(64))),
            Ok(()),
            "one of several fits"
        );
        assert_eq!(verify(&format!("{time},v0=abc,{signature}")), Ok(()), "other schemes are passed over");
        assert_eq!(secrets.verify(&good, b"{}", now), Err(Forged::Unfitting));
        assert_eq!(verify(&header("whsec_other", &at(0), body)), Err(Forged::Unfitting));
        assert_eq!(
            verify(&format!("t={},{signature}", at(1))),
            Err(Forged::Unfitting),
            "the time is signed, too"
        );
        assert_eq!(verify(&header("whsec_new", &at(-301), body)), Err(Forged::Untimely(301)));
        assert_eq!(verify(&header("whsec_new", &at(301), body)), Err(Forged::Untimely(-301)));
        for nothing in [
            "",
            "t=1",
            signature,
            time,
            &good.replace("v1", "v0"),
            "t=x,v1=00",
            &format!("t={},v1=zz", at(0)),
        ] {
            assert_eq!(verify(nothing), Err(Forged::Unsigned), "{nothing}");
        }
        assert_eq!(verify(&format!("t={},{signature}", i64::MIN)), Err(Forged::Untimely(i64::MAX)));
    }
}
