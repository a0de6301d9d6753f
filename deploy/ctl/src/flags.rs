//! `ctl flags`: what can be switched while everything runs.

use clap::{ArgGroup, Args, Subcommand};
use diesel_async::SimpleAsyncConnection;
use pitchey_accounts::flags::{self, Change, NotSwitched, Operator, Own, Row};
use pitchey_clock::Clock;
use pitchey_config::Trust;
use pitchey_db::{Databases, Tx};
use pitchey_events::UserId;
use pitchey_flags::Flag;

use crate::Failure;

/// What to do with them.
#[derive(Debug, Subcommand)]
pub enum Flags {
    /// Every flag: how it is set, by whom, and what holds where nobody has set it.
    List,
    /// Set one; running replicas follow within a second, without the broker within half a minute.
    ///
    /// A user's own setting comes first; then --off is off for everybody, and --on is on for the share of users. A share stays what it was (100 percent at first) until
    /// --share changes it; who is in it stays in it as it grows. Who did it and why is in the audit log.
    Set(Set),
}

/// Which, how, and why.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["on", "off", "share", "user"]).multiple(true).required(true))]
pub struct Set {
    /// As in `list`.
    #[arg(value_parser = known)]
    flag: Flag,
    /// On for the share of users.
    #[arg(long, conflicts_with = "off")]
    on: bool,
    /// Off for everybody.
    #[arg(long)]
    off: bool,
    /// In percent of users.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    share: Option<u8>,
    /// A setting of one user's own: `--user 12 off`, `--user 12 default` for none. Several times for several users.
    #[arg(long, num_args = 2, value_names = ["ID", "on|off|default"])]
    user: Vec<String>,
    /// For the audit log.
    #[arg(long)]
    reason: String,
    /// Who you are, for the audit log.
    #[arg(long, env = "USER", value_name = "NAME")]
    by: String,
}

fn known(name: &str) -> Result<Flag, String> {
    let all: Vec<_> = Flag::ALL.iter().map(|flag| flag.as_str()).collect();
    name.parse().map_err(|_| format!("there are: {}", all.join(", ")))
}

pub(crate) async fn run(command: Flags, url: &str) -> Result<(), Failure> {
    let settings = pitchey_db::Database {
        user_url: url.into(),
        system_url: url.into(),
        user_pool: 1,
        system_pool: 1,
        wait_ms: 5_000,
        trust: Trust::default(), // in the URL
    };
    let databases = Databases::open(&settings).await?;
    let mut tx = databases.system.begin().await?;
    tx.batch_execute("SET LOCAL ROLE pitchey_owner").await?;
    match command {
        Flags::List => list(&mut tx).await,
        Flags::Set(set) => switch(tx, &set).await,
    }
}

async fn list(tx: &mut Tx) -> Result<(), Failure> {
    let set = flags::list(tx).await?;
    for flag in Flag::ALL {
        match set.iter().find(|(row, _)| row.key == flag.as_str()) {
            Some((row, own)) => show(row, own, flag.meaning()),
            None => {
                println!("{flag}: {}, as nobody has set it\n    {}", word(flag.default()), flag.meaning())
            }
        }
    }
    for (row, own) in set.iter().filter(|(row, _)| row.key.parse::<Flag>().is_err()) {
        show(row, own, &format!("Unknown to this program. {}", row.description));
    }
    Ok(())
}

fn show(row: &Row, own: &Own, meaning: &str) {
    println!("{}: {}", row.key, state(row, own));
    println!("    since {} by {}\n    {meaning}", row.updated_at.format("%F %T"), row.updated_by);
}

/// `on for 20 % of users; own settings: 12 on, 13 off`.
fn state(row: &Row, own: &Own) -> String {
    let mut text = match (row.enabled, row.share) {
        (false, _) => "off".to_owned(),
        (true, 100) => "on".to_owned(),
        (true, share) => format!("on for {share} % of users"),
    };
    let own: Vec<_> = own.iter().map(|(user, on)| format!("{user} {}", word(*on))).collect();
    if !own.is_empty() {
        text += &format!("; own settings: {}", own.join(", "));
    }
    text
}

const fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

async fn switch(mut tx: Tx, set: &Set) -> Result<(), Failure> {
    let change = Change {
        enabled: (set.on || set.off).then_some(set.on),
        share: set.share,
        users: set.user.chunks(2).map(own).collect::<Result<_, _>>()?,
    };
    let operator = Operator { name: &set.by, reason: &set.reason };
    let now = Clock::system().now();
    match flags::switch(&mut tx, set.flag, &change, operator, now).await.map_err(failure)? {
        Some((row, own)) => {
            tx.commit().await?;
            println!("{}: {}", row.key, state(&row, &own));
        }
        None => println!("{}: it is so already; nothing changed", set.flag),
    }
    Ok(())
}

fn own(pair: &[String]) -> Result<(UserId, Option<bool>), Failure> {
    let usage = || Failure::Usage("--user takes the id of a user, and on, off or default".to_owned());
    let [user, setting] = pair else { return Err(usage()) };
    let setting = match setting.as_str() {
        "on" => Some(true),
        "off" => Some(false),
        "default" => None,
        _ => return Err(usage()),
    };
    Ok((user.parse().map_err(|_| usage())?, setting))
}

fn failure(error: NotSwitched) -> Failure {
    match error {
        NotSwitched::Database(error) => error.into(),
        error => Failure::Usage(error.to_string()),
    }
}
