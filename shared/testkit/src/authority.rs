//! A private authority, as developers have it.

use std::path::{Path, PathBuf};
use std::process::Command;

use pitchey_config::{Certificate, Trust};
use tempfile::TempDir;

use crate::environment;

/// A private authority, made by `deploy/dev/certificates`.
pub struct Authority {
    folder: PathBuf,
    /// Gone when dropped.
    _own: Option<TempDir>,
}

impl Authority {
    /// One that nobody knows yet; gone when dropped.
    pub fn new() -> Self {
        let own = tempfile::Builder::new().prefix("pitchey-authority.").tempdir().expect("a folder");
        let folder = own.path().to_owned();
        Self { _own: Some(own), ..Self::in_folder(folder) }
    }

    /// One in a folder that others look into.
    pub fn in_folder(folder: PathBuf) -> Self {
        let authority = Self { folder, _own: None };
        authority.make("nobody", None);
        authority
    }

    /// The file with the authority.
    pub fn file(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// What believes it, and nobody else.
    pub fn trust(&self) -> Trust {
        Trust::new(read(&self.file())).expect("an authority")
    }

    /// A certificate for `name` alone.
    pub fn certificate(&self, name: &str) -> Certificate {
        let (chain, key) = self.files(name);
        Certificate::new(read(&chain), read(&key)).expect("a certificate")
    }

    /// Its file, and that of its key.
    pub fn files(&self, name: &str) -> (PathBuf, PathBuf) {
        self.make(name, Some(""));
        let folder = self.folder.join(name);
        (folder.join("tls.crt"), folder.join("tls.key"))
    }

    /// A certificate as the development's services have it, for this machine, too: its file, and that of its key.
    pub fn files_here(&self, name: &str) -> (PathBuf, PathBuf) {
        self.make(name, None);
        let folder = self.folder.join(name);
        (folder.join("tls.crt"), folder.join("tls.key"))
    }

    fn make(&self, name: &str, also: Option<&str>) {
        let mut command = Command::new(environment::root().join("deploy/dev/certificates"));
        command.arg(&self.folder).arg(name).env_remove("ALSO");
        if let Some(also) = also {
            command.env("ALSO", also);
        }
        let output = command.output().expect("deploy/dev/certificates");
        assert!(output.status.success(), "certificates: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
