//! `ctl config`: every setting of every service, and whether Postgres has room for all of them.

use clap::Args;
use diesel::sql_types::Integer;
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use pitchey_accounts::Accounts;
use pitchey_analytics::Analytics;
use pitchey_config::Described;
use pitchey_events::Service;
use pitchey_gateway::Gateway;
use pitchey_launch::{Process, describe};
use pitchey_messaging::Messaging;
use pitchey_notifications::Notifications;
use pitchey_payments::Payments;
use pitchey_pitches::Pitches;

use crate::{Failure, migrate, settings};

/// What the platform is to look like.
#[derive(Debug, Args)]
pub struct Config {
    /// How many replicas of a service there are to be: `pitches=3`. One, if nothing is said.
    #[arg(long = "replicas", value_name = "SERVICE=COUNT", value_parser = replicas)]
    replicas: Vec<(Service, usize)>,
    /// URL of the database, to ask how many connections it allows.
    #[arg(
        long = "database-url",
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        value_parser = settings::database_url
    )]
    database: Option<String>,
    /// How many it allows, where it is not asked.
    #[arg(long, default_value_t = 300)]
    max_connections: usize,
    /// Only the sum of connections.
    #[arg(long)]
    brief: bool,
}

fn replicas(text: &str) -> Result<(Service, usize), String> {
    let (service, count) = text.split_once('=').ok_or("SERVICE=COUNT")?;
    Ok((
        service.parse().map_err(|_| format!("there is no service {service}"))?,
        count.parse().map_err(|_| "the count is no number")?,
    ))
}

/// Beside the pools: what the relay listens and locks with.
const RELAY: usize = 1;

pitchey_config::settings! {
    /// The part of a service's settings that says how much of Postgres it takes.
    struct Sizes {
        /// As in the service's own settings.
        database: Pools,
    }
}

pitchey_config::settings! {
    /// The two pools; without a value the service's default counts.
    struct Pools {
        /// As in the service's own settings.
        user_pool: Option<usize> = None,
        /// As in the service's own settings.
        system_pool: Option<usize> = None,
    }
}

pub(crate) async fn run(config: Config) -> Result<(), Failure> {
    let services = services();
    if !config.brief {
        println!("PITCHEY_ instead of a service's prefix sets a variable for all of them.");
        for (service, settings) in &services {
            print_settings(*service, settings);
        }
        println!();
    }
    let allowed = match &config.database {
        Some(url) => max_connections(url).await?,
        None => config.max_connections,
    };
    connections(&services, &config.replicas, allowed)
}

fn services() -> Vec<(Service, Vec<Described>)> {
    fn of<P: Process>() -> (Service, Vec<Described>) {
        (P::SERVICE, describe::<P>())
    }
    vec![
        of::<Gateway>(),
        of::<Accounts>(),
        of::<Pitches>(),
        of::<Messaging>(),
        of::<Payments>(),
        of::<Analytics>(),
        of::<Notifications>(),
    ]
}

fn print_settings(service: Service, settings: &[Described]) {
    println!("\n{service}");
    for Described { variable, doc, default } in settings {
        match default {
            Some(default) => println!("  {variable} = {default}"),
            None => println!("  {variable}  (required)"),
        }
        for line in wrapped(doc, 100) {
            println!("      {line}");
        }
    }
}

/// Greedy, by words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

async fn max_connections(url: &str) -> Result<usize, Failure> {
    #[derive(QueryableByName)]
    struct Allowed {
        #[diesel(sql_type = Integer)]
        connections: i32,
    }
    let sql = "SELECT current_setting('max_connections')::integer
                      - current_setting('superuser_reserved_connections')::integer AS connections";
    let allowed: Allowed = sql_query(sql).get_result(&mut migrate::connect(url).await?).await?;
    Ok(allowed.connections.try_into().unwrap_or(0))
}

/// Prints the sum; an error if Postgres has no room for it.
fn connections(
    services: &[(Service, Vec<Described>)],
    replicas: &[(Service, usize)],
    allowed: usize,
) -> Result<(), Failure> {
    println!("connections to Postgres   replicas   each: user pool + system pool + relay");
    let mut sum = 0;
    for (service, settings) in services {
        let Some((user, system)) = pools(*service, settings)? else { continue };
        let count = replicas.iter().rev().find(|(of, _)| of == service).map_or(1, |(_, count)| *count);
        let each = user + system + RELAY;
        sum += count * each;
        println!("  {:<22} {count:>8} x ({user} + {system} + {RELAY}) = {}", service.as_str(), count * each);
    }
    println!("  {:<22} {sum} of {allowed} that Postgres allows", "together");
    if sum <= allowed {
        Ok(())
    } else {
        Err(Failure::Failed(format!("{} connections too many", sum - allowed)))
    }
}

/// Sizes of both pools, as the environment says or by default; `None` for who has no database.
fn pools(service: Service, settings: &[Described]) -> Result<Option<(usize, usize)>, Failure> {
    let default = |pool: &str| {
        let setting = settings.iter().find(|setting| setting.variable.ends_with(pool))?;
        setting.default.as_ref()?.parse::<usize>().ok()
    };
    let (Some(user), Some(system)) = (default("_DATABASE__USER_POOL"), default("_DATABASE__SYSTEM_POOL"))
    else {
        return Ok(None);
    };
    let set = pitchey_config::load::<Sizes>(service.as_str())?.database;
    Ok(Some((set.user_pool.unwrap_or(user), set.system_pool.unwrap_or(system))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_says_what_it_means() {
        for (service, settings) in services() {
            assert!(settings.len() > 5, "{service}");
            for setting in settings {
                assert!(!setting.doc.is_empty(), "{} has no description", setting.variable);
            }
        }
    }

    #[test]
    fn too_many_connections_are_an_error() {
        assert!(connections(&services(), &[], 300).is_ok());
        assert!(connections(&services(), &[(Service::Pitches, 20)], 300).is_err());
    }

    #[test]
    fn texts_are_wrapped_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
    }
}
