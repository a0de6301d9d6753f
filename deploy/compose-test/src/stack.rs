//! The containers of the test, and what is done to them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::{Failure, Result};

/// The services that have replicas; the gateway has one published port.
pub const SERVICES: [&str; 6] =
    ["accounts", "pitches", "messaging", "payments", "analytics", "notifications"];

/// A compose project of its own, with volumes of its own.
const PROJECT: &str = "pitchey-test";

/// The project.
pub struct Stack {
    /// The published door.
    pub gateway: String,
    root: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Stack {
    /// Nothing runs yet.
    pub fn new(port: u16) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        // What .env says is for the platform that people run here; this one takes nothing from it.
        let environment = vec![
            ("COMPOSE_PROJECT_NAME", PROJECT.to_owned()),
            ("COMPOSE_PROFILES", String::new()),
            ("PITCHEY_MODE", "development".to_owned()),
            ("PITCHEY_PUBLISH", format!("127.0.0.1:{port}")),
            ("PITCHEY_PUBLIC_URL", format!("http://localhost:{port}")),
            ("PITCHEY_TAG", "local".to_owned()),
            ("PITCHEY_TELEMETRY__LOG", "info".to_owned()),
            ("PITCHEY_TELEMETRY__OTLP_ENDPOINT", String::new()),
            ("NOTIFICATIONS_MAIL__TRANSPORT", "folder".to_owned()),
            ("NOTIFICATIONS_MAIL__FROM", "Pitchey <no-reply@localhost>".to_owned()),
        ];
        Ok(Self { gateway: format!("http://127.0.0.1:{port}"), root, environment })
    }

    /// A script of deploy/compose.
    pub async fn script(&self, name: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(self.root.join("deploy/compose").join(name));
        command.args(arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        said(command, &format!("{name} {}", arguments.join(" "))).await
    }

    /// Compose.
    pub async fn compose(&self, arguments: &[&str]) -> Result<String> {
        self.script("compose", arguments).await
    }

    /// Docker.
    pub async fn docker(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("docker");
        command.args(arguments);
        said(command, &format!("docker {}", arguments.join(" "))).await
    }

    /// The containers of a service.
    pub async fn replicas(&self, service: &str) -> Result<Vec<String>> {
        let ids = self.compose(&["ps", "--quiet", service]).await?;
        Ok(ids.lines().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect())
    }

    /// The only container of a service.
    pub async fn only(&self, service: &str) -> Result<String> {
        let mut replicas = self.replicas(service).await?;
        match (replicas.pop(), replicas.is_empty()) {
            (Some(replica), true) => Ok(replica),
            _ => Err(format!("{service} has not one container").into()),
        }
    }

    /// Whether all containers of a service are healthy, and as many as that.
    pub async fn is_healthy(&self, service: &str, count: usize) -> bool {
        let Ok(replicas) = self.replicas(service).await else { return false };
        for replica in &replicas {
            let state = self.docker(&["inspect", "--format", "{{.State.Health.Status}}", replica]).await;
            if state.is_ok_and(|state| state.trim() != "healthy") {
                return false;
            }
        }
        replicas.len() == count
    }

    /// SIGKILL from outside, as the kernel does when memory is short: so it is Docker that has to notice, and to start it again.
    pub async fn crash(&self, container: &str) -> Result<()> {
        let pid = self.docker(&["inspect", "--format", "{{.State.Pid}}", container]).await?;
        let kill = format!("kill -9 {}", pid.trim());
        let program = self.image("ctl");
        self.docker(&[
            "run",
            "--rm",
            "--pid=host",
            "--user=0",
            "--entrypoint=/bin/sh",
            &program,
            "-c",
            &kill,
        ])
        .await?;
        Ok(())
    }

    /// How often Docker has started it again.
    pub async fn restarts(&self, container: &str) -> Result<u32> {
        let count = self.docker(&["inspect", "--format", "{{.RestartCount}}", container]).await?;
        Ok(count.trim().parse()?)
    }

    /// The image of a program.
    pub fn image(&self, program: &str) -> String {
        format!("pitchey/{program}:local")
    }

    /// The answer of the database.
    pub async fn sql(&self, query: &str) -> Result<String> {
        let client = ["exec", "-T", "postgres", "psql", "-X", "-A", "-t", "-U", "postgres", "-d", "pitchey"];
        Ok(self.compose(&[&client[..], &["-c", query]].concat()).await?.trim().to_owned())
    }

    /// A number from the database.
    pub async fn count(&self, query: &str) -> Result<u64> {
        Ok(self.sql(query).await?.parse()?)
    }

    /// `ctl` on the platform's networks.
    pub async fn ctl(&self, arguments: &[&str]) -> Result<String> {
        self.compose(&[&["run", "--rm", "-T", "ctl"], arguments].concat()).await
    }

    /// `ctl` outside of them, as a person at this machine: it comes to the gateway by the published port, and to the servers by their addresses.
    pub async fn ctl_outside(&self, arguments: &[&str]) -> Result<String> {
        let file = self.root.join(".pitchey/compose/ctl.env");
        let secrets = std::fs::read_to_string(&file)?;
        let mut command = Command::new("docker");
        command.args(["run", "--rm", "--network=host"]);
        for (variable, server) in [("DATABASE_URL", "postgres"), ("PITCHEY_BROKER__URL", "rabbitmq")] {
            let line = secrets.lines().find_map(|line| line.strip_prefix(&format!("{variable}=")));
            let url = line.ok_or_else(|| format!("{}: no {variable}", file.display()))?;
            let address = format!("@{}:", self.address(server).await?);
            command.env(variable, url.replace(&format!("@{server}:"), &address)).args(["--env", variable]);
        }
        command.arg(self.image("ctl")).args(arguments);
        said(command, &format!("ctl {}", arguments.join(" "))).await
    }

    async fn address(&self, server: &str) -> Result<String> {
        let network = format!("{{{{(index .NetworkSettings.Networks \"{PROJECT}_data\").IPAddress}}}}");
        let container = self.only(server).await?;
        Ok(self.docker(&["inspect", "--format", &network, &container]).await?.trim().to_owned())
    }

    /// Ends it and removes its data.
    pub async fn remove(&self) -> Result<()> {
        self.compose(&["down", "--volumes", "--remove-orphans"]).await.map(drop)
    }

    /// Prints what there is to see of it.
    pub async fn show(&self) {
        for arguments in [&["ps"][..], &["logs", "--no-color", "--tail", "8"]] {
            match self.compose(arguments).await {
                Ok(said) => eprintln!("{said}"),
                Err(failure) => eprintln!("{failure}"),
            }
        }
    }
}

/// Runs a command; what it printed, or, if it failed, that with its errors.
async fn said(mut command: Command, what: &str) -> Result<String> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(|error| Failure::from(format!("{what}: {error}")))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    Err(format!("{what}: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}
