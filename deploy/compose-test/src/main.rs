//! The program: what is played, on what.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to people")]

mod stack;
mod steps;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use pitchey_compose_test::{Failure, Result, http, load, tally};

use stack::Stack;

/// Plays what operators do to the platform with real containers, under load; fails at the first thing that is not as documented.
#[derive(Debug, Parser)]
#[command(name = "compose-test")]
struct Arguments {
    /// Port of this machine that the gateway is to be reached at.
    #[arg(long, default_value_t = 18_001)]
    port: u16,
    /// Use the images that are there.
    #[arg(long)]
    no_build: bool,
    /// Leave everything running at the end.
    #[arg(long)]
    keep: bool,
    /// Seconds within which the platform has to answer after `up`.
    #[arg(long, default_value_t = 15)]
    answers_within: u64,
    /// Megabytes that an image may add to its base.
    #[arg(long, default_value_t = 60)]
    image_megabytes: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    // It fails only where there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let stack = match Stack::new(arguments.port) {
        Ok(stack) => stack,
        Err(failure) => {
            eprintln!("compose-test: {failure}");
            return ExitCode::from(2);
        }
    };
    let begun = Instant::now();
    let played = tokio::select! {
        played = steps::all(&stack, &arguments) => played,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    };
    let code = match &played {
        Ok(()) => {
            println!("\nEverything was as it should be, in {} s.", begun.elapsed().as_secs());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("\ncompose-test: FAILED: {failure}\n");
            stack.show().await;
            ExitCode::FAILURE
        }
    };
    if arguments.keep {
        println!("It still runs at {}; deploy/compose/test ends and removes it.", stack.gateway);
    } else if let Err(failure) = stack.remove().await {
        eprintln!("compose-test: {failure}");
        return ExitCode::FAILURE;
    }
    code
}

/// Waits until `ready` says so, and returns how long that took.
async fn until(what: &str, within: Duration, mut ready: impl AsyncFnMut() -> bool) -> Result<Duration> {
    let begun = Instant::now();
    while !ready().await {
        if begun.elapsed() > within {
            return Err(format!("not within {within:?}: {what}").into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(begun.elapsed())
}
