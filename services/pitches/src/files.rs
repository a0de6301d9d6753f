//! Where files lie: in a folder, or in a bucket that speaks S3. Under a key the bytes never change. What arrives lies in a spool until it is known
//! to be good, so that neither a broken upload nor a slow bucket takes memory, and nothing half lies anywhere.

mod spool;

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientOptions, GetOptions, ObjectStore, ObjectStoreExt, WriteMultipart};
use pitchey_config::Mode;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;

use crate::settings::Media as Settings;

pub use spool::{Spool, Spooled};

/// All files of media begin with it.
const UNDER: &str = "media";
/// Smallest part of an S3 upload.
const PART: usize = 5 * 1024 * 1024;
/// Files sent to the bucket at once: each takes twice [`PART`] of memory.
const SENT_AT_ONCE: usize = 3;

/// The files.
#[derive(Clone)]
pub struct Files(Arc<Inner>);

struct Inner {
    store: Arc<dyn ObjectStore>,
    place: Place,
    /// What arrives.
    spool: PathBuf,
}

enum Place {
    /// Below this folder.
    Folder(PathBuf),
    Bucket(Semaphore),
}

impl Files {
    /// As configured.
    pub fn open(settings: &Settings, mode: Mode) -> io::Result<Self> {
        let spool = settings.folder.join("spool");
        std::fs::create_dir_all(&spool)?;
        spool::clear(&spool)?;
        let (store, place): (Arc<dyn ObjectStore>, _) = match &settings.bucket {
            Some(bucket) => (Arc::new(s3(settings, bucket)?), Place::Bucket(Semaphore::new(SENT_AT_ONCE))),
            None => {
                if !mode.is_development() {
                    tracing::warn!(folder = %settings.folder.display(), "FILES LIE IN A FOLDER: each replica needs the same one");
                }
                let folder = settings.folder.canonicalize()?;
                (Arc::new(LocalFileSystem::new_with_prefix(&folder)?), Place::Folder(folder))
            }
        };
        Ok(Self(Arc::new(Inner { store, place, spool })))
    }

    /// A place for what arrives.
    pub async fn spool(&self) -> io::Result<Spool> {
        Spool::open(self.0.spool.clone()).await
    }

    /// Keeps what has arrived under `key`.
    pub async fn keep(&self, spooled: Spooled, key: &str) -> io::Result<()> {
        match &self.0.place {
            Place::Folder(folder) => spooled.move_to(folder.join(key)).await,
            Place::Bucket(sending) => {
                let _place = sending.acquire().await.map_err(io::Error::other)?;
                let upload = self.0.store.put_multipart(&Path::from(key)).await?;
                let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
                match send(&mut upload, spooled).await {
                    Ok(()) => upload.finish().await.map(|_| ()).map_err(io::Error::from),
                    Err(error) => {
                        upload.abort().await?;
                        Err(error)
                    }
                }
            }
        }
    }

    /// The bytes of `range` under `key`, in pieces.
    pub async fn read(
        &self,
        key: &str,
        range: Range<u64>,
    ) -> io::Result<BoxStream<'static, io::Result<actix_web::web::Bytes>>> {
        let options = GetOptions { range: Some(range.into()), ..GetOptions::default() };
        let found = self.0.store.get_opts(&Path::from(key), options).await?;
        Ok(found.into_stream().map_err(io::Error::from).boxed())
    }

    /// The SHA-256 of what lies under `key`, in hex.
    pub async fn sha256(&self, key: &str, size: u64) -> io::Result<String> {
        let mut bytes = self.read(key, 0..size).await?;
        let mut hash = Sha256::new();
        while let Some(piece) = bytes.try_next().await? {
            hash.update(&piece);
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Removes what lies under `key`, if anything does.
    pub async fn remove(&self, key: &str) -> io::Result<()> {
        match self.0.store.delete(&Path::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The keys of everything that has lain here since before `before`.
    pub fn older_than(&self, before: DateTime<Utc>) -> BoxStream<'static, io::Result<String>> {
        let all = self.0.store.list(Some(&Path::from(UNDER))).map_err(io::Error::from);
        let old = all.try_filter_map(move |file| async move {
            Ok((file.last_modified < before).then(|| file.location.to_string()))
        });
        // Who takes batches asks once more after the end.
        old.fuse().boxed()
    }
}

/// A new key.
pub fn new_key() -> String {
    format!("{UNDER}/{}", uuid::Uuid::new_v4())
}

async fn send(upload: &mut WriteMultipart, spooled: Spooled) -> io::Result<()> {
    let mut file = spooled.open().await?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        upload.wait_for_capacity(1).await?;
        upload.write(buffer.get(..read).unwrap_or_default());
    }
}

fn s3(settings: &Settings, bucket: &str) -> io::Result<object_store::aws::AmazonS3> {
    let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_region(&settings.region);
    if let Some(endpoint) = &settings.endpoint {
        // A server of one's own, in one's own network, may do without TLS.
        let plain = endpoint.starts_with("http://");
        builder =
            builder.with_endpoint(endpoint).with_client_options(ClientOptions::new().with_allow_http(plain));
    }
    if let (Some(id), Some(secret)) = (&settings.access_key_id, &settings.secret_access_key) {
        builder =
            builder.with_access_key_id(id.expose_secret()).with_secret_access_key(secret.expose_secret());
    }
    Ok(builder.build()?)
}
