//! `ctl maintenance`: the upkeep that services do by themselves, now.

use clap::Args;
use pitchey_clock::Clock;
use pitchey_db::Databases;

use crate::{Failure, cli};

/// Where, and under which name it is noted.
#[derive(Debug, Args)]
pub struct Maintenance {
    /// Where to.
    #[command(flatten)]
    database: cli::Database,
    /// Its name in `maintenance_runs`: under the same one nothing is done twice. Default: the moment.
    #[arg(long)]
    period: Option<String>,
}

pub(crate) async fn run(arguments: &Maintenance) -> Result<(), Failure> {
    let clock = Clock::system();
    let url = &arguments.database.url;
    let settings = pitchey_db::Database {
        user_url: url.clone().into(),
        system_url: url.clone().into(),
        user_pool: 1,
        system_pool: 2,
        wait_ms: 5_000,
    };
    let databases = Databases::open(&settings).await?;
    let period = arguments.period.clone().unwrap_or_else(|| format!("ctl {}", clock.now().to_rfc3339()));
    match pitchey_analytics::maintain(&databases.system, &clock, &period).await? {
        Some(touched) => println!("partitions ahead, retention: {touched} rows and partitions touched"),
        None => println!("this was done before, as {period}"),
    }
    Ok(())
}
