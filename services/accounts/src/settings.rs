use pitchey_bus::Broker;
use pitchey_config::{Http, Rpc};
use pitchey_db::Database;
use pitchey_identity::Identity;
use pitchey_rpc::Targets;
use secrecy::SecretString;

use crate::passwords::Hashing;

pitchey_config::settings! {
    /// What accounts reads from the environment.
    pub struct Settings {
        /// The HTTP door.
        pub http: Http,
        /// The gRPC door.
        pub rpc: Rpc,
        /// Postgres.
        pub database: Database,
        /// RabbitMQ.
        pub broker: Broker,
        /// Who may call.
        pub identity: Identity,
        /// Password hashing.
        pub hashing: Hashing,
        /// Key of the tokens in mails: 32 bytes in base64.
        pub mail_token_key: SecretString,
        /// Keys of personal data at rest, separated by commas, 32 bytes in base64 each: the first seals, all open.
        pub pii_key: SecretString,
        /// Where other services' gRPC is, by service.
        pub rpc_targets: Targets = Targets::default(),
        /// The services that are asked for what they keep when a user wants a copy, separated by commas.
        pub export_from: String = "pitches,messaging,payments,analytics,notifications".to_owned(),
        /// Milliseconds that a refused log-in and every request for a password reset take at least, so that their time tells nothing.
        pub quiet_ms: u64 = 400,
    }
}
