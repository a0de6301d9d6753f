//! A process of its own, to be stopped and killed: this very executable, told to run [`program`].

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pitchey_bus::{Broker, Bus, Consumes, Listeners, Subscriptions};
use pitchey_db::{Database, Databases};
use pitchey_events::Service;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use crate::events::{Changed, Counted, Shared, plan};
use crate::world::{Ledger, World, command};

const ROLE: &str = "PITCHEY_BUS_CHILD";
const URLS: [&str; 4] = [
    "PITCHEY_BUS_CHILD_USER_URL",
    "PITCHEY_BUS_CHILD_SYSTEM_URL",
    "PITCHEY_BUS_CHILD_AMQP_URL",
    "PITCHEY_BUS_CHILD_PREFIX",
];

/// A running child; killed when dropped.
pub struct Child {
    process: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What a child does.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// Commits so many commands, from this number on, and then waits.
    Writes { from: i64, many: i64 },
    /// Leads and follows.
    Relays,
    /// Applies events.
    Consumes,
}

impl Child {
    pub fn start(world: &World, settings: &Broker, role: Role) -> Self {
        let service = if matches!(role, Role::Consumes) { Service::Notifications } else { Service::Pitches };
        let database = world.database.settings(service);
        let urls = [&database.user_url, &database.system_url, &settings.url];
        let urls =
            urls.map(|url| url.expose_secret().to_owned()).into_iter().chain([settings.prefix.clone()]);
        let spelled = match role {
            Role::Writes { from, many } => format!("writes {from} {many}"),
            Role::Relays => "relays".to_owned(),
            Role::Consumes => "consumes".to_owned(),
        };
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "faults::child::program", "--ignored", "--nocapture"])
            .env(ROLE, spelled)
            .envs(URLS.into_iter().zip(urls))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// Waits until the child says so.
    pub async fn says(&mut self, what: &str) {
        let saying = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.strip_prefix('@') == Some(what) {
                    return;
                }
            }
            panic!("the child ended before it said {what}");
        };
        tokio::time::timeout(pitchey_testkit::SOON, saying)
            .await
            .unwrap_or_else(|_| panic!("the child never said {what}"));
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.process.id().unwrap()).unwrap());
        kill(pid, signal).unwrap();
    }

    /// SIGKILL.
    pub async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "not a test but the child process of the tests in faults::process, which start it"]
async fn program() {
    let Some(role) = text(ROLE) else { return };
    let [user_url, system_url, amqp_url, prefix] = URLS.map(|name| text(name).unwrap());
    let urls = [user_url, system_url].map(SecretString::from);
    let [user_url, system_url] = urls;
    let databases = Databases::open(&Database {
        user_url,
        system_url,
        user_pool: 2,
        system_pool: 4,
        wait_ms: 5_000,
        trust: Default::default(),
    })
    .await
    .unwrap();
    let settings = Broker::new(amqp_url, prefix);
    let words: Vec<&str> = role.split(' ').collect();
    let consumes = words[0] == "consumes";
    let (service, subscriptions) = if consumes {
        let ledger = std::sync::Arc::new(Ledger::of(Service::Notifications));
        let list = Subscriptions::of(ledger).on::<Counted>().on::<Shared>().on::<Changed>();
        (Service::Notifications, Consumes::from(list))
    } else {
        (Service::Pitches, Consumes::nothing())
    };
    let bus =
        Bus::start_by(plan(), service, &settings, Some(&databases), subscriptions, Listeners::new()).unwrap();
    say("started");
    if let ["writes", from, many] = words[..] {
        let from: i64 = from.parse().unwrap();
        for n in from..from + many.parse::<i64>().unwrap() {
            command(&plan(), &databases, n, &Counted::new(n)).await.unwrap();
        }
        say("written");
    }
    let mut led = false;
    loop {
        let leads = bus.health().leader;
        if leads != led {
            say(if leads { "leads" } else { "follows" });
            led = leads;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

fn say(what: &str) {
    // On a line of its own, whatever the test runner has written before.
    println!("\n@{what}");
}

fn text(variable: &str) -> Option<String> {
    std::env::var_os(variable)?.into_string().ok()
}
