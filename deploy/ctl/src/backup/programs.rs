//! The programs that do the work, with the connection in their environment: command lines can be read by everybody on a machine.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::Args;
use pitchey_db::Place;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use url::Url;

use crate::Failure;

/// Where they are.
#[derive(Debug, Args)]
pub struct Programs {
    /// Folder of pg_dump and pg_restore, of Postgres' version or newer. Default: those in the PATH.
    #[arg(long, env = "CTL_PG_BIN", value_name = "FOLDER")]
    pg_bin: Option<PathBuf>,
}

impl Programs {
    pub fn encrypt(&self, recipients: &[String], to: File) -> Result<Child, Failure> {
        let mut command = Command::new("age");
        command.arg("--encrypt");
        for recipient in recipients {
            command.args(["--recipient", recipient]);
        }
        start(command.stdin(Stdio::piped()).stdout(to), "age")
    }

    pub fn decrypt(&self, identity: &Path, from: File) -> Result<Child, Failure> {
        let mut command = Command::new("age");
        command.arg("--decrypt").arg("--identity").arg(identity);
        start(command.stdin(from).stdout(Stdio::piped()), "age")
    }

    pub fn dump(&self, url: &str, snapshot: &str) -> Result<Child, Failure> {
        let mut command = self.postgres("pg_dump");
        connect(&mut command, url)?;
        command.args(["--format=custom", "--role=pitchey_owner", "--no-password", "--snapshot", snapshot]);
        start(command.stdin(Stdio::null()).stdout(Stdio::piped()), "postgresql-client")
    }

    /// Into the database at `url`, or, without one, into nothing: just to read it all.
    pub fn restore(&self, url: Option<&str>) -> Result<Child, Failure> {
        let mut command = self.postgres("pg_restore");
        match url {
            Some(url) => {
                // The name by itself: what is in the environment is only a default.
                let name = Url::parse(url).map_err(not_a_url)?.path().trim_start_matches('/').to_owned();
                connect(&mut command, url)?;
                command.args(["--exit-on-error", "--single-transaction", "--no-password", "--dbname", &name]);
            }
            None => {
                command.arg("--file=/dev/null");
            }
        }
        start(command.stdin(Stdio::piped()), "postgresql-client")
    }

    fn postgres(&self, program: &str) -> Command {
        Command::new(self.pg_bin.as_ref().map_or_else(|| program.into(), |folder| folder.join(program)))
    }
}

/// What libpq reads from the environment.
fn connect(command: &mut Command, url: &str) -> Result<(), Failure> {
    let Place { config, is_secure, authorities } = Place::read(url).map_err(not_a_url)?;
    let mut url = Url::parse(url).map_err(not_a_url)?;
    if let Some(password) = config.get_password() {
        let password = String::from_utf8(password.to_vec()).map_err(not_a_url)?;
        command.env("PGPASSWORD", password);
        let _ = url.set_password(None);
    }
    for (variable, value) in [
        ("PGHOST", url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned()),
        ("PGPORT", url.port().unwrap_or(5432).to_string()),
        ("PGUSER", config.get_user().unwrap_or_default().to_owned()),
        ("PGDATABASE", config.get_dbname().unwrap_or_default().to_owned()),
    ] {
        if !value.is_empty() {
            command.env(variable, value);
        }
    }
    if is_secure {
        command.env("PGSSLMODE", "verify-full");
    }
    if let Some(file) = authorities {
        command.env("PGSSLROOTCERT", file);
    }
    if let Some(options) = config.get_options() {
        command.env("PGOPTIONS", options);
    }
    Ok(())
}

fn not_a_url(error: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("DATABASE_URL: {error}"))
}

fn start(command: &mut Command, package: &str) -> Result<Child, Failure> {
    command.kill_on_drop(true).spawn().map_err(|error| {
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        match error.kind() {
            ErrorKind::NotFound => {
                Failure::Usage(format!("{program} is not installed (Debian: apt-get install {package})"))
            }
            _ => Failure::Failed(format!("{program}: {error}")),
        }
    })
}

pub fn input(child: &mut Child) -> Result<ChildStdin, Failure> {
    child.stdin.take().ok_or_else(|| Failure::Failed("a program without an input".to_owned()))
}

pub fn output(child: &mut Child) -> Result<ChildStdout, Failure> {
    child.stdout.take().ok_or_else(|| Failure::Failed("a program without an output".to_owned()))
}

/// Waits; what went wrong it has said on its own standard error.
pub async fn succeeded(name: &str, child: &mut Child) -> Result<(), Failure> {
    let status = child.wait().await?;
    if status.success() { Ok(()) } else { Err(Failure::Failed(format!("{name} failed ({status})"))) }
}
