//! The notifications service against real Postgres, RabbitMQ, gRPC and SMTP.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod accounts;
mod app;
mod development;
mod events;
mod in_app;
mod mails;
mod preferences;
mod queue;
mod smtp;
mod transport;
