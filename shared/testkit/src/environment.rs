//! Where the servers of this run are.

use std::path::{Path, PathBuf};

/// A superuser's URL of Postgres.
pub(crate) fn database_url() -> String {
    required("DATABASE_URL")
}

/// The URL of RabbitMQ.
pub(crate) fn amqp_url() -> String {
    required("AMQP_URL")
}

#[expect(
    clippy::disallowed_methods,
    reason = "these two name the servers for tests, not a setting of a service"
)]
fn required(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: this test needs real servers. `make test` starts them for a run \
             (`deploy/dev/test -p PACKAGE` for one crate); for many runs: `deploy/dev/with-env cargo nextest run`"
        )
    })
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the sources are where they were built")
}
