use std::path::PathBuf;

use pitchey_bus::Broker;
use pitchey_config::{Http, Mode, Rpc, settings};
use pitchey_db::Database;
use pitchey_identity::Identity;
use pitchey_rpc::Targets;
use secrecy::SecretString;
use serde::Deserialize;

settings! {
    /// What the service reads from the environment.
    pub struct Settings {
        /// `production` or `development`.
        pub mode: Mode = Mode::Production,
        /// The HTTP door.
        pub http: Http,
        /// Postgres.
        pub database: Database,
        /// RabbitMQ.
        pub broker: Broker,
        /// Keys that prove who calls.
        pub identity: Identity,
        /// Where other services' gRPC is.
        pub rpc_targets: Targets,
        /// Where people reach the platform; links in mails begin with it.
        pub public_url: String,
        /// The gRPC door.
        pub rpc: Rpc,
        /// Signs links that unsubscribe: 32 bytes in base64. Another key makes the links of old mails useless.
        pub unsubscribe_key: SecretString,
        /// Signs what the mail provider reports, as Standard Webhooks (standardwebhooks.com) have it: `whsec_` and base64; several, separated by
        /// commas, while it changes. Without one, reports are refused.
        pub webhook_secret: Option<SecretString> = None,
        /// Hour of the day (UTC) from which digests are sent, those of the week on Mondays.
        pub digest_hour: u32 = 7,
        /// Sending mail.
        pub mail: Mail,
    }
}

settings! {
    /// How mail is sent.
    pub struct Mail {
        /// `smtp`, or `folder`, where nobody but a developer reads it. Required in production; the default in development is `folder`.
        pub transport: Option<Kind> = None,
        /// The mail server: `smtps://user:password@host`, `smtp://host:587?tls=required`. Required for `smtp`.
        pub smtp_url: Option<SecretString> = None,
        /// Most connections to the mail server.
        pub smtp_connections: u32 = 10,
        /// Where `folder` puts mails.
        pub folder: PathBuf = PathBuf::from(".pitchey/mails"),
        /// Sender, `Pitchey <no-reply@example.com>`. Required in production.
        pub from: Option<String> = None,
        /// Signs mails with DKIM, under this selector of the sender's domain.
        pub dkim_selector: Option<String> = None,
        /// The private key of that: PKCS #8 as PEM, or its base64; RSA of 2048 bits or more, or Ed25519.
        pub dkim_key: Option<SecretString> = None,
        /// Milliseconds between looks into the queue; events of this replica wake the workers at once.
        pub poll_ms: u64 = 1_000,
        /// Seconds after which another worker takes over a mail whose worker is not heard of any more.
        pub lease_seconds: i64 = 120,
        /// Seconds that one attempt to hand a mail to the server may take. Less than the lease, or the service does not start.
        pub attempt_seconds: u64 = 45,
        /// Seconds before the second of five attempts; before each further one four times as long.
        pub retry_seconds: i64 = 60,
    }
}

/// How mail leaves the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// To a mail server.
    Smtp,
    /// Into a folder.
    Folder,
}
