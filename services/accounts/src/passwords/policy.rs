//! Which new passwords are good enough.
//!
//! `common.txt`: the passwords of at least ten characters from two public lists, lower-cased, sorted: the 20,000 most common of Django 5.2
//! (`common-passwords.txt.gz`, BSD-3-Clause) and the 30,000 of zxcvbn 4.5 (`frequency_lists`, MIT).

use std::collections::HashSet;
use std::sync::LazyLock;

const SHORTEST: usize = 10;
const LONGEST: usize = 200;

static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("common.txt").lines().collect());

/// Whether `password` may be chosen: 10 to 200 characters, and not one of those that are tried first. For `#[garde(custom(acceptable))]`.
pub fn acceptable(password: &str, _: &()) -> garde::Result {
    let length = password.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        return Err(garde::Error::new(format!("A password has {SHORTEST} to {LONGEST} characters.")));
    }
    if COMMON.contains(password.to_lowercase().as_str()) {
        return Err(garde::Error::new("This password is one of the most common ones."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_characters() {
        assert!(acceptable("ninechars", &()).is_err());
        assert!(acceptable("tencharsss", &()).is_ok());
        assert!(acceptable(&"ß".repeat(200), &()).is_ok());
        assert!(acceptable(&"ß".repeat(201), &()).is_err());
    }

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        assert!(COMMON.len() > 2_000);
        for common in ["1234567890", "Qwertyuiop", "basketball"] {
            assert!(acceptable(common, &()).is_err(), "{common}");
        }
    }
}
