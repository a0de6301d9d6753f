//! Telling viewers apart without knowing who they are, and programs from people.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use pitchey_events::{PitchId, UserId};
use sha2::Sha256;

/// Bytes of an anonymous viewer's hash.
const HASH: usize = 16;

/// Programs that read pages for other reasons than people do.
#[derive(Default)]
pub(crate) struct Bots(isbot::Bots);

impl Bots {
    /// Whether `user_agent` says of itself that it is one. Who says nothing is not: people's programs may keep silent, too.
    pub(crate) fn is_bot(&self, user_agent: Option<&str>) -> bool {
        user_agent.is_some_and(|user_agent| !user_agent.is_empty() && self.0.is_bot(user_agent))
    }
}

/// The key of a user among the viewers of any pitch.
pub(crate) fn of_user(id: UserId) -> Vec<u8> {
    id.0.to_be_bytes().to_vec()
}

/// The key of somebody not logged in among the viewers of one pitch on one day: two such keys say nothing about one another.
pub(crate) fn anonymous(salt: &[u8], pitch: PitchId, ip: Option<&str>, user_agent: Option<&str>) -> Vec<u8> {
    // A key of any length will do for HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt) else { return vec![0; HASH] };
    mac.update(&pitch.0.to_be_bytes());
    let network = network(ip.unwrap_or_default());
    mac.update(&(network.len() as u64).to_be_bytes());
    mac.update(&network);
    mac.update(user_agent.unwrap_or_default().as_bytes());
    mac.finalize().into_bytes()[..HASH].to_vec()
}

/// The network of an address: /24 of IPv4, /48 of IPv6, as much as one household or office usually has.
fn network(ip: &str) -> Vec<u8> {
    match ip.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.octets()[..3].to_vec(),
        Ok(IpAddr::V6(ip)) => ip.octets()[..6].to_vec(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(salt: u8, pitch: i32, ip: &str, program: &str) -> Vec<u8> {
        anonymous(&[salt; 32], PitchId(pitch), Some(ip), Some(program))
    }

    #[test]
    fn the_same_household_with_the_same_program_is_one_viewer_for_a_day() {
        let one = hash(1, 7, "203.0.113.9", "Firefox");
        assert_eq!(one.len(), HASH);
        assert_eq!(one, hash(1, 7, "203.0.113.200", "Firefox"));
        assert_eq!(one, hash(1, 7, "::ffff:203.0.113.1", "Firefox"));
        for other in [
            hash(1, 7, "203.0.114.9", "Firefox"),
            hash(1, 7, "203.0.113.9", "Safari"),
            hash(1, 8, "203.0.113.9", "Firefox"),
            hash(2, 7, "203.0.113.9", "Firefox"),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(hash(1, 7, "2001:db8:1:2::1", "x"), hash(1, 7, "2001:db8:1:ffff::9", "x"));
        assert_ne!(hash(1, 7, "2001:db8:1::1", "x"), hash(1, 7, "2001:db8:2::1", "x"));
    }

    #[test]
    fn programs_that_say_so_are_bots() {
        let bots = Bots::default();
        for bot in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            "facebookexternalhit/1.1",
        ] {
            assert!(bots.is_bot(Some(bot)), "{bot}");
        }
        for person in [
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
            "",
        ] {
            assert!(!bots.is_bot(Some(person)), "{person}");
        }
        assert!(!bots.is_bot(None));
    }
}
