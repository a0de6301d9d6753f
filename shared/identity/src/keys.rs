use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit};
use pitchey_events::Service;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

pitchey_config::settings! {
    /// Keys that prove which service is calling.
    pub struct Identity {
        /// By the name of a service that this one calls: the key to sign with.
        pub calls: BTreeMap<String, SecretString> = BTreeMap::new(),
        /// By the name of a service that may call this one: the keys it may have signed with, separated by commas.
        pub accepts: BTreeMap<String, SecretString> = BTreeMap::new(),
    }
}

/// A key in the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadKey {
    /// There is no such service.
    #[error("identity key for `{0}`: no such service")]
    Service(String),
    /// Not 32 bytes of base64.
    #[error("identity key for `{0}`: not 32 bytes in base64")]
    Key(String),
}

/// By service, in order of preference. Each has taken its key in already: a clone signs or checks one message.
pub(crate) type Keys = BTreeMap<Service, Vec<Hmac<Sha256>>>;

pub(crate) fn parse(configured: &BTreeMap<String, SecretString>) -> Result<Keys, BadKey> {
    configured
        .iter()
        .map(|(name, keys)| {
            let service: Service = name.parse().map_err(|_| BadKey::Service(name.clone()))?;
            let keys = keys.expose_secret().split(',').map(|key| {
                let bytes = STANDARD.decode(key.trim()).ok().filter(|bytes| bytes.len() == 32);
                bytes
                    .and_then(|bytes| Hmac::new_from_slice(&bytes).ok())
                    .ok_or_else(|| BadKey::Key(name.clone()))
            });
            Ok((service, keys.collect::<Result<_, _>>()?))
        })
        .collect()
}
