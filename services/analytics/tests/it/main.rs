//! The analytics service against real Postgres and RabbitMQ.
#![expect(clippy::unwrap_used, reason = "tests")]

mod activity;
mod app;
mod contracts;
mod counting;
mod dashboards;
mod export;
mod ingest;
mod jobs;
mod pitches;
mod proofs;
