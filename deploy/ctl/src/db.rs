//! `ctl db`: how the database does.

mod report;
mod sections;

use clap::{Args, Subcommand};

use crate::{Failure, cli};

/// What to do with it.
#[derive(Debug, Subcommand)]
pub enum Db {
    /// What is slow, who is connected, what grows, which indexes are of use, how far replicas are behind. Changes nothing.
    Report(Report),
}

/// Of which database, and how much.
#[derive(Debug, Args)]
pub struct Report {
    /// Which. A role in pg_monitor is enough.
    #[command(flatten)]
    database: cli::Database,
    /// How many lines of each kind.
    #[arg(long, default_value_t = 15, value_name = "LINES")]
    top: u32,
}

pub(crate) async fn run(command: Db) -> Result<(), Failure> {
    let Db::Report(Report { database, top }) = command;
    report::run(&database.url, top).await
}
