//! The notifications service against real Postgres, RabbitMQ, gRPC and SMTP.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod accounts;
mod announcements;
mod app;
mod contract;
mod development;
mod digests;
mod dkim;
mod events;
mod in_app;
mod mails;
mod pitches;
mod preferences;
mod privacy;
mod proofs;
mod provider;
mod python;
mod queue;
mod retention;
mod smtp;
mod transport;
mod unsubscribe;
