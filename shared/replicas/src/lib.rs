#![doc = include_str!("../README.md")]

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use url::Url;

/// How often names are resolved again.
const RESOLVE_EVERY: Duration = Duration::from_secs(2);
/// How long a replica that could not be reached is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(1);

/// A target that is not `http://name:port` or `https://name:port`, or several of them separated by commas.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither http://name:port nor https://name:port")]
pub struct BadTarget(String);

/// Where a replica is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// Its address.
    pub address: SocketAddr,
    /// The target's name, which the replica's certificate must have; `None`: it is spoken to plainly.
    pub name: Option<Arc<str>>,
}

/// The replicas of a service. Clones share what they know.
#[derive(Clone)]
pub struct Replicas(Arc<Shared>);

struct Shared {
    service: &'static str,
    targets: Vec<Target>,
    began: Instant,
    turn: AtomicUsize,
    replicas: RwLock<Arc<[Arc<Replica>]>>,
    any: watch::Sender<bool>,
}

struct Target {
    name: Arc<str>,
    port: u16,
    is_secure: bool,
}

struct Replica {
    location: Location,
    in_flight: AtomicUsize,
    /// Milliseconds after `Shared::began`.
    left_alone_until: AtomicU64,
}

/// The right to send one request to one replica; given back when dropped.
pub struct Lease {
    shared: Arc<Shared>,
    replica: Arc<Replica>,
}

impl Replicas {
    /// Begins to follow `target`, on the current runtime. Returns at once: names that do not resolve yet are tried again for as long
    /// as anybody holds a clone.
    ///
    /// # Errors
    /// A target in another form.
    pub fn follow(service: &'static str, target: &str) -> Result<Self, BadTarget> {
        let targets = target.split(',').map(|target| {
            let url: Url = target.trim().parse().map_err(|_| BadTarget(target.to_owned()))?;
            match (url.scheme(), url.host_str(), url.port_or_known_default()) {
                (scheme @ ("http" | "https"), Some(host), Some(port)) => {
                    let name = host.trim_matches(['[', ']']).into();
                    Ok(Target { name, port, is_secure: scheme == "https" })
                }
                _ => Err(BadTarget(target.to_owned())),
            }
        });
        let shared = Arc::new(Shared {
            service,
            targets: targets.collect::<Result<_, _>>()?,
            began: Instant::now(),
            turn: AtomicUsize::new(0),
            replicas: RwLock::new(Arc::new([])),
            any: watch::Sender::new(false),
        });
        tokio::spawn(keep_resolving(Arc::downgrade(&shared)));
        Ok(Self(shared))
    }

    /// Waits until at least one address is known: that takes a moment at the start.
    pub async fn known(&self) {
        // Ends with an error only if the sender is dropped, which `self` holds.
        let _ = self.0.any.subscribe().wait_for(|any| *any).await;
    }

    /// Whether any of them is spoken to by TLS.
    pub fn is_secure(&self) -> bool {
        self.0.targets.iter().any(|target| target.is_secure)
    }

    /// Where all that are known now are.
    pub fn locations(&self) -> Vec<Location> {
        self.0.replicas().iter().map(|replica| replica.location.clone()).collect()
    }

    /// The replica for the next request: the least busy of those that are not in `tried` and could be reached lately; if there is none of these, of
    /// those not in `tried`. `None` when nothing is left to try.
    pub fn pick(&self, tried: &[SocketAddr]) -> Option<Lease> {
        let replicas = self.0.replicas();
        let now = self.0.millis();
        // Begins at another one each time, so that equally busy ones take turns.
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        let replica = (0..replicas.len())
            .map(|i| &replicas[(turn.wrapping_add(i)) % replicas.len()])
            .filter(|replica| !tried.contains(&replica.location.address))
            .min_by_key(|replica| {
                let left_alone = replica.left_alone_until.load(Ordering::Relaxed) > now;
                (left_alone, replica.in_flight.load(Ordering::Relaxed))
            })?;
        replica.in_flight.fetch_add(1, Ordering::Relaxed);
        Some(Lease { shared: Arc::clone(&self.0), replica: Arc::clone(replica) })
    }
}

impl Lease {
    /// Where to send the request.
    pub fn location(&self) -> &Location {
        &self.replica.location
    }

    /// The address of it.
    pub fn address(&self) -> SocketAddr {
        self.replica.location.address
    }

