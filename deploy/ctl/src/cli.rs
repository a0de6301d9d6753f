//! The commands and their arguments.

use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

use crate::backup::{Backup, Restore};
use crate::config::Config;
use crate::db::Db;
use crate::demo::Demo;
use crate::dlq::{self, Dlq};
use crate::events::Events;
use crate::flags::Flags;
use crate::import::Import;
use crate::keys::Keys;
use crate::load_sessions::LoadSessions;
use crate::mail;
use crate::maintenance::Maintenance;
use crate::migrate::Migrate;
use crate::openapi::OpenApi;
use crate::settings;

/// Operates a Pitchey platform: schema, demo data, dead letters, documentation of what the code knows.
///
/// Exit code 0: done. 1: it failed. 2: called wrongly, or not configured.
#[derive(Debug, Parser)]
#[command(name = "ctl", version, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The schema of the database.
    Migrate {
        /// Where it is.
        #[command(flatten)]
        database: Database,
        /// What to do to it.
        #[command(subcommand)]
        command: Migrate,
    },
    /// Load the demo data, once. Development mode only.
    ///
    /// Users, pitches and NDAs in every state, always the same. If they are there already, nothing is changed.
    Seed {
        /// Where to.
        #[command(flatten)]
        database: Database,
        /// The moment that all times of the demo data are relative to (RFC 3339). Default: now.
        #[arg(long)]
        at: Option<DateTime<Utc>>,
    },
    /// Bring in a database of schema 2.0.0: users, pitches, NDAs, conversations, all of its 18 tables.
    ///
    /// Ids stay. May be interrupted and repeated: what is here already stays as it is. Reports what had to be mended or left out.
    Import(Import),
    /// GET a path from the `maintenance serve` that runs beside it and print the answer: the health check of its container.
    ///
    /// Exit code 0: a success. 1: none.
    Ask {
        /// `/health` or `/metrics`.
        path: String,
        /// Where it listens.
        #[arg(long, env = "CTL_MAINTENANCE_ADDRESS", default_value = "127.0.0.1:8109")]
        address: SocketAddr,
    },
    /// Print the code that the demo's admin needs beside the password to log in now (development).
    AdminCode,
    /// Print every setting of every service, with its default and what it means; add up the connections to Postgres.
    Config(Config),
    /// Play the story of one NDA through the gateway, as three new people, and print what happens.
    Demo(Demo),
    /// How the database does.
    Db {
        /// What about it.
        #[command(subcommand)]
        command: Db,
    },
    /// Copy the whole database into one encrypted file, while everything runs.
    Backup(Backup),
    /// Bring a database back from such a file, and compare: every table must hold what was saved.
    Restore(Restore),
    /// Events that a service could not handle, or that no queue took.
    Dlq {
        /// Where they are.
        #[command(flatten)]
        at: dlq::At,
        /// What to do with them.
        #[command(subcommand)]
        command: Dlq,
    },
    /// What can be switched while everything runs: how it is set, and setting it.
    Flags {
        /// Where the flags are.
        #[command(flatten)]
        database: Database,
        /// What to do with them.
        #[command(subcommand)]
        command: Flags,
    },
    /// The keys that lie in the database, and the master keys over them.
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        command: Keys,
    },
    /// Mails as their readers see them.
    Mail {
        /// What to do with them.
        #[command(subcommand)]
        command: mail::Command,
    },
    /// The jobs that services do by the clock, now; and those of the whole database.
    Maintenance(Maintenance),
    /// Make people who are logged in, for load tests. Development mode only.
    LoadSessions(LoadSessions),
    /// Write docs/events.md: every event, who emits it and who wants it.
    Events(Events),
    /// Write docs/openapi.json: the public API, from the routes of all services.
    #[command(name = "openapi")]
    OpenApi(OpenApi),
}

/// Which database.
#[derive(Debug, Args)]
pub struct Database {
    /// URL of a role that may become pitchey_owner.
    #[arg(
        long = "database-url",
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        value_parser = settings::database_url
    )]
    pub url: String,
}
