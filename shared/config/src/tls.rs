//! TLS inside the platform, by configuration. The files are read with the settings, so that one that can't be used is told at the start with
//! whatever else is wrong.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::{Reader, Setting};

/// Who may vouch for the servers that a process connects to: the authorities in the file that `PITCHEY_TLS__AUTHORITIES` names, and nobody else.
/// By default nobody, and a connection that asks for TLS is not made. Every section that connects has it; it is read at the same place for all.
#[derive(Clone, Default)]
pub struct Trust(Option<Arc<Authorities>>);

struct Authorities {
    pem: Vec<u8>,
    client: Arc<ClientConfig>,
}

/// TLS was asked for, and nobody may vouch for the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("asks for TLS, but nobody may vouch for the other side: set PITCHEY_TLS__AUTHORITIES")]
pub struct Nobody;

/// What vouches for this process, from the files of `PITCHEY_TLS__CERTIFICATE` and `PITCHEY_TLS__KEY`. With it all of its doors speak TLS and nothing
/// else; by default they are plain.
#[derive(Clone, Default)]
pub struct Certificate(Option<Arc<Shown>>);

struct Shown {
    chain: Vec<u8>,
    key: Vec<u8>,
    server: ServerConfig,
}

impl Trust {
    /// The authorities in `pem`.
    ///
    /// # Errors
    /// There is none, or one that can't be understood.
    pub fn new(pem: Vec<u8>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for authority in certificates(&pem)? {
            roots.add(authority).map_err(|error| format!("holds what is no authority: {error}"))?;
        }
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Some(Arc::new(Authorities { pem, client: Arc::new(client) }))))
    }

    /// What to connect with: chain and name of the server are verified.
    ///
    /// # Errors
    /// There are no authorities.
    pub fn client(&self) -> Result<Arc<ClientConfig>, Nobody> {
        self.0.as_ref().map(|authorities| Arc::clone(&authorities.client)).ok_or(Nobody)
    }

    /// The authorities, as in their file.
    ///
    /// # Errors
    /// There are none.
    pub fn pem(&self) -> Result<&[u8], Nobody> {
        self.0.as_ref().map(|authorities| authorities.pem.as_slice()).ok_or(Nobody)
    }
}

impl Certificate {
    /// The certificate in `chain`, with what stands between it and the authority, and its key.
    ///
    /// # Errors
    /// They can't be understood, or do not belong together.
    pub fn new(chain: Vec<u8>, key: Vec<u8>) -> Result<Self, String> {
        let own = PrivateKeyDer::from_pem_slice(&key).map_err(|error| format!("holds no key: {error}"))?;
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(certificates(&chain)?, own)
            .map_err(|error| format!("does not belong to the certificate: {error}"))?;
        Ok(Self(Some(Arc::new(Shown { chain, key, server }))))
    }

    /// What to serve with; `None`: plain.
    pub fn server(&self) -> Option<ServerConfig> {
        self.0.as_ref().map(|shown| shown.server.clone())
    }

    /// Certificate and key, as in their files; `None`: plain.
    pub fn pem(&self) -> Option<(&[u8], &[u8])> {
        self.0.as_ref().map(|shown| (shown.chain.as_slice(), shown.key.as_slice()))
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("is not PEM: {error}"))?;
    if all.is_empty() { Err("holds no certificate".to_owned()) } else { Ok(all) }
}

impl Setting for Trust {
    fn read(reader: &mut Reader, _: &str, _: &str, _: Option<(Self, &str)>) -> Option<Self> {
        let key = "tls.authorities";
        let doc = "File (PEM) with the authorities that may vouch for Postgres, RabbitMQ and other services, where an address asks for TLS. \
                   Nobody else may.";
        let file = File::read(reader, key, doc, none())?;
        if file.0.is_empty() {
            return Some(Self::default());
        }
        reader.checked(key, Self::new(file.0))
    }
}

impl Setting for Certificate {
    fn read(reader: &mut Reader, _: &str, _: &str, _: Option<(Self, &str)>) -> Option<Self> {
        let doc = "File (PEM) with this process' certificate and what stands between it and the authority. With it all doors speak TLS, and only \
                   TLS. Read at the start.";
        let chain = File::read(reader, "tls.certificate", doc, none());
        let key = File::read(reader, "tls.key", "File (PEM) with the certificate's key.", none());
        match (chain?.0, key?.0) {
            (chain, key) if chain.is_empty() && key.is_empty() => Some(Self::default()),
            (_, key) if key.is_empty() => {
                reader.checked("tls.key", Err("is required where TLS__CERTIFICATE is set".to_owned()))
            }
            (chain, _) if chain.is_empty() => {
                reader.checked("tls.certificate", Err("is required where TLS__KEY is set".to_owned()))
            }
            (chain, key) => {
                reader.checked("tls.certificate", certificates(&chain))?;
                reader.checked("tls.key", Self::new(chain, key))
            }
        }
    }
}

