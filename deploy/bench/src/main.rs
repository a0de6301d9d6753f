#![doc = include_str!("../README.md")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement that can't be set up has failed, and says so to who started it"
)]

mod confirms;
mod cpu;
mod data;
mod load;
mod machine;
mod nginx;
mod pgbench;
mod platform;
mod report;
mod rows;
mod stats;
mod upstream;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use report::Report;
use rows::Row;

/// Measures the platform, each number beside its floor.
#[derive(Parser)]
#[command(name = "bench", max_term_width = 110)]
struct Cli {
    /// Only these rows; nothing is written then.
    #[arg(long, value_enum)]
    only: Vec<Row>,
    /// Few and short samples: to see that it works. Nothing is written.
    #[arg(long)]
    quick: bool,
    /// Another number of pairs of samples: fewer where time is short.
    #[arg(long)]
    pairs: Option<usize>,
    /// Where the result is written to.
    #[arg(long, default_value = "docs/benchmarks.md")]
    write: PathBuf,
    /// Keep the servers, and print how to reach them, until Enter is pressed: to look with other tools.
    #[arg(long)]
    keep: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// The bare handler that proxies are measured with.
    #[command(hide = true)]
    Upstream { address: SocketAddr },
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// Pairs of samples, in the order A B B A.
    pairs: usize,
    /// How long a sample of a closed loop takes.
    sample: Duration,
    /// How long a sample of an open loop takes.
    open_sample: Duration,
    /// Events of one sample of the relay.
    outbox: u32,
    /// Events of one sample of the consumer.
    inbox: u32,
}

impl Scale {
    const FULL: Self = Self {
        pairs: 10,
        sample: Duration::from_millis(1000),
        open_sample: Duration::from_secs(3),
        outbox: 20_000,
        inbox: 10_000,
    };
    const QUICK: Self = Self {
        pairs: 2,
        sample: Duration::from_millis(300),
        open_sample: Duration::from_secs(1),
        outbox: 2_000,
        inbox: 1_000,
    };
}

fn main() {
    let cli = Cli::parse();
    if let Some(Command::Upstream { address }) = cli.command {
        return upstream::serve(address);
    }
    std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .expect("the sources are where they were built");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure(&cli));
}

async fn measure(cli: &Cli) {
    let wanted: Vec<Row> = Row::value_variants()
        .iter()
        .filter(|row| cli.only.is_empty() || cli.only.contains(row))
        .copied()
        .collect();
    let scale = if cli.quick { Scale::QUICK } else { Scale::FULL };
    let scale = Scale { pairs: cli.pairs.unwrap_or(scale.pairs), ..scale };
    let mut report = Report::begin(scale);
    rows::measure(&wanted, scale, &mut report, cli.keep).await;
    report.end();
    println!("\n{report}");
    if cli.only.is_empty() && !cli.quick {
        std::fs::write(&cli.write, report.document()).unwrap();
        println!("written to {}", cli.write.display());
    }
}
