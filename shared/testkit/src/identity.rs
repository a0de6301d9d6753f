//! Keys between services, the same in every test: whoever calls, whoever is called, they fit.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pitchey_clock::Clock;
use pitchey_events::Service;
use pitchey_identity::{Identity, Signer, Verifier};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// What `service` would be configured with: a key for each other service, both ways.
pub fn keys(service: Service) -> Identity {
    let keys = |key: &dyn Fn(Service) -> String| -> BTreeMap<String, SecretString> {
        let others = Service::ALL.iter().filter(|other| **other != service);
        others.map(|other| (other.to_string(), SecretString::from(key(*other)))).collect()
    };
    Identity { calls: keys(&|other| key(service, other)), accepts: keys(&|other| key(other, service)) }
}

/// The same as environment variables, for a process.
pub fn environment(service: Service) -> Vec<(String, String)> {
    let prefix = service.as_str().to_uppercase();
    let others = Service::ALL.iter().copied().filter(|other| *other != service);
    let both = others.flat_map(|other| {
        let name = other.as_str().to_uppercase();
        [
            (format!("{prefix}_IDENTITY__CALLS__{name}"), key(service, other)),
            (format!("{prefix}_IDENTITY__ACCEPTS__{name}"), key(other, service)),
        ]
    });
    both.collect()
}

/// Signs as `caller`.
pub fn signer(caller: Service) -> Signer {
    signer_by(caller, &Clock::system())
}

/// Signs as `caller`, by `clock`.
pub fn signer_by(caller: Service, clock: &Clock) -> Signer {
    Signer::new(caller, &keys(caller), clock.clone()).expect("good keys")
}

/// Checks for `service` who calls it.
pub fn verifier(service: Service) -> Verifier {
    Verifier::new(service, &keys(service), Clock::system()).expect("good keys")
}

fn key(caller: Service, callee: Service) -> String {
    STANDARD.encode(Sha256::digest(format!("a test's key of {caller} for {callee}")))
}
