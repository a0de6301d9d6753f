//! Signatures of what the mail provider reports: Standard Webhooks (standardwebhooks.com), which several providers speak as they are and a small relay
//! makes of any other's.
//!
//! Headers `webhook-id`, `webhook-timestamp` (Unix seconds) and `webhook-signature`: a list, separated by spaces, of `v1,<base64>`, each the
//! HMAC-SHA256 of `<id>.<timestamp>.<body>` under one of the secrets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Seconds that the provider's clock may differ from ours, on the way included.
const SKEW: i64 = 300;
/// Shortest secret that is taken, in bytes.
const SHORTEST: usize = 24;
/// Longest id.
const ID: usize = 200;
const PREFIX: &str = "whsec_";

/// Checks signatures. Without a secret none holds.
#[derive(Clone, Default)]
pub(crate) struct Signatures(Vec<Hmac<Sha256>>);

/// A secret can't be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "NOTIFICATIONS_WEBHOOK_SECRET is to be whsec_ and 24 bytes or more in base64; several are separated by commas"
)]
pub(crate) struct BadSecret;

/// What came with a report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) id: &'a str,
    pub(crate) timestamp: &'a str,
    pub(crate) signatures: &'a str,
    pub(crate) body: &'a [u8],
}

impl Signatures {
    pub(crate) fn new(secrets: Option<&SecretString>) -> Result<Self, BadSecret> {
        let Some(secrets) = secrets else { return Ok(Self::default()) };
        let keys = secrets.expose_secret().split(',').map(|secret| {
            let key = STANDARD.decode(secret.trim().strip_prefix(PREFIX)?).ok()?;
            if key.len() < SHORTEST {
                return None;
            }
            Hmac::new_from_slice(&key).ok()
        });
        keys.collect::<Option<Vec<_>>>().map(Self).ok_or(BadSecret)
    }

    /// Whether somebody with a secret said this, and lately.
    pub(crate) fn hold(&self, signed: Signed<'_>, now: DateTime<Utc>) -> bool {
        let Signed { id, timestamp, signatures, body } = signed;
        let in_time = timestamp
            .parse::<i64>()
            .is_ok_and(|at| at.checked_sub(now.timestamp()).is_some_and(|age| age.abs() <= SKEW));
        if !in_time || id.is_empty() || id.len() > ID {
            return false;
        }
        let given = signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
        given.into_iter().any(|signature| {
            self.0.iter().any(|key| {
                let said = key.clone().chain_update(id).chain_update(".").chain_update(timestamp);
                said.chain_update(".").chain_update(body).verify_slice(&signature).is_ok()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn example() -> Signed<'static> {
        Signed {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: "1614265330",
            signatures: SIGNATURE,
            body: BODY,
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_example_of_the_specification_holds() {
        let signatures = Signatures::new(Some(&SecretString::from(SECRET))).unwrap();
        assert!(signatures.hold(example(), at(1_614_265_330)));
        let others = format!("v1a,xxx v1,AAAA {SIGNATURE}");
        assert!(signatures.hold(Signed { signatures: &others, ..example() }, at(1_614_265_330)), "one holds");
        let both = format!("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,{SECRET}");
        let rotating = Signatures::new(Some(&SecretString::from(both))).unwrap();
        assert!(rotating.hold(example(), at(1_614_265_330)));
    }

    #[test]
    fn nothing_else_holds() {
        let signatures = Signatures::new(Some(&SecretString::from(SECRET))).unwrap();
        let now = at(1_614_265_330);
        for wrong in [
            Signed { id: "msg_other", ..example() },
            Signed { timestamp: "1614265331", ..example() },
            Signed { timestamp: "-9223372036854775808", ..example() },
            Signed { signatures: "", ..example() },
            Signed { signatures: &SIGNATURE[3..], ..example() },
            Signed { body: b"{}", ..example() },
        ] {
            assert!(!signatures.hold(wrong, now), "{wrong:?}");
        }
        for late in [-301, 301] {
            assert!(!signatures.hold(example(), at(1_614_265_330 + late)), "{late}");
        }
        assert!(!Signatures::new(None).unwrap().hold(example(), now), "nobody is known");
    }

    #[test]
    fn weak_secrets_are_refused() {
        for secret in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!"] {
            assert!(Signatures::new(Some(&SecretString::from(secret))).is_err(), "{secret}");
        }
    }
}
