//! The manners of every service, shown on a small one that writes a line into the audit log.

mod errors;
mod repeating;
mod service;
