#![doc = include_str!("../README.md")]

mod init;
pub mod trace_context;

pub use init::{Failed, Guard, Metrics, Telemetry, init};
