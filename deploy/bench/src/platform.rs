//! Private servers, and the services as processes of the build that this program is of.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pitchey_clock::Clock;
use pitchey_events::Service;
use pitchey_identity::{Actor, Context, HEADER, Identity, Principal, Request, Signer};
use pitchey_testkit::{Server, Servers};
use secrecy::SecretString;
use tokio::time::sleep;

use crate::cpu::Processes;
use crate::load::{Client, Outgoing, get};
use crate::upstream::Upstream;

/// All but analytics, for which a bare handler stands.
pub const SERVICES: [Service; 6] = [
    Service::Accounts,
    Service::Payments,
    Service::Pitches,
    Service::Messaging,
    Service::Notifications,
    Service::Gateway,
];
const LOGS: &str = "target/bench/logs";
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(40);

/// Everything that runs.
pub struct Platform {
    /// Its Postgres and RabbitMQ.
    pub servers: Servers,
    /// Stands for analytics.
    pub upstream: Upstream,
    environment: BTreeMap<String, String>,
    running: BTreeMap<Service, Child>,
    signer: Signer,
    _mails: tempfile::TempDir,
}

impl Platform {
    /// Servers with the schema; no service runs yet.
    pub async fn prepare() -> Self {
        std::fs::create_dir_all(LOGS).unwrap();
        let (servers, upstream, mails) =
            (Servers::start().await, Upstream::start(), tempfile::tempdir().unwrap());
        let mut environment = BTreeMap::from([
            ("DATABASE_URL".to_owned(), servers.database_url().to_owned()),
            ("AMQP_URL".to_owned(), servers.amqp_url().to_owned()),
        ]);
        let mut secrets = Command::new("deploy/dev/secrets");
        let secrets = said(secrets.arg("--free-ports").envs(&environment));
        environment.extend(
            secrets
                .lines()
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let gateway = environment["GATEWAY_HTTP__ADDRESS"].clone();
        environment.entry("NOTIFICATIONS_PUBLIC_URL".to_owned()).or_insert(format!("http://{gateway}"));
        let upstream_url = format!("http://{}", upstream.address);
        let mail_folder = mails.path().display().to_string();
        for (name, value) in [
            ("NOTIFICATIONS_MAIL__FOLDER", mail_folder.as_str()),
            ("GATEWAY_UPSTREAMS__ANALYTICS", &upstream_url),
            // The floor of a command has no other service in it.
            ("PITCHES_CREDITS", "off"),
            // What is measured is not how well they refuse.
            ("GATEWAY_LIMITS__GENERAL", "10000000"),
            ("GATEWAY_LIMITS__SENSITIVE", "10000000"),
        ] {
            environment.insert(name.to_owned(), value.to_owned());
        }
        said(program("ctl").args(["migrate", "up"]).envs(&environment));
        let signer = signer(&environment);
        Self { servers, upstream, environment, running: BTreeMap::new(), signer, _mails: mails }
    }

    /// A setting.
    pub fn setting(&self, name: &str) -> &str {
        self.environment.get(name).unwrap_or_else(|| panic!("deploy/dev/secrets prints no {name}"))
    }

    /// Where `service` serves HTTP.
    pub fn address(&self, service: Service) -> SocketAddr {
        self.setting(&format!("{}_HTTP__ADDRESS", service.as_str().to_uppercase())).parse().unwrap()
    }

    /// Starts `service`, and returns how long it took until it said that it is healthy.
    pub async fn start(&mut self, service: Service) -> Duration {
        let begun = Instant::now();
        let log = File::create(Path::new(LOGS).join(format!("{service}.log"))).unwrap();
        let process = program(&format!("pitchey-{service}"))
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("pitchey-{service}: {error}"));
        self.running.insert(service, process);
        let client = Client::new(self.address(service));
        loop {
            let answer = client.send(get("/health")).await;
            if answer.status == 200 {
                return begun.elapsed();
            }
            if let Some(status) = self.running.get_mut(&service).unwrap().try_wait().unwrap() {
                panic!("{service} ended ({status}); see {LOGS}/{service}.log");
            }
            assert!(
                begun.elapsed() < START_LIMIT,
                "{service} is not healthy ({} {}); see {LOGS}/{service}.log",
                answer.status,
                String::from_utf8_lossy(&answer.body),
            );
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Starts every service that does not run, the gateway last: it is healthy when they are.
    pub async fn start_all(&mut self) {
        for service in SERVICES {
            if !self.running.contains_key(&service) {
                self.start(service).await;
            }
        }
    }

    /// Lets `service` drain and end.
    pub async fn stop(&mut self, service: Service) {
        let Some(mut process) = self.running.remove(&service) else { return };
        kill(Pid::from_raw(process.id().cast_signed()), Signal::SIGTERM).unwrap();
        let begun = Instant::now();
        while process.try_wait().unwrap().is_none() {
            if begun.elapsed() > STOP_LIMIT {
                eprintln!("{service} does not stop; killed");
                process.kill().unwrap();
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The process of `service`.
    pub fn pid(&self, service: Service) -> u32 {
        self.running.get(&service).unwrap_or_else(|| panic!("{service} runs")).id()
    }

    /// Processes of the services and of Postgres.
    pub fn processes(&self, services: &[Service]) -> Vec<Processes> {
        let services = services.iter().map(|service| Processes::One(self.pid(*service)));
        services.chain([Processes::Tree(self.servers.pid(Server::Postgres))]).collect()
    }

    /// What signs as the gateway.
    pub fn signer(&self) -> Signer {
        self.signer.clone()
    }
}

/// `request` as the gateway would pass it on for `actor`.
pub fn sign(signer: &Signer, service: Service, actor: &Actor, mut request: Outgoing) -> Outgoing {
    let context = Context { principal: Principal::User(actor.clone()), ..Context::default() };
    let path = request.uri().path_and_query().unwrap().as_str();
    let signature =
        signer.sign(service, Request { method: request.method().as_str(), path }, &context).unwrap();
    request.headers_mut().insert(HEADER, signature.parse().unwrap());
    request
}

impl Drop for Platform {
    fn drop(&mut self) {
        for process in self.running.values_mut() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A program of this build.
fn program(name: &str) -> Command {
    let beside: PathBuf = std::env::current_exe().unwrap().parent().unwrap().join(name);
    Command::new(beside)
}

fn said(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{:?}: {status}\n{}", command.get_program(), String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn signer(environment: &BTreeMap<String, String>) -> Signer {
    let key = environment["GATEWAY_IDENTITY__CALLS__PITCHES"].as_str();
    let calls = BTreeMap::from([(Service::Pitches.to_string(), SecretString::from(key))]);
    Signer::new(Service::Gateway, &Identity { calls, accepts: BTreeMap::new() }, Clock::system()).unwrap()
}