    /// Tells that nobody was there.
    pub fn unreachable(&self) {
        let until = self.shared.millis() + millis(LEFT_ALONE);
        self.replica.left_alone_until.store(until, Ordering::Relaxed);
        tracing::debug!(service = self.shared.service, address = %self.address(), "a replica can't be reached");
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.replica.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    fn replicas(&self) -> Arc<[Arc<Replica>]> {
        Arc::clone(&self.replicas.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn millis(&self) -> u64 {
        millis(self.began.elapsed())
    }

    /// Takes over what the names stand for now; replicas that stay keep their counts.
    fn update(&self, found: &HashSet<Location>) {
        let mut replicas = self.replicas.write().unwrap_or_else(PoisonError::into_inner);
        let known: HashSet<Location> = replicas.iter().map(|replica| replica.location.clone()).collect();
        if known == *found {
            return;
        }
        tracing::info!(service = self.service, ?found, "replicas");
        let stay = replicas.iter().filter(|replica| found.contains(&replica.location)).cloned();
        let come = found.difference(&known).map(|location| {
            Arc::new(Replica {
                location: location.clone(),
                in_flight: AtomicUsize::new(0),
                left_alone_until: AtomicU64::new(0),
            })
        });
        *replicas = stay.chain(come).collect();
        self.any.send_replace(!replicas.is_empty());
    }
}

async fn keep_resolving(shared: Weak<Shared>) {
    // By name, so that what was found stays when a name does not resolve for a moment: the replicas may well still be there.
    let mut by_name: Vec<Vec<Location>> = Vec::new();
    while let Some(shared) = shared.upgrade() {
        by_name.resize(shared.targets.len(), Vec::new());
        for (Target { name, port, is_secure }, locations) in shared.targets.iter().zip(&mut by_name) {
            match tokio::net::lookup_host((&**name, *port)).await {
                Ok(found) => {
                    let name = is_secure.then_some(name);
                    *locations = found.map(|address| Location { address, name: name.cloned() }).collect();
                }
                Err(error) => {
                    tracing::warn!(service = shared.service, name = &**name, %error, "a service's name does not resolve");
                }
            }
        }
        shared.update(&by_name.iter().flatten().cloned().collect());
        drop(shared);
        tokio::time::sleep(RESOLVE_EVERY).await;
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn two() -> Replicas {
        let replicas = Replicas::follow("pitches", "http://127.0.0.1:1, http://127.0.0.1:2").unwrap();
        replicas.known().await;
        replicas
    }

    #[tokio::test]
    async fn the_least_busy_replica_is_next_and_equals_take_turns() {
        let replicas = two().await;
        let (one, other) = (replicas.pick(&[]).unwrap(), replicas.pick(&[]).unwrap());
        assert_ne!(one.address(), other.address());
        let busy = one.address();
        drop(other);
        assert_ne!(replicas.pick(&[]).unwrap().address(), busy);
        drop(one);
        let turns: HashSet<_> = (0..4).map(|_| replicas.pick(&[]).unwrap().address()).collect();
        assert_eq!(turns.len(), 2);
    }

    #[tokio::test]
    async fn one_that_was_not_there_is_left_alone_unless_there_is_no_other() {
        let replicas = two().await;
        let gone = replicas.pick(&[]).unwrap();
        gone.unreachable();
        let gone = gone.address();
        for _ in 0..4 {
            assert_ne!(replicas.pick(&[]).unwrap().address(), gone);
        }
        let other = replicas.pick(&[gone]).unwrap().address();
        assert_eq!(replicas.pick(&[other]).unwrap().address(), gone);
        assert!(replicas.pick(&[gone, other]).is_none());
    }

    #[tokio::test]
    async fn the_name_stays_where_it_is_asked_for() {
        let replicas = Replicas::follow("pitches", "https://localhost:1, http://127.0.0.1:2").unwrap();
        replicas.known().await;
        assert!(replicas.is_secure());
        for Location { address, name } in replicas.locations() {
            assert_eq!(name.as_deref(), (address.port() == 1).then_some("localhost"), "{address}");
        }
    }

    #[tokio::test]
    async fn only_http_names_with_a_port_are_targets() {
        assert!(Replicas::follow("pitches", "pitches:8102").is_err());
        assert!(Replicas::follow("pitches", "amqps://pitches:8102").is_err());
        assert!(Replicas::follow("pitches", "http://pitches:8102,").is_err());
    }
}
