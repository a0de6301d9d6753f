use pitchey_config::{Http, Mode, Rpc, settings};
use pitchey_db::Database;
use pitchey_identity::Identity;
use pitchey_rpc::Targets;
use secrecy::SecretString;
use serde::Deserialize;

/// Whether opening a conversation costs credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CreditsMode {
    /// It costs nothing: the platform runs without payments.
    Off,
    /// The payments service holds the credits.
    Payments,
}

settings! {
    /// Settings of the messaging service.
    pub struct Settings {
        /// `production` or `development`.
        pub mode: Mode = Mode::Production,
        /// HTTP door, sockets included.
        pub http: Http,
        /// gRPC door.
        pub rpc: Rpc,
        /// Postgres.
        pub database: Database,
        /// RabbitMQ.
        pub broker: pitchey_bus::Broker,
        /// Who may call, and how to sign own calls.
        pub identity: Identity,
        /// Where other services' gRPC is.
        pub rpc_targets: Targets,
        /// `payments`, or `off`: nobody pays for anything. There is no default on purpose.
        pub credits: CreditsMode,
        /// Wraps the keys of conversations: 32 bytes in base64; several, separated by commas: the first wraps, all unwrap.
        pub master_keys: SecretString,
        /// Messages that somebody may write at once.
        pub message_burst: i32 = 5,
        /// Milliseconds until one more may be written: 30 a minute.
        pub message_refill_ms: u32 = 2_000,
        /// Seconds between two tellings of who is online.
        pub presence_seconds: u64 = 15,
        /// Seconds between two pings of a socket; one that is silent for two of them is closed.
        pub heartbeat_seconds: u64 = 20,
        /// Frames that wait for a slow client at most.
        pub socket_queue: usize = 256,
        /// Milliseconds that a client may take none of them before it is cut off.
        pub slow_after_ms: u64 = 5_000,
        /// Milliseconds between two checks that the sessions of sockets live; what was learned is trusted for 900.
        pub session_check_ms: u64 = 400,
        /// Seconds between two tidyings.
        pub sweep_seconds: u64 = 60,
    }
}

#[cfg(test)]
pub fn for_tests(db: &pitchey_testkit::TestDatabase) -> Settings {
    use std::collections::BTreeMap;

    use base64::Engine;
    use pitchey_events::Service;
    use pitchey_testkit::identity;

    let nowhere = |name: &str| (name.to_owned(), "http://localhost:1".to_owned());
    Settings {
        mode: Mode::Development,
        http: Http {
            address: ([127, 0, 0, 1], 0).into(),
            workers: 1,
            drain_seconds: 1,
            certificate: Default::default(),
        },
        rpc: Rpc { address: ([127, 0, 0, 1], 0).into(), certificate: Default::default() },
        database: db.settings(Service::Messaging),
        broker: pitchey_bus::Broker::new("amqp://localhost:1".to_owned(), "test."),
        identity: identity::keys(Service::Messaging),
        rpc_targets: Targets::from(BTreeMap::from([
            nowhere("accounts"),
            nowhere("pitches"),
            nowhere("payments"),
        ])),
        credits: CreditsMode::Off,
        master_keys: SecretString::from(base64::engine::general_purpose::STANDARD.encode([5; 32])),
        message_burst: 5,
        message_refill_ms: 2_000,
        presence_seconds: 15,
        heartbeat_seconds: 20,
        socket_queue: 256,
        slow_after_ms: 5_000,
        session_check_ms: 400,
        sweep_seconds: 60,
    }
}
