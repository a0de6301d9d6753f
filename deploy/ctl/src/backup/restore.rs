//! `ctl restore`: from the file into a database beside the present one, which it replaces only when it holds what was saved.

use std::fs::File;
use std::path::PathBuf;

use clap::Args;
use diesel_async::SimpleAsyncConnection;
use pitchey_clock::Clock;
use pitchey_db::migrations;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy};
use tokio::process::ChildStdout;

use super::database::{self, Place};
use super::manifest::{FORMAT, Manifest};
use super::programs::{self, Programs};
use crate::{Failure, migrate, settings};

/// From where, into what.
#[derive(Debug, Args)]
pub struct Restore {
    /// What `ctl backup` wrote.
    file: PathBuf,
    /// The file with the secret key, as `age-keygen` wrote it.
    #[arg(long, env = "CTL_BACKUP_IDENTITY", value_name = "FILE")]
    identity: PathBuf,
    /// URL of the database, of a superuser. It is made if there is none.
    #[arg(
        long = "database-url",
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        value_parser = settings::database_url,
        required_unless_present = "check"
    )]
    url: Option<String>,
    /// Also if the database is not empty: it is kept under another name.
    #[arg(long)]
    replace: bool,
    /// Only read the file to its end: whether it is whole, and what it holds.
    #[arg(long, conflicts_with = "replace")]
    check: bool,
    /// Where the programs are.
    #[command(flatten)]
    programs: Programs,
}

/// A manifest longer than this is none.
const LONGEST: u64 = 16 << 20;

pub(crate) async fn run(restore: &Restore) -> Result<(), Failure> {
    let from = File::open(&restore.file)
        .map_err(|error| Failure::Usage(format!("{}: {error}", restore.file.display())))?;
    let mut age = restore.programs.decrypt(&restore.identity, from)?;
    let mut plain = BufReader::new(programs::output(&mut age)?);
    let manifest = match first_line(&mut plain).await {
        Ok(manifest) => manifest,
        Err(unreadable) => {
            drop(plain);
            programs::succeeded("age", &mut age).await?; // says it better
            return Err(unreadable);
        }
    };
    println!("{}: {manifest}", restore.file.display());
    let Some(url) = restore.url.as_ref().filter(|_| !restore.check) else {
        pour(restore, None, plain, &mut age).await?;
        println!("it can be read to its end");
        return Ok(());
    };

    let place = Place::of(url, Clock::system().now())?;
    let former = place.look(restore.replace).await?;
    place.create(&manifest).await?;
    let filled = fill(restore, &place, &manifest, plain, &mut age).await;
    if let Err(failure) = filled {
        place.drop_new().await?;
        return Err(failure);
    }
    place.swap(former).await?;
    println!("restored and compared: every table holds what was saved");
    if former == database::Former::Full {
        println!("the former database is kept as {}: drop it when nobody misses it", place.kept);
    }
    println!("next: ctl migrate up (newer migrations, passwords of the roles), then start the services");
    Ok(())
}

async fn first_line(plain: &mut BufReader<ChildStdout>) -> Result<Manifest, Failure> {
    let none = |why: String| Failure::Failed(format!("this is no backup of ctl: {why}"));
    let mut line = Vec::new();
    plain.take(LONGEST).read_until(b'\n', &mut line).await?;
    let manifest: Manifest = serde_json::from_slice(&line).map_err(|error| none(error.to_string()))?;
    if manifest.format == FORMAT { Ok(manifest) } else { Err(none(format!("format {}", manifest.format))) }
}

async fn fill(
    restore: &Restore,
    place: &Place,
    manifest: &Manifest,
    plain: BufReader<ChildStdout>,
    age: &mut tokio::process::Child,
) -> Result<(), Failure> {
    let mut connection = migrate::connect(&place.new_url).await?;
    connection.batch_execute(migrations::ROLES).await?;
    pour(restore, Some(&place.new_url), plain, age).await?;
    // A dump has no statistics; without them the first minutes would be slow.
    connection.batch_execute("ANALYZE").await?;
    connection
        .batch_execute("SET ROLE pitchey_owner; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let differences = manifest.differences(&Manifest::of(&mut connection, manifest.at).await?);
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::Failed(format!("what was restored is not what was saved:\n  {}", differences.join("\n  "))))
}

/// From age into pg_restore.
async fn pour(
    restore: &Restore,
    into: Option<&str>,
    mut plain: BufReader<ChildStdout>,
    age: &mut tokio::process::Child,
) -> Result<(), Failure> {
    let mut restoring = restore.programs.restore(into)?;
    let mut sink = programs::input(&mut restoring)?;
    let copied = async {
        copy(&mut plain, &mut sink).await?;
        // pg_restore may be content before the end, where age has its last word to say.
        sink.shutdown().await
    }
    .await;
    drop((sink, plain));
    programs::succeeded("age", age).await.map_err(|_| {
        Failure::Failed(
            "age could not read the backup to its end: it is damaged, or not for this key".to_owned(),
        )
    })?;
    programs::succeeded("pg_restore", &mut restoring).await?;
    Ok(copied?)
}
