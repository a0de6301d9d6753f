//! What the pitches service promises, through its doors: HTTP as the gateway calls it, the database and its outbox, with accounts and
//! payments as real gRPC servers beside it.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod accounts;
mod app;
mod caching;
mod contracts;
mod credits;
mod discovery;
mod documents;
mod erasure;
mod errors;
mod evidence;
mod flow;
mod investments;
mod lifecycle;
mod lists;
mod machine;
mod media;
mod media_access;
mod moderation;
mod policies;
mod projection;
mod races;
mod requests;
mod routes;
mod s3;
mod search;
mod social;
mod time;
mod versions;
mod writing;
