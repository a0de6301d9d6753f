use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;

use crate::{Certificate, settings};

/// What the process is run for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// For real. The default, so that nothing meant for developers is ever on by accident.
    #[default]
    Production,
    /// On a developer's machine: demo data, readable logs, mails in a folder, generous rate limits.
    Development,
}

impl Mode {
    /// Whether this is a developer's machine.
    pub fn is_development(self) -> bool {
        self == Self::Development
    }
}

settings! {
    /// The HTTP door.
    pub struct Http {
        /// Address and port to listen on; port 0 takes a free one.
        pub address: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        /// Worker threads.
        pub workers: usize = 2,
        /// Seconds that requests in flight get to end when the process is told to stop.
        pub drain_seconds: u64 = 20,
        /// What vouches for it.
        pub certificate: Certificate = Certificate::default(),
    }
}

settings! {
    /// The gRPC door.
    pub struct Rpc {
        /// Address and port to listen on; port 0 takes a free one.
        pub address: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        /// What vouches for it.
        pub certificate: Certificate = Certificate::default(),
    }
}
