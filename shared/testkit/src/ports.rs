//! Ports that nobody else takes meanwhile.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the range from which the system takes ports for outgoing connections.
const FIRST: u32 = 10_000;
const EACH: u32 = 40;
const REGIONS: u32 = 250;

/// Ports for processes to be started. Each test process has a region of its own, so that between the look and the use nobody else comes.
#[derive(Debug)]
pub struct Ports(u32, u32);

impl Ports {
    /// A part of the region that no other `Ports` of this process has.
    #[expect(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let region = std::process::id().wrapping_add(131 * COUNT.fetch_add(1, Ordering::Relaxed)) % REGIONS;
        let first = FIRST + region * EACH;
        Self(first, first + EACH)
    }

    /// A free one.
    ///
    /// # Panics
    /// There is none left.
    pub fn take(&mut self) -> u16 {
        while self.0 < self.1 {
            let port = u16::try_from(self.0).expect("a port");
            self.0 += 1;
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return port;
            }
        }
        panic!("no port is free before {}", self.1)
    }
}
