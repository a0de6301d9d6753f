//! What holds while things break. These tests have servers of their own and run one at a time.

mod crashes;
mod replicas;
mod revocation;
mod tls;
