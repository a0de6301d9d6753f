//! What arrives, on its way into the files.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempPath;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::task::spawn_blocking;

/// What is written at once.
const BUFFER: usize = 128 * 1024;
/// So much of the beginning tells what a file is.
const HEAD: usize = 8 * 1024;

/// Older than any upload can be.
const STALE: Duration = Duration::from_secs(24 * 3_600);

/// Removes what processes that were killed left in `folder`.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_stale = |file: std::fs::Metadata| Ok(file.modified()?.elapsed().is_ok_and(|age| age > STALE));
        match std::fs::metadata(&path).and_then(is_stale) {
            Ok(true) => std::fs::remove_file(&path),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        }
        // Another replica was faster, or an upload ended.
        .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    }
    Ok(())
}

/// A file that is arriving. Dropped, it is gone.
pub struct Spool {
    file: BufWriter<File>,
    path: TempPath,
    size: u64,
    hash: Sha256,
    head: Vec<u8>,
}

/// A file that has arrived. Dropped, it is gone.
pub struct Spooled {
    path: TempPath,
    /// In bytes.
    pub size: u64,
    /// In hex.
    pub sha256: String,
    /// Its first bytes.
    pub head: Vec<u8>,
}

impl Spool {
    pub(super) async fn open(folder: PathBuf) -> io::Result<Self> {
        let made = spawn_blocking(move || tempfile::NamedTempFile::new_in(folder)).await??;
        let (file, path) = made.into_parts();
        let file = BufWriter::with_capacity(BUFFER, File::from_std(file));
        Ok(Self { file, path, size: 0, hash: Sha256::new(), head: Vec::new() })
    }

    /// How much has arrived, in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let missing = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..missing).unwrap_or_default());
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes).await
    }

    /// All of it is here, and on the disk.
    pub async fn finish(mut self) -> io::Result<Spooled> {
        self.file.flush().await?;
        self.file.get_ref().sync_all().await?;
        let sha256 = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Spooled { path: self.path, size: self.size, sha256, head: self.head })
    }
}

impl Spooled {
    pub(super) async fn open(&self) -> io::Result<File> {
        File::open(&self.path).await
    }

    pub(super) async fn move_to(self, place: PathBuf) -> io::Result<()> {
        let moving = move || {
            if let Some(folder) = place.parent() {
                std::fs::create_dir_all(folder)?;
            }
            self.path.persist(&place).map_err(io::Error::from)
        };
        spawn_blocking(moving).await?
    }
}
