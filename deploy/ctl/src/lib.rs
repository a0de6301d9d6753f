#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to people")]

mod backup;
pub mod cli;
mod config;
mod db;
mod demo;
mod dlq;
mod error;
pub mod events;
mod flags;
mod import;
mod keys;
mod load_sessions;
mod mail;
mod maintenance;
mod migrate;
pub mod openapi;
mod second_factor;
mod seed;
mod settings;

use std::process::ExitCode;

use pitchey_clock::Clock;

use cli::{Cli, Command};
pub use error::Failure;

/// Does what was asked on the command line.
pub fn run(cli: Cli) -> ExitCode {
    pitchey_launch::choose_tls();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("ctl: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(execute(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("ctl: {failure}");
            failure.exit_code()
        }
    }
}

async fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Ask { path, address } => maintenance::ask(address, &path).await,
        Command::Backup(arguments) => backup::run(&arguments).await,
        Command::Config(arguments) => config::run(arguments).await,
        Command::Db { command } => db::run(command).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Dlq { at, command } => dlq::run(command, &at).await,
        Command::Events(arguments) => events::run(&arguments),
        Command::Flags { database, command } => flags::run(command, &database.url).await,
        Command::Mail { command } => mail::run(&command),
        Command::Import(arguments) => import::run(arguments).await,
        Command::Keys { command } => keys::run(command).await,
        Command::AdminCode => second_factor::print_code(),
        Command::LoadSessions(arguments) => load_sessions::run(&arguments).await,
        Command::Maintenance(arguments) => maintenance::run(&arguments).await,
        Command::Migrate { database, command } => migrate::run(command, &database).await,
        Command::OpenApi(arguments) => openapi::run(&arguments),
        Command::Restore(arguments) => backup::restore(&arguments).await,
        Command::Seed { database, at } => {
            seed::run(&database.url, at.unwrap_or_else(|| Clock::system().now())).await
        }
    }
}
