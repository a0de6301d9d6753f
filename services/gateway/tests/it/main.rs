//! The gateway, between real servers: services that check every signature, accounts over gRPC, RabbitMQ.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't be set up has failed")]

mod bodies;
mod errors;
mod headers;
mod limits;
mod pages;
mod repeats;
mod replicas;
mod routing;
mod secure;
mod sessions;
mod sockets;
mod world;
