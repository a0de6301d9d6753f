use pitchey_bus::Broker;
use pitchey_config::{Http, Mode, Rpc, settings};
use pitchey_db::Database;
use pitchey_identity::Identity;
use pitchey_rpc::Targets;

settings! {
    /// Settings of the analytics service.
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
        /// Where other services' gRPC is.
        pub rpc_targets: Targets,
        /// Milliseconds between looks for views that are to be told; each pitch's are told every five seconds at most.
        pub announce_ms: u64 = 1_000,
        /// Seconds between computations of what is trending.
        pub trending_seconds: u64 = 300,
        /// Seconds between runs of retention and of the making of partitions.
        pub maintenance_seconds: u64 = 3_600,
        /// Seconds between comparisons of what was counted with the rows it was counted from.
        pub reconcile_seconds: u64 = 86_400,
    }
}
