//! A zip archive of JSON files, written to a temporary file off the workers as the rows come.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::pin::pin;

use futures_util::StreamExt;
use pitchey_events::UserId;
use pitchey_rpc::Privacy;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::error::Error;

/// Parts that wait to be written.
const AHEAD: usize = 4;

/// Rows of a kind: the name of their file without its ending, and a JSON array of them.
type Part = (String, Box<RawValue>);

/// An archive that is being written.
pub struct Archive {
    parts: mpsc::Sender<Part>,
    writer: JoinHandle<std::io::Result<File>>,
}

impl Archive {
    /// Begins one whose first file tells people what it is.
    pub fn begin(about: &str) -> Self {
        let (parts, mut received) = mpsc::channel::<Part>(AHEAD);
        let about = about.to_owned();
        let writer = tokio::task::spawn_blocking(move || {
            let mut writer = Writer::begin(&about)?;
            while let Some((name, rows)) = received.blocking_recv() {
                writer.add(&name, rows.get())?;
            }
            writer.finish()
        });
        Self { parts, writer }
    }

    /// Adds rows of a kind. Those of one kind are to come one after the other.
    pub async fn add(&mut self, name: &str, rows: &impl serde::Serialize) -> Result<(), Error> {
        let rows =
            serde_json::value::to_raw_value(rows).map_err(std::io::Error::from).map_err(Error::Archive)?;
        self.send(name.to_owned(), rows).await
    }

    /// Adds what another service keeps, in a folder of its name.
    pub async fn collect(&mut self, service: &Privacy, user: UserId) -> Result<(), Error> {
        let mut parts = pin!(service.export(user));
        while let Some(part) = parts.next().await {
            let (name, rows) = part.map_err(Error::Keeper)?;
            self.send(format!("{}/{name}", service.service()), rows).await?;
        }
        Ok(())
    }

    async fn send(&mut self, name: String, rows: Box<RawValue>) -> Result<(), Error> {
        // Only a writer that failed is gone; `finish` tells why.
        let gone = self.parts.send((name, rows)).await.is_err();
        if gone {
            Err(Error::Archive(std::io::Error::other("the archive could not be written")))
        } else {
            Ok(())
        }
    }

    /// Writes the end.
    pub async fn finish(self) -> Result<Finished, Error> {
        drop(self.parts);
        let written = self.writer.await.map_err(std::io::Error::other).and_then(|file| file);
        let mut file = written.map_err(Error::Archive)?;
        let size = file.seek(SeekFrom::End(0)).and_then(|size| file.rewind().map(|()| size));
        Ok(Finished { size: size.map_err(Error::Archive)?, file })
    }
}

/// An archive, to be read once.
pub struct Finished {
    file: File,
    size: u64,
}

impl Finished {
    /// In bytes.
    pub fn size(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX)
    }

    /// The next piece of at most `most` bytes; `None` after the last.
    pub async fn next(&mut self, most: usize) -> Result<Option<Vec<u8>>, Error> {
        let mut file = self.file.try_clone().map_err(Error::Archive)?;
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(most);
            (&mut file).take(most as u64).read_to_end(&mut piece)?;
            Ok(piece)
        });
        let piece =
            read.await.map_err(std::io::Error::other).and_then(|piece| piece).map_err(Error::Archive)?;
        Ok((!piece.is_empty()).then_some(piece))
    }
}

/// Joins the parts of a kind to one array a file.
struct Writer {
    zip: ZipWriter<File>,
    open: Option<String>,
    empty: bool,
}

impl Writer {
    fn begin(about: &str) -> std::io::Result<Self> {
        let mut zip = ZipWriter::new(tempfile::tempfile()?);
        zip.start_file("README.txt", options())?;
        zip.write_all(about.as_bytes())?;
        Ok(Self { zip, open: None, empty: true })
    }

    fn add(&mut self, name: &str, rows: &str) -> std::io::Result<()> {
        if self.open.as_deref() != Some(name) {
            self.close()?;
            self.zip.start_file(format!("{name}.json"), options())?;
            self.zip.write_all(b"[")?;
            self.open = Some(name.to_owned());
            self.empty = true;
        }
        let inner = rows.trim().strip_prefix('[').and_then(|rows| rows.strip_suffix(']')).map(str::trim);
        let rows = inner.ok_or_else(|| std::io::Error::other(format!("{name}: not a JSON array")))?;
        if rows.is_empty() {
            return Ok(());
        }
        self.zip.write_all(if self.empty { b"\n" } else { b",\n" })?;
        self.empty = false;
        self.zip.write_all(rows.as_bytes())
    }

    fn close(&mut self) -> std::io::Result<()> {
        if self.open.take().is_some() {
            self.zip.write_all(b"\n]\n")?;
        }
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<File> {
        self.close()?;
        Ok(self.zip.finish()?)
    }
}

fn options() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated)
}
