//! All services as processes, on a database and a broker prefix of their own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pitchey_events::Service;
use pitchey_testkit::{
    Authority, Broker, Client, Ports, Servers, TestDatabase, identity, programs, wait_until,
};
use tempfile::TempDir;
use tokio::process::Command;
use uuid::Uuid;

use crate::look;
use crate::replica::Replica;

/// The services that exist, in the order in which they start.
const SERVICES: [Service; 7] = [
    Service::Accounts,
    Service::Pitches,
    Service::Messaging,
    Service::Payments,
    Service::Analytics,
    Service::Notifications,
    Service::Gateway,
];

/// A busy machine may take its time; an idle one takes two seconds.
const UP: Duration = Duration::from_secs(60);

/// What the platform is to be.
#[derive(Default)]
pub struct Builder {
    replicas: BTreeMap<Service, usize>,
    environment: Vec<(String, String)>,
    programs: Option<PathBuf>,
}

/// A running platform. Gone when dropped.
pub struct Platform {
    /// Every process. Before the database, so that they are gone first.
    replicas: Vec<Replica>,
    /// The database.
    pub db: TestDatabase,
    /// The broker.
    pub broker: Broker,
    environment: Vec<(String, String)>,
    /// Who vouches for everybody, where all speak TLS.
    authorities: Option<PathBuf>,
    pub(crate) people: AtomicU32,
    _dir: TempDir,
}

impl Builder {
    /// So many replicas of a service; one if nothing is said.
    #[must_use]
    pub fn replicas(mut self, service: Service, count: usize) -> Self {
        self.replicas.insert(service, count);
        self
    }

    /// A setting.
    #[must_use]
    pub fn set(mut self, variable: &str, value: &str) -> Self {
        self.environment.push((variable.to_owned(), value.to_owned()));
        self
    }

    /// Started from the programs in this folder, with the schema that their `ctl` makes.
    #[must_use]
    pub fn programs(mut self, folder: &Path) -> Self {
        self.programs = Some(folder.to_owned());
        self
    }

    /// Starts it on the servers of this run.
    pub async fn start(self) -> Platform {
        let db = match &self.programs {
            Some(folder) => TestDatabase::migrated_by(&folder.join("ctl")).await,
            None => TestDatabase::create().await,
        };
        self.start_on(db, Broker::new(), None).await
    }

    /// Starts it on servers that the test may break.
    pub async fn start_with(self, servers: &Servers) -> Platform {
        self.start_on(servers.database().await, servers.broker(), None).await
    }

    /// Starts it on servers that speak TLS and nothing else; so do all of its processes, each with a certificate of its own.
    pub async fn start_secure(self, servers: &Servers) -> Platform {
        self.start_on(servers.database().await, servers.broker(), Some(servers.authorities())).await
    }

    async fn start_on(self, db: TestDatabase, broker: Broker, of_servers: Option<&Path>) -> Platform {
        let dir = tempfile::Builder::new().prefix("pitchey-system.").tempdir().expect("a folder");
        let authorities = of_servers.map(|of_servers| certify(dir.path(), of_servers));
        let scheme = if authorities.is_some() { "https" } else { "http" };
        let mut ports = Ports::new();
        let places: Vec<_> = SERVICES
            .into_iter()
            .flat_map(|service| {
                (0..self.replicas.get(&service).copied().unwrap_or(1)).map(move |n| (service, n))
            })
            .map(|(service, number)| (service, number, (ports.take(), ports.take())))
            .collect();
        let mut environment = environment(&db, &broker, &dir);
        for service in SERVICES.into_iter().filter(|service| *service != Service::Gateway) {
            let list = |port: fn(&(u16, u16)) -> u16| {
                let urls = places.iter().filter(|place| place.0 == service);
                urls.map(|place| format!("{scheme}://127.0.0.1:{}", port(&place.2)))
                    .collect::<Vec<_>>()
                    .join(",")
            };
            let name = service.as_str().to_uppercase();
            environment.push((format!("GATEWAY_UPSTREAMS__{name}"), list(|ports| ports.0)));
            environment.push((format!("PITCHEY_RPC_TARGETS__{name}"), list(|ports| ports.1)));
        }
        if let Some(authorities) = &authorities {
            environment.extend(secured(dir.path(), authorities));
        }
        environment.extend(self.environment);
        let folder = self.programs.unwrap_or_else(programs);
        let replicas: Vec<_> = places
            .into_iter()
            .map(|(service, number, ports)| {
                let authorities = authorities.clone();
                Replica::new(service, number, ports, &environment, &folder, dir.path(), authorities)
            })
            .collect();
        look::record(&db).await;
        replicas.iter().for_each(Replica::start);
        let people = AtomicU32::new(1);
        let platform = Platform { replicas, db, broker, environment, authorities, people, _dir: dir };
        platform.wait_until_healthy().await;
        platform
    }
}

/// Makes a certificate for each service in `dir`; returns a file with who vouches for them and for the servers.
fn certify(dir: &Path, of_servers: &Path) -> PathBuf {
    let (ours, bundle) = (Authority::in_folder(dir.join("tls")), dir.join("authorities.pem"));
    for service in SERVICES {
        ours.files_here(service.as_str());
    }
    let read = |file: &Path| std::fs::read(file).expect("an authority");
    std::fs::write(&bundle, [read(&ours.file()), read(of_servers)].concat()).expect("a bundle");
    bundle
}

