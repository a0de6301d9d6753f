use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{Broker, TestDatabase, environment, processes};

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// The database.
    Postgres,
    /// The message broker.
    RabbitMq,
}

impl Server {
    const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::RabbitMq => "rabbitmq",
        }
    }

    const fn variables(self) -> (&'static str, &'static str) {
        match self {
            Self::Postgres => ("DATABASE_URL", "POSTGRES_PID"),
            Self::RabbitMq => ("AMQP_URL", "RABBITMQ_PID"),
        }
    }
}

/// Servers of one test, which may break them. Tests that use them belong in a module called `faults`: those run one at a time. Gone when dropped,
/// or when this process is.
pub struct Servers {
    dir: TempDir,
    /// What `deploy/dev/servers` said about them.
    told: BTreeMap<String, String>,
}

impl Servers {
    /// Both.
    pub async fn start() -> Self {
        Self::start_only(&[]).await
    }

    /// Only one, which is quicker.
    pub async fn start_one(server: Server) -> Self {
        Self::start_only(&[server.name()]).await
    }

    /// Both, speaking TLS and nothing else. [`Self::database_url`] says by itself who vouches for it.
    pub async fn start_secure() -> Self {
        Self::start_only(&["--tls"]).await
    }

    /// Only one of [`Self::start_secure`].
    pub async fn start_one_secure(server: Server) -> Self {
        Self::start_only(&[server.name(), "--tls"]).await
    }

    async fn start_only(which: &[&str]) -> Self {
        // Not in the home: as root the servers run as a user who can't enter it.
        let folder = std::env::var_os("PITCHEY_TEST_FOLDER").unwrap_or_else(|| "/var/tmp".into());
        let dir = tempfile::Builder::new().prefix("pitchey-faults.").tempdir_in(folder).expect("a folder");
        let owner = std::process::id().to_string();
        let mut servers = Self { dir, told: BTreeMap::new() };
        servers.run("start", &[which, &["--ephemeral", "--owner", &owner]].concat()).await;
        servers
    }

    /// A superuser's URL of Postgres.
    pub fn database_url(&self) -> &str {
        self.told(Server::Postgres.variables().0)
    }

    /// The URL of RabbitMQ.
    pub fn amqp_url(&self) -> &str {
        self.told(Server::RabbitMq.variables().0)
    }

    /// The file with the authority of those that speak TLS.
    pub fn authorities(&self) -> &Path {
        Path::new(self.told("AUTHORITIES"))
    }

    /// A database on this Postgres.
    pub async fn database(&self) -> TestDatabase {
        TestDatabase::create_on(self.database_url()).await
    }

    /// This RabbitMQ.
    pub fn broker(&self) -> Broker {
        Broker::at(self.amqp_url())
    }

    /// Kills it as a power cut would: SIGKILL, nothing is flushed or said.
    pub async fn kill(&mut self, server: Server) {
        self.run("kill", &[server.name()]).await;
    }

    /// Shuts it down in order, and starts it again where it was; starts it if it was killed.
    pub async fn restart(&mut self, server: Server) {
        self.run("restart", &[server.name()]).await;
    }

    /// Stops it in its tracks (SIGSTOP), children included: connections stay open, nobody answers.
    pub fn stop(&self, server: Server) {
        processes::signal_tree(self.pid(server), Signal::SIGSTOP);
    }

    /// Lets it go on after [`Self::stop`].
    pub fn cont(&self, server: Server) {
        processes::signal_tree(self.pid(server), Signal::SIGCONT);
    }

    /// Runs `rabbitmqctl` for this broker, and returns what it prints.
    pub async fn rabbitmqctl(&mut self, arguments: &[&str]) -> String {
        self.run("rabbitmqctl", arguments).await
    }

    /// The process to measure, the first of its own.
    pub fn pid(&self, server: Server) -> u32 {
        self.told(server.variables().1).parse().expect("a process id")
    }

    fn told(&self, what: &str) -> &str {
        self.told.get(what).unwrap_or_else(|| panic!("this test started no server with a {what}"))
    }

    async fn run(&mut self, command: &str, arguments: &[&str]) -> String {
        // `--dir` first: what follows rabbitmqctl's own is its.
        let output = Command::new(environment::root().join("deploy/dev/servers"))
            .arg(command)
            .arg("--dir")
            .arg(self.dir.path())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .await
            .expect("deploy/dev/servers");
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "servers {command} {arguments:?}: {}\n{complained}", output.status);
        if matches!(command, "start" | "restart") {
            let lines = said.lines().filter_map(|line| line.split_once('='));
            self.told.extend(lines.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        said
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // One that stands still can't be told anything; the watcher of deploy/dev/servers does this should it fail.
        for server in [Server::Postgres, Server::RabbitMq] {
            if self.told.contains_key(server.variables().1) {
                self.cont(server);
            }
        }
        let _ = std::process::Command::new(environment::root().join("deploy/dev/servers"))
            .args(["wipe", "--dir"])
            .arg(self.dir.path())
            .stdin(Stdio::null())
            .output();
    }
}
