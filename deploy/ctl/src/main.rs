//! The operator's command line.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    pitchey_ctl::run(pitchey_ctl::cli::Cli::parse())
}
