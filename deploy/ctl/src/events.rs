//! `ctl events`: docs/events.md from the catalogue.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use pitchey_events::{CATALOGUE, Entry, Kind, Service};

use crate::Failure;

/// Where to.
#[derive(Debug, Args)]
pub struct Events {
    /// The file to write.
    #[arg(long, default_value = "docs/events.md", value_name = "FILE")]
    to: PathBuf,
}

pub(crate) fn run(arguments: &Events) -> Result<(), Failure> {
    std::fs::write(&arguments.to, page())
        .map_err(|error| Failure::Failed(format!("{}: {error}", arguments.to.display())))
}

/// The page.
pub fn page() -> String {
    let mut page = String::from(
        "# Events\n\n\
         What services tell one another, by who tells it. Written by `make events` from the catalogue in shared/events; do not \
         edit it.\n\n\
         A *fact* is never dropped, however late it comes. A *state* older than what a consumer has seen of its subject is. \
         *Consumers* take an event exactly once through their durable queue; of *listeners* each running replica hears it. An \
         event nobody wants is not published.\n",
    );
    let mut producer = None;
    for entry in CATALOGUE.iter().flat_map(|entries| *entries) {
        if producer.replace(entry.producer) != Some(entry.producer) {
            let _ = write!(
                page,
                "\n## {}\n\n| event | kind | tells | consumers | listeners |\n|---|---|---|---|---|\n",
                entry.producer
            );
        }
        let _ = writeln!(page, "{}", line(entry));
    }
    page
}

fn line(entry: &Entry) -> String {
    let kind = match entry.kind {
        Kind::Fact => "fact",
        Kind::State => "state",
    };
    let names =
        |services: &[Service]| services.iter().map(|service| service.as_str()).collect::<Vec<_>>().join(", ");
    format!(
        "| `{}` | {kind} | {} | {} | {} |",
        entry.event_type,
        entry.meaning,
        names(entry.consumers),
        names(entry.listeners)
    )
}
