//! Codes by time (RFC 6238), and codes for who lost the device.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use pitchey_events::UserId;
use totp_rs::{Builder, Secret, Totp};

use crate::error::Error;

/// Bytes of a shared secret: as long as the hash, as RFC 4226 wants it.
const SECRET_LENGTH: usize = 20;
/// Recovery codes that a user gets.
const RECOVERY_CODES: usize = 10;
const ISSUER: &str = "Pitchey";

/// A new shared secret.
pub fn new_secret() -> Secret {
    Secret::new_stack(rand::random::<[u8; SECRET_LENGTH]>())
}

/// The secret that is written as `base32`.
pub fn secret(base32: &str) -> Result<Secret, Error> {
    Secret::try_from_base32(base32).map_err(|_| Error::SecondFactorBroken)
}

/// Where a user's secret is sealed to.
pub fn place(user: UserId) -> String {
    format!("user_totp|secret|{user}")
}

fn totp(secret: Secret, account: &str) -> Result<Totp, Error> {
    // A colon would part the account's name from the issuer's.
    let account = account.replace(':', " ");
    Builder::new()
        .with_secret(secret)
        .with_account_name(account)
        .with_issuer(Some(ISSUER))
        .build()
        .map_err(|_| Error::SecondFactorBroken)
}

/// The address that a code of squares shows to an app.
pub fn url(secret: Secret, account: &str) -> Result<String, Error> {
    totp(secret, account)?.to_url().map_err(|_| Error::SecondFactorBroken)
}

/// The time step that `code` belongs to, if it is one of now, or of the step before or after.
pub fn step(secret: Secret, code: &str, now: DateTime<Utc>) -> Result<Option<i64>, Error> {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    let step = totp(secret, "")?.check(code, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

/// New recovery codes: 80 random bits each.
pub fn recovery_codes() -> Vec<String> {
    let code = || {
        let text = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 10]>());
        format!("{}-{}", &text[..7], &text[7..])
    };
    std::iter::repeat_with(code).take(RECOVERY_CODES).collect()
}

/// What was typed, as codes are written: people put spaces into numbers.
pub fn tidy(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B: the secret in ASCII; six digits are the last six of its eight.
        let secret = || Secret::new_stack(*b"12345678901234567890");
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let now = DateTime::from_timestamp(seconds, 0).unwrap();
            assert_eq!(step(secret(), code, now).unwrap(), Some(seconds / 30), "{code}");
            let later = now + chrono::TimeDelta::seconds(61);
            assert_eq!(step(secret(), code, later).unwrap(), None, "{code} is over");
        }
        let now = DateTime::from_timestamp(59, 0).unwrap();
        for code in ["", "28708", "2870820", "abcdef", "-87082"] {
            assert_eq!(step(secret(), code, now).unwrap(), None, "{code}");
        }
    }

    #[test]
    fn an_app_is_told_all_it_needs() {
        let url = url(Secret::new_stack([7; 20]), "ada@example.test").unwrap();
        assert!(url.starts_with("otpauth://totp/Pitchey:ada"), "{url}");
        assert!(url.contains("secret=") && url.contains("issuer=Pitchey"), "{url}");
    }

    #[test]
    fn recovery_codes_are_long_and_never_alike() {
        let codes = recovery_codes();
        let distinct: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!((codes.len(), distinct.len(), codes[0].len()), (10, 10, 15));
    }
}