/// What makes everybody speak TLS.
fn secured(dir: &Path, authorities: &Path) -> Vec<(String, String)> {
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let mut environment = vec![("PITCHEY_TLS__AUTHORITIES".to_owned(), text(authorities.to_owned()))];
    for service in SERVICES {
        let (name, own) = (service.as_str().to_uppercase(), dir.join("tls").join(service.as_str()));
        environment.push((format!("{name}_TLS__CERTIFICATE"), text(own.join("tls.crt"))));
        environment.push((format!("{name}_TLS__KEY"), text(own.join("tls.key"))));
    }
    environment
}

/// What every process gets; each takes what is its own.
fn environment(db: &TestDatabase, broker: &Broker, dir: &TempDir) -> Vec<(String, String)> {
    let key = |name: &str| STANDARD.encode(format!("{name:-<32}"));
    let mails = dir.path().join("mails");
    std::fs::create_dir(&mails).expect("a folder for mails");
    let mut environment: Vec<_> = [
        ("NO_COLOR", "1".to_owned()),
        ("PITCHEY_MODE", "development".to_owned()),
        ("PITCHEY_BROKER__URL", broker.url.clone()),
        ("PITCHEY_BROKER__PREFIX", broker.prefix.clone()),
        ("PITCHEY_PUBLIC_URL", "http://pitchey.test".to_owned()),
        ("PITCHEY_PII_KEY", key("pii")),
        ("ACCOUNTS_MAIL_TOKEN_KEY", key("mail token")),
        ("ACCOUNTS_EXPORT_FROM", "pitches,messaging,payments,analytics,notifications".to_owned()),
        ("PITCHES_RECEIPT_SIGNING_KEY", key("receipts")),
        ("PITCHES_CREDITS", "payments".to_owned()),
        ("MESSAGING_CREDITS", "payments".to_owned()),
        ("MESSAGING_MASTER_KEYS", key("messages")),
        ("MESSAGING_MESSAGE_BURST", "100000".to_owned()),
        ("PITCHES_SHARE_KEY", key("shared links")),
        ("PITCHES_MEDIA__LINK_KEY", key("media links")),
        ("PITCHES_MEDIA__FOLDER", dir.path().join("media").to_string_lossy().into_owned()),
        ("NOTIFICATIONS_UNSUBSCRIBE_KEY", key("unsubscribe")),
        ("NOTIFICATIONS_WEBHOOK_SECRET", format!("whsec_{}", key("webhook"))),
        ("NOTIFICATIONS_MAIL__FOLDER", mails.to_string_lossy().into_owned()),
        ("PITCHEY_DATABASE__USER_POOL", "4".to_owned()),
        ("PITCHEY_DATABASE__SYSTEM_POOL", "4".to_owned()),
    ]
    .into_iter()
    .map(|(variable, value)| (variable.to_owned(), value))
    .collect();
    for service in SERVICES {
        environment.extend(identity::environment(service));
        if service != Service::Gateway {
            let name = service.as_str().to_uppercase();
            let url = |role: &str| db.url_as(role);
            environment.push((format!("{name}_DATABASE__USER_URL"), url(&format!("pitchey_{service}"))));
            environment
                .push((format!("{name}_DATABASE__SYSTEM_URL"), url(&format!("pitchey_{service}_system"))));
        }
    }
    environment
}

impl Platform {
    /// One replica of each service, on the servers of this run.
    pub async fn start() -> Self {
        Builder::default().start().await
    }

    /// Describes another one.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The gateway, as a client knows it.
    pub fn gateway(&self) -> Client {
        match &self.authorities {
            Some(authorities) => Client::secure(self.gateway_address(), authorities),
            None => Client::unsigned(self.gateway_address()),
        }
    }

    /// Where the gateway is.
    pub fn gateway_address(&self) -> SocketAddr {
        self.replicas_of(Service::Gateway)[0].address()
    }

    /// The processes of a service.
    pub fn replicas_of(&self, service: Service) -> Vec<&Replica> {
        self.replicas.iter().filter(|replica| replica.service == service).collect()
    }

    /// One of them, to be killed and started.
    pub fn replica(&self, service: Service, number: usize) -> &Replica {
        self.replicas.iter().filter(|replica| replica.service == service).nth(number).expect("such a replica")
    }

    /// Waits until every process says that it can serve, and has the broker.
    pub async fn wait_until_healthy(&self) {
        wait_until("all services to be healthy", UP, async || {
            for replica in &self.replicas {
                if let Some(status) = replica.ended() {
                    panic!("{} ended with {status}:\n{}", replica.service, replica.log());
                }
                match replica.health().await {
                    Some(health) if health["broker"] == "connected" => {}
                    _ => return false,
                }
            }
            true
        })
        .await;
    }

    /// Runs `ctl` with the platform's environment; returns its exit code and what it printed.
    pub async fn ctl(&self, arguments: &[&str]) -> (i32, String) {
        self.ctl_of(&programs(), arguments).await
    }

    /// Runs the `ctl` in this folder.
    pub async fn ctl_of(&self, programs: &Path, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(programs.join("ctl"))
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .env("DATABASE_URL", self.db.admin_url())
            .env("GATEWAY_HTTP__ADDRESS", self.gateway_address().to_string())
            .output()
            .await
            .expect("ctl");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    }

    /// A name that nobody on this platform has.
    pub(crate) fn fresh(&self, name: &str) -> String {
        format!(
            "{name}{}{}",
            self.people.fetch_add(1, Ordering::Relaxed),
            &Uuid::new_v4().simple().to_string()[..6]
        )
    }
}

impl Drop for Platform {
    /// A failed test shows what the services had to say.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for replica in &self.replicas {
            let log = replica.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("--- {}, the end of its log", replica.service);
            for line in &lines[lines.len().saturating_sub(40)..] {
                eprintln!("{line}");
            }
        }
    }
}
