//! Whose request it is, by address.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderValue};
use ipnet::IpNet;

/// Decides whom to believe.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    hops: usize,
}

impl Proxies {
    /// Believes load balancers in these networks, of which `hops` stand in a row.
    pub const fn new(trusted: Vec<IpNet>, hops: usize) -> Self {
        Self { trusted, hops }
    }

    /// The client's address: the peer's, unless the peer is a load balancer of ours; then the entry of X-Forwarded-For that the outermost of them wrote.
    /// What stands left of it anybody may have written.
    pub fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?.ip().to_canonical();
        if !self.trusted.iter().any(|network| network.contains(&peer)) {
            return Some(peer);
        }
        // As bytes: were a line that is not text left out, or taken for one entry, those left of it would move to places that are not theirs.
        let lines: Vec<_> = headers.get_all("x-forwarded-for").map(HeaderValue::as_bytes).collect();
        let mut entries = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        let entry = entries.nth(self.hops.checked_sub(1)?).and_then(|entry| str::from_utf8(entry).ok());
        // Without a readable entry, everybody behind that load balancer is one.
        Some(entry.map(str::trim).and_then(address).unwrap_or(peer))
    }
}

/// An address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let ip = text.parse().or_else(|_| text.trim_matches(['[', ']']).parse());
    ip.or_else(|_| text.parse().map(|socket: SocketAddr| socket.ip())).ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;

    use super::*;

    fn client(hops: usize, peer: &str, forwarded: &[&str]) -> String {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()], hops);
        let mut headers = HeaderMap::new();
        for line in forwarded {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(HeaderName::from_static("x-forwarded-for"), line);
        }
        proxies.client(Some(peer.parse().unwrap()), &headers).unwrap().to_string()
    }

    #[test]
    fn a_stranger_is_who_the_socket_says() {
        assert_eq!(client(1, "203.0.113.9:1", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client(1, "[::ffff:203.0.113.9]:1", &[]), "203.0.113.9");
    }

    #[test]
    fn behind_our_own_load_balancers_only_what_they_wrote_counts() {
        assert_eq!(client(1, "10.1.1.1:1", &["6.6.6.6, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client(2, "10.1.1.1:1", &["6.6.6.6, 198.51.100.1, 10.2.2.2"]), "198.51.100.1");
        assert_eq!(client(1, "10.1.1.1:1", &["6.6.6.6", "[2001:db8::1]:55"]), "2001:db8::1");
        assert_eq!(client(1, "10.1.1.1:1", &["6.6.6.6, nonsense"]), "10.1.1.1");
        assert_eq!(client(1, "10.1.1.1:1", &["6.6.6.6", "\u{fc}"]), "10.1.1.1");
        assert_eq!(client(1, "10.1.1.1:1", &[]), "10.1.1.1");
    }

    #[test]
    fn what_is_not_text_moves_no_other_entry() {
        let added = ["6.6.6.6", "\u{fc}, 198.51.100.1, 10.2.2.2"];
        assert_eq!(
            client(2, "10.1.1.1:1", &added),
            "198.51.100.1",
            "each load balancer adds to the last line"
        );
        assert_eq!(client(1, "10.1.1.1:1", &["\u{fc}, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client(2, "10.1.1.1:1", &["6.6.6.6, \u{fc}, 10.2.2.2"]), "10.1.1.1");
    }
}
