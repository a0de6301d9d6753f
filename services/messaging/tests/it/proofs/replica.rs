//! A replica as a process, which can be killed.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use pitchey_events::Service;
use pitchey_rpc::Targets;
use pitchey_testkit::{Client, Ports, SOON, TestDatabase, identity, programs, wait_until};

use crate::app::master;

pub struct Replica {
    child: Child,
    pub address: SocketAddr,
}

impl Replica {
    /// Starts one, and waits until it is healthy.
    pub async fn start(db: &TestDatabase, amqp_url: &str, targets: &Targets) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], Ports::new().take()));
        let mut command = Command::new(programs().join("pitchey-messaging"));
        command
            .envs(identity::environment(Service::Messaging))
            .env("PITCHEY_MODE", "development")
            .env("PITCHEY_BROKER__URL", amqp_url)
            .env("MESSAGING_HTTP__ADDRESS", address.to_string())
            .env("MESSAGING_DATABASE__USER_URL", db.url_as("pitchey_messaging"))
            .env("MESSAGING_DATABASE__SYSTEM_URL", db.url_as("pitchey_messaging_system"))
            .env("MESSAGING_CREDITS", "off")
            .env("MESSAGING_MASTER_KEYS", master(5))
            .env("MESSAGING_MESSAGE_BURST", "100000")
            .env("RUST_LOG", "warn");
        for (name, target) in &targets.places {
            command.env(format!("MESSAGING_RPC_TARGETS__{}", name.to_uppercase()), target);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let replica = Self { child, address };
        let client = Client::unsigned(address);
        wait_until("the replica to be healthy", SOON * 2, async || {
            client.get("/health").try_send().await.is_ok_and(|answer| answer.status == 200)
        })
        .await;
        replica
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Memory in use, in KiB.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}
