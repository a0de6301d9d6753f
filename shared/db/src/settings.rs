use std::time::Duration;

use pitchey_config::Trust;
use secrecy::SecretString;

pitchey_config::settings! {
    /// Where Postgres is, and how much of it this process may take.
    pub struct Database {
        /// URL with the role that serves users' requests, under row level security. `?sslmode=verify-full` asks for TLS.
        pub user_url: SecretString,
        /// URL with the role of consumers, jobs and gRPC.
        pub system_url: SecretString,
        /// Most connections of the user role.
        pub user_pool: usize = 12,
        /// Most connections of the system role.
        pub system_pool: usize = 6,
        /// Milliseconds to wait for a free connection, and for a new one to be made, before the answer is 503.
        pub wait_ms: u64 = 2_000,
        /// Who may vouch for Postgres.
        pub trust: Trust = Trust::default(),
    }
}

impl Database {
    pub(crate) const fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_ms)
    }
}
