use pitchey_bus::Broker;
use pitchey_config::{Http, Mode, Rpc, settings};
use pitchey_db::Database;
use pitchey_identity::Identity;
use pitchey_rpc::Targets;
use secrecy::SecretString;

settings! {
    /// Settings of the payments service.
    pub struct Settings {
        /// `production` or `development`.
        pub mode: Mode = Mode::Production,
        /// HTTP door.
        pub http: Http,
        /// gRPC door.
        pub rpc: Rpc,
        /// Postgres.
        pub database: Database,
        /// RabbitMQ.
        pub broker: Broker,
        /// Who may call, and how to sign own calls.
        pub identity: Identity,
        /// Where other services' gRPC is, by service. Without accounts, feature flags stay at their defaults.
        pub rpc_targets: Targets = Targets::default(),
        /// The payment provider.
        pub stripe: Stripe,
        /// Seconds between sweeps: of holds nobody confirmed, grants that are due, plans whose grace is over.
        pub sweep_seconds: u64 = 15,
        /// Hours between reconciliations of ledger, balances, holds and invoices.
        pub reconcile_hours: u64 = 24,
    }
}

settings! {
    /// How the provider is reached.
    pub struct Stripe {
        /// Its secret key. Without one the service starts in development only, with the local provider: every payment succeeds at once, and no money moves.
        pub key: Option<SecretString> = None,
        /// What it signs webhooks with; several, separated by commas, while one replaces the other. Required with a key.
        pub webhook_secrets: Option<SecretString> = None,
        /// Where its API is.
        pub url: String = "https://api.stripe.com".to_owned(),
        /// Milliseconds that a call may take, its second try included.
        pub timeout_ms: u64 = 8_000,
    }
}
