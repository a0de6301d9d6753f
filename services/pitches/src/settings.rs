use std::path::PathBuf;

use pitchey_config::{Http, Mode, Rpc, settings};
use pitchey_db::Database;
use pitchey_identity::Identity;
use pitchey_rpc::Targets;
use secrecy::SecretString;
use serde::Deserialize;

/// Whether NDA requests cost credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CreditsMode {
    /// They cost nothing: the platform runs without payments.
    Off,
    /// The payments service holds the credits.
    Payments,
}

/// Less than the second within which a change is seen everywhere, also when no event arrives.
pub const PUBLIC_CACHE_MS: u64 = 900;

settings! {
    /// Settings of the pitches service.
    pub struct Settings {
        /// `production` or `development`.
        pub mode: Mode = Mode::Production,
        /// HTTP door.
        pub http: Http,
        /// gRPC door, for other services.
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
        /// Seals personal data at rest: 32 bytes in base64; several, separated by commas: the first seals, all open.
        pub pii_key: SecretString,
        /// Signs NDA receipts with Ed25519: 32 bytes in base64; several, separated by commas: the first signs, all are published and verify.
        pub receipt_signing_key: SecretString,
        /// Signs links to shared pitches: 32 bytes in base64; several, separated by commas: the first signs, all are accepted.
        pub share_key: SecretString,
        /// Where people reach the platform; shared links begin with it.
        pub public_url: String,
        /// Files of pitches.
        pub media: Media,
        /// Seconds between sweeps of NDAs whose time is over.
        pub sweep_seconds: u64 = 300,
        /// Milliseconds for which public details, lists and searches are kept at most: how old they can be when no event arrives.
        pub public_cache_ms: u64 = PUBLIC_CACHE_MS,
    }
}

settings! {
    /// Where files lie, and how many may arrive at once.
    pub struct Media {
        /// Where files lie, and where they arrive. Replicas must share it, unless there is a bucket.
        pub folder: PathBuf = PathBuf::from(".pitchey/media"),
        /// A bucket of S3, or of a server that speaks it; without one, files stay in the folder.
        pub bucket: Option<String> = None,
        /// The bucket's region.
        pub region: String = "us-east-1".to_owned(),
        /// Where the bucket's server is, unless it is Amazon's.
        pub endpoint: Option<String> = None,
        /// Who asks the bucket; without it, what the machine's own role may do.
        pub access_key_id: Option<SecretString> = None,
        /// Its secret.
        pub secret_access_key: Option<SecretString> = None,
        /// Signs links to files: 32 bytes in base64; several, separated by commas: the first signs, all are accepted.
        pub link_key: SecretString,
        /// Uploads at once; others wait a moment and are then asked to come back.
        pub uploads_at_once: usize = 20,
        /// Milliseconds that an upload waits for its turn.
        pub wait_ms: u64 = 5_000,
        /// Seconds between looks for files that belong to nothing.
        pub tidy_seconds: u64 = 3_600,
    }
}
