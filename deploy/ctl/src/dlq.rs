//! `ctl dlq`: events that could not be handled, and what becomes of them.

use clap::{Args, Subcommand};
use pitchey_bus::Broker;
use pitchey_bus::dead_letters::{self, DeadLetter, Place, Which};
use pitchey_events::Service;
use secrecy::SecretString;
use uuid::Uuid;

use crate::{Failure, settings};

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum Dlq {
    /// List them: all places, or one.
    List {
        /// A service whose dead letters are meant, or `unrouted`. Default: every place.
        place: Option<String>,
        /// How many of each place.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Show one, with its body.
    Show {
        /// A service, or `unrouted`.
        place: String,
        /// Its event id.
        id: Uuid,
    },
    /// Give them back to who could not handle them. Safe: what was handled after all is known as a duplicate.
    Replay(Chosen),
    /// Throw them away, for good.
    Drop(Chosen),
}

/// Which.
#[derive(Debug, Args)]
pub struct Chosen {
    /// A service, or `unrouted`.
    place: String,
    /// The event id of one.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<Uuid>,
    /// All of them.
    #[arg(long)]
    all: bool,
}

/// Which broker.
#[derive(Debug, Args)]
pub struct At {
    /// URL of RabbitMQ.
    #[arg(long = "amqp-url", env = "PITCHEY_BROKER__URL", hide_env_values = true, value_name = "URL")]
    url: String,
    /// What the names of its exchanges and queues begin with.
    #[arg(long, env = "PITCHEY_BROKER__PREFIX", default_value = "", value_name = "PREFIX")]
    prefix: String,
}

impl At {
    pub(crate) fn broker(&self) -> Result<Broker, Failure> {
        let broker = Broker::new(SecretString::from(self.url.clone()), self.prefix.clone());
        Ok(Broker { trust: settings::trust()?, ..broker })
    }
}

pub(crate) async fn run(command: Dlq, at: &At) -> Result<(), Failure> {
    let broker = at.broker()?;
    match command {
        Dlq::List { place: None, limit } => list_all(&broker, limit).await,
        Dlq::List { place: Some(word), limit } => {
            let letters = dead_letters::list(&broker, place(&word)?, limit).await?;
            print_list(&word, &letters);
            Ok(())
        }
        Dlq::Show { place: word, id } => {
            let letter = dead_letters::show(&broker, place(&word)?, id).await?;
            print_one(&letter.ok_or_else(|| Failure::Failed(format!("no dead letter {id} in {word}")))?);
            Ok(())
        }
        Dlq::Replay(chosen) => {
            let count = dead_letters::replay(&broker, place(&chosen.place)?, which(&chosen)).await?;
            done("given back", count, &chosen)
        }
        Dlq::Drop(chosen) => {
            let count = dead_letters::drop(&broker, place(&chosen.place)?, which(&chosen)).await?;
            done("thrown away", count, &chosen)
        }
    }
}

/// Every place that exists: a service without consumers has no queue of dead letters.
async fn list_all(broker: &Broker, limit: usize) -> Result<(), Failure> {
    let consumers = Service::ALL.iter().copied().filter(|service| {
        pitchey_events::CATALOGUE
            .iter()
            .flat_map(|entries| entries.iter())
            .any(|entry| entry.consumers.contains(service))
    });
    for place in consumers.map(Place::Dead).chain([Place::Unrouted]) {
        let name = match place {
            Place::Dead(service) => service.as_str(),
            Place::Unrouted => UNROUTED,
        };
        print_list(name, &dead_letters::list(broker, place, limit).await?);
    }
    Ok(())
}

const UNROUTED: &str = "unrouted";

fn place(word: &str) -> Result<Place, Failure> {
    if word == UNROUTED {
        return Ok(Place::Unrouted);
    }
    word.parse()
        .map(Place::Dead)
        .map_err(|_| Failure::Usage(format!("'{word}' is neither a service nor '{UNROUTED}'")))
}

fn which(chosen: &Chosen) -> Which {
    chosen.id.map_or(Which::All, Which::One)
}

fn done(what: &str, count: usize, chosen: &Chosen) -> Result<(), Failure> {
    if let (0, Some(id)) = (count, chosen.id) {
        return Err(Failure::Failed(format!("no dead letter {id} in {}", chosen.place)));
    }
    println!("{count} {what}");
    Ok(())
}

fn print_list(place: &str, letters: &[DeadLetter]) {
    if letters.is_empty() {
        println!("{place}: none");
        return;
    }
    println!("{place}: {}", letters.len());
    for letter in letters {
        println!(
            "  {}  {}  {}  {}  {}",
            id(letter),
            time(letter),
            letter.event_type,
            letter.subject,
            letter.reason
        );
    }
}

fn print_one(letter: &DeadLetter) {
    println!("id           {}", id(letter));
    println!("type         {}", letter.event_type);
    println!("subject      {}", letter.subject);
    println!("occurred at  {}", time(letter));
    println!("reason       {}", letter.reason);
    println!("attempts     {}", letter.attempts);
    println!("traceparent  {}", letter.traceparent.as_deref().unwrap_or("-"));
    match serde_json::from_str::<serde_json::Value>(&letter.body) {
        Ok(json) => println!("\n{json:#}"),
        Err(_) => println!("\n{}", letter.body),
    }
}

fn id(letter: &DeadLetter) -> String {
    letter.id.map_or_else(|| "(no id)".to_owned(), |id| id.to_string())
}

fn time(letter: &DeadLetter) -> String {
    letter
        .occurred_at
        .map_or_else(|| "-".to_owned(), |at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}
