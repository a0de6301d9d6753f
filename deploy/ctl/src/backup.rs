//! `ctl backup`, `ctl restore`: a copy of the whole database in one encrypted file, and back.
//!
//! The file is age's. Inside: one line of JSON (the manifest: what every table held), then what pg_dump wrote. So the tools alone can
//! read it, too: `age -d -i KEY FILE | tail -n +2 | pg_restore ...`.

mod database;
mod manifest;
mod programs;
mod restore;

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use pitchey_clock::Clock;
use tokio::io::{AsyncWriteExt, copy};

use crate::{Failure, cli, migrate};
use manifest::Manifest;
use programs::Programs;
pub use restore::Restore;
pub(crate) use restore::run as restore;

/// Of what, where to, and who may read it.
#[derive(Debug, Args)]
pub struct Backup {
    /// Of what.
    #[command(flatten)]
    database: cli::Database,
    /// The folder to put it into, as `<database>-<time>.dump.age`.
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Who may read it: public keys as `age-keygen` prints them (`age1...`), separated by commas.
    #[arg(
        long = "recipient",
        env = "CTL_BACKUP_RECIPIENTS",
        value_name = "KEY",
        value_delimiter = ',',
        required = true
    )]
    recipients: Vec<String>,
    /// Where the programs are.
    #[command(flatten)]
    programs: Programs,
}

pub(crate) async fn run(backup: &Backup) -> Result<(), Failure> {
    let mut connection = migrate::connect(&backup.database.url).await?;
    // The manifest and pg_dump see the same moment.
    let snapshot = manifest::snapshot(&mut connection).await?;
    let manifest = Manifest::of(&mut connection, Clock::system().now()).await?;
    let name = format!("{}-{}.dump.age", manifest.database, manifest.at.format("%Y%m%dT%H%M%SZ"));
    let (file, partial) = (backup.to.join(&name), backup.to.join(format!("{name}.partial")));
    let written = write(backup, &mut connection, &snapshot, &manifest, &partial).await;
    if written.is_err() && partial.exists() {
        fs::remove_file(&partial)?;
    }
    written?;
    fs::rename(&partial, &file)?;
    File::open(&backup.to)?.sync_all()?;
    println!("{}: {manifest}, {} bytes", file.display(), fs::metadata(&file)?.len());
    Ok(())
}

async fn write(
    backup: &Backup,
    connection: &mut AsyncPgConnection,
    snapshot: &str,
    manifest: &Manifest,
    partial: &Path,
) -> Result<(), Failure> {
    let out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial)?;
    let mut age = backup.programs.encrypt(&backup.recipients, out.try_clone()?)?;
    let mut dump = backup.programs.dump(&backup.database.url, snapshot)?;
    let (mut plain, mut sealed) = (programs::output(&mut dump)?, programs::input(&mut age)?);
    let mut line = serde_json::to_vec(manifest).map_err(|error| Failure::Failed(error.to_string()))?;
    line.push(b'\n');
    let copied = async {
        sealed.write_all(&line).await?;
        copy(&mut plain, &mut sealed).await?;
        sealed.shutdown().await
    }
    .await;
    drop((sealed, plain)); // age must see the end, pg_dump must not wait for a reader that is gone
    programs::succeeded("pg_dump", &mut dump).await?;
    programs::succeeded("age", &mut age).await?;
    copied?;
    connection.batch_execute("ROLLBACK").await?;
    Ok(out.sync_all()?)
}
