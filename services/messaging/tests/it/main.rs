//! What the messaging service promises, through its doors: HTTP as the gateway calls it, sockets, events, the database and its outbox, with
//! accounts, pitches and payments as real gRPC servers beside it.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod app;
mod contracts;
mod conversations;
mod discussions;
mod erasing;
mod errors;
mod limits;
mod others;
mod proofs;
mod reading;
mod realtime;
mod revocation;
mod sealed;
mod sending;
mod socket;