/// What a file holds; nothing without one.
struct File(Vec<u8>);

fn none() -> Option<(File, &'static str)> {
    Some((File(Vec::new()), "\"\""))
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = String::deserialize(deserializer)?;
        if path.is_empty() {
            return Ok(Self(Vec::new()));
        }
        match std::fs::read(path) {
            Ok(bytes) if bytes.is_empty() => Err(D::Error::custom("the file is empty")),
            Ok(bytes) => Ok(Self(bytes)),
            Err(error) => Err(D::Error::custom(format!("the file can't be read: {error}"))),
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Trust(authorities)" } else { "Trust(nobody)" })
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Certificate(shown)" } else { "Certificate(none)" })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use figment::Figment;
    use figment::providers::Serialized;
    use pitchey_testkit::Authority;

    use crate::{Http, Invalid, Rpc, describe, load_from};

    crate::settings! {
        /// Two sections that read the same files, and one that is a third.
        struct Several {
            /// A door.
            http: Http,
            /// Another.
            rpc: Rpc,
            /// Whom to believe.
            trust: super::Trust = super::Trust::default(),
        }
    }

    fn load(files: &[(&str, &Path)]) -> Result<Several, Invalid> {
        let values = files.iter().fold(Figment::new(), |values, (name, file)| {
            values.merge(Serialized::default(&format!("tls.{name}"), file))
        });
        load_from("pitches", values)
    }

    /// What is wrong, by variable.
    fn wrong(files: &[(&str, &Path)]) -> Vec<(String, String)> {
        let problems = load(files).map(|_| ()).expect_err("problems").0;
        problems.into_iter().map(|problem| (problem.variable, problem.what)).collect()
    }

    #[test]
    fn without_files_all_is_plain() {
        let several = load(&[]).unwrap();
        assert!(several.http.certificate.server().is_none() && several.rpc.certificate.pem().is_none());
        assert!(several.trust.client().is_err() && several.trust.pem().is_err());
        // Also where a service takes back what is set for all.
        assert!(
            load(&[("certificate", Path::new("")), ("key", Path::new("")), ("authorities", Path::new(""))])
                .is_ok()
        );
    }

    #[test]
    fn files_serve_every_section() {
        let authority = Authority::new();
        let (chain, key) = authority.files("pitches");
        let several =
            load(&[("certificate", &chain), ("key", &key), ("authorities", &authority.file())]).unwrap();
        assert!(several.http.certificate.server().is_some() && several.rpc.certificate.pem().is_some());
        assert!(several.trust.client().is_ok());
        assert!(!format!("{several:?}").contains("BEGIN"), "no key in a log");
    }

    #[test]
    fn files_that_are_no_good_are_told_once() {
        let (authority, other) = (Authority::new(), Authority::new());
        let ((chain, key), (_, others)) = (authority.files("pitches"), other.files("pitches"));
        let nowhere = Path::new("/nowhere/tls.crt");
        for (files, variable, what) in [
            (vec![("certificate", chain.as_path())], "PITCHES_TLS__KEY", "is required"),
            (vec![("key", key.as_path())], "PITCHES_TLS__CERTIFICATE", "is required"),
            (vec![("certificate", &chain), ("key", &others)], "PITCHES_TLS__KEY", "does not belong"),
            (vec![("certificate", &chain), ("key", &chain)], "PITCHES_TLS__KEY", "holds no key"),
            (vec![("certificate", &key), ("key", &key)], "PITCHES_TLS__CERTIFICATE", "holds no certificate"),
            (vec![("authorities", nowhere)], "PITCHES_TLS__AUTHORITIES", "can't be read"),
            (vec![("authorities", &key)], "PITCHES_TLS__AUTHORITIES", "holds no certificate"),
        ] {
            let wrong = wrong(&files);
            assert_eq!(wrong.len(), 1, "{wrong:?}");
            assert!(wrong[0].0 == variable && wrong[0].1.contains(what), "{wrong:?}");
        }
        // Both doors and the trust, but each setting once.
        let known: Vec<_> =
            describe::<Several>("pitches").into_iter().map(|setting| setting.variable).collect();
        assert_eq!(known.iter().filter(|name| name.starts_with("PITCHES_TLS__")).count(), 3, "{known:?}");
    }
}
