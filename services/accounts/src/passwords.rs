//! Passwords: hashed slowly, off the workers, a few at a time.

mod policy;

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use policy::acceptable;

use crate::error::Error;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

pitchey_config::settings! {
    /// How much of the machine passwords may take.
    pub struct Hashing {
        /// Hashes computed at the same time: each takes a core for some 30 ms, and 19 MiB.
        pub at_once: usize = 2,
        /// Milliseconds that a request waits for its turn before the answer is 503.
        pub wait_ms: u64 = 2_000,
    }
}

/// Hashes and verifies.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
    patience: Duration,
    /// A hash like any other, of a password that nobody knows: verified where there is none, so that it takes as long.
    nobody: Arc<str>,
}

/// Whether a password was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No.
    Wrong,
    /// Yes.
    Right,
    /// Yes, and the hash is of a kind that is to be replaced.
    RightButOutdated,
}

impl Passwords {
    pub fn new(settings: &Hashing) -> Result<Self, argon2::password_hash::Error> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let unknown: [u8; 32] = rand::random();
        let nobody: PasswordHash = argon2.hash_password(&unknown)?;
        Ok(Self {
            argon2,
            permits: Arc::new(Semaphore::new(settings.at_once)),
            patience: Duration::from_millis(settings.wait_ms),
            nobody: nobody.to_string().into(),
        })
    }

    /// The hash to store for `password`, a PHC string.
    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        self.off_the_workers(move || {
            let hash: PasswordHash = argon2.hash_password(password.as_bytes()).map_err(|_| Error::Hashing)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` is the one of `hash`. Without a usable hash it is wrong, after as much work.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<Verdict, Error> {
        let scheme = Scheme::of(hash);
        let (argon2, nobody) = (self.argon2.clone(), Arc::clone(&self.nobody));
        let (password, hash) = (password.to_owned(), hash.unwrap_or_default().to_owned());
        self.off_the_workers(move || {
            Ok(match scheme {
                Scheme::Argon2id { current } if is_argon2(&argon2, &password, &hash) => {
                    if current {
                        Verdict::Right
                    } else {
                        Verdict::RightButOutdated
                    }
                }
                Scheme::Bcrypt if bcrypt::verify(&password, &hash).unwrap_or(false) => {
                    Verdict::RightButOutdated
                }
                Scheme::Argon2id { .. } | Scheme::Bcrypt => Verdict::Wrong,
                Scheme::None => {
                    is_argon2(&argon2, &password, &nobody);
                    Verdict::Wrong
                }
            })
        })
        .await
    }

    async fn off_the_workers<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.permit().await?;
        let work = tokio::task::spawn_blocking(move || {
            let result = work();
            // Given back when the work ends, not when the client stops waiting for it.
            drop(permit);
            result
        });
        work.await.map_err(|_| Error::Hashing)?
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        match tokio::time::timeout(self.patience, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => {
                metrics::counter!("password_hashing_refused_total").increment(1);
                Err(Error::Busy)
            }
        }
    }
}

fn is_argon2(argon2: &Argon2<'_>, password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Argon2id { current: bool },
    Bcrypt,
    None,
}

impl Scheme {
    fn of(hash: Option<&str>) -> Self {
        let Some(hash) = hash else { return Self::None };
        if ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix)) {
            return Self::Bcrypt;
        }
        match PasswordHash::new(hash) {
            Ok(hash)
                if hash.algorithm.as_str() == "argon2id" && hash.hash.is_some() && hash.salt.is_some() =>
            {
                let at_least =
                    |name, least| hash.params.get_decimal(name).is_some_and(|value| value >= least);
                Self::Argon2id { current: at_least("m", MEMORY_KIB) && at_least("t", PASSES) }
            }
            _ => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords(at_once: usize) -> Passwords {
        Passwords::new(&Hashing { at_once, wait_ms: 5 }).unwrap()
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_of_the_house_and_verifies() {
        let passwords = passwords(1);
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(passwords.verify("correct horse", Some(&hash)).await.unwrap(), Verdict::Right);
        assert_eq!(passwords.verify("correct horsf", Some(&hash)).await.unwrap(), Verdict::Wrong);
        assert_eq!(
            Scheme::of(Some(&passwords.nobody)),
            Scheme::of(Some(&hash)),
            "nobody's hash costs the same"
        );
    }

    #[tokio::test]
    async fn bcrypt_and_weaker_argon2_are_right_but_outdated() {
        let passwords = passwords(1);
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8_192, 1, 1, None).unwrap());
        let weak: PasswordHash = weak.hash_password(b"secret").unwrap();
        for hash in [bcrypt::hash("secret", 4).unwrap(), weak.to_string()] {
            assert_eq!(
                passwords.verify("secret", Some(&hash)).await.unwrap(),
                Verdict::RightButOutdated,
                "{hash}"
            );
            assert_eq!(passwords.verify("other", Some(&hash)).await.unwrap(), Verdict::Wrong, "{hash}");
        }
    }

    #[tokio::test]
    async fn what_is_no_hash_never_verifies() {
        let passwords = passwords(1);
        for hash in
            [None, Some(""), Some("secret"), Some("$argon2id$v=19$m=19456,t=2,p=1"), Some("$2b$"), Some("*")]
        {
            assert_eq!(passwords.verify("secret", hash).await.unwrap(), Verdict::Wrong, "{hash:?}");
            assert_eq!(passwords.verify("", hash).await.unwrap(), Verdict::Wrong, "{hash:?}");
        }
    }

    #[tokio::test]
    async fn a_missing_hash_waits_for_its_turn_like_any_other() {
        let passwords = passwords(0);
        for hash in [None, Some("")] {
            assert!(matches!(passwords.verify("secret", hash).await, Err(Error::Busy)));
        }
    }
}
