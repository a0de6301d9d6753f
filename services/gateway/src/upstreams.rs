//! The services behind, by name.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pitchey_events::Service;
use pitchey_launch::Failed;
use pitchey_replicas::{Lease, Location, Replicas};

use crate::error::Error;
use crate::settings::Settings;

/// How long names may take to resolve before the doors open without them.
const AT_START: Duration = Duration::from_secs(1);

/// A service with an address.
pub struct Upstream {
    /// Which.
    pub service: Service,
    replicas: Replicas,
    in_flight: AtomicUsize,
    limit: usize,
}

/// A request's place among those in flight; given back when dropped.
pub struct Place(Arc<Upstream>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Upstream {
    /// Takes a place. A service that hangs must not take all connections, and with them every other service, along.
    ///
    /// # Errors
    /// There is none.
    pub fn enter(self: &Arc<Self>) -> Result<Place, Error> {
        let place = Place(Arc::clone(self));
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= self.limit {
            return Err(Error::ServiceOverloaded(self.service));
        }
        Ok(place)
    }

    /// The replica for the next try; after all were tried, one of them again.
    ///
    /// # Errors
    /// The name stands for nobody now.
    pub fn pick(&self, tried: &[SocketAddr]) -> Result<Lease, Error> {
        let lease = self.replicas.pick(tried).or_else(|| self.replicas.pick(&[]));
        lease.ok_or(Error::ServiceUnavailable(self.service))
    }

    /// Where every replica is.
    pub fn locations(&self) -> Vec<Location> {
        self.replicas.locations()
    }
}

/// All services that are configured.
#[derive(Clone)]
pub struct Upstreams(Arc<HashMap<Service, Arc<Upstream>>>);

impl Upstreams {
    /// Follows the configured names.
    ///
    /// # Errors
    /// A name that is no service's; a target that is no address, or is to be spoken to by TLS, and nobody may vouch for it.
    pub async fn follow(settings: &Settings) -> Result<Self, Failed> {
        let mut upstreams = HashMap::new();
        for (name, target) in &settings.upstreams {
            let service: Service = name
                .parse()
                .ok()
                .filter(|service| *service != Service::Gateway)
                .ok_or_else(|| format!("UPSTREAMS__{}: no such service", name.to_uppercase()))?;
            let replicas = Replicas::follow(service.as_str(), target)
                .map_err(|error| format!("UPSTREAMS__{}: {error}", name.to_uppercase()))?;
            if replicas.is_secure() {
                let client = settings.trust.client();
                client.map_err(|nobody| format!("UPSTREAMS__{} {nobody}", name.to_uppercase()))?;
            }
            let (in_flight, limit) = (AtomicUsize::new(0), settings.limits.in_flight);
            upstreams.insert(service, Arc::new(Upstream { service, replicas, in_flight, limit }));
        }
        let known = async {
            for upstream in upstreams.values() {
                upstream.replicas.known().await;
            }
        };
        if tokio::time::timeout(AT_START, known).await.is_err() {
            tracing::warn!("some services have no address yet");
        }
        Ok(Self(Arc::new(upstreams)))
    }

    /// The service.
    ///
    /// # Errors
    /// It has no address: it does not exist yet.
    pub fn of(&self, service: Service) -> Result<&Arc<Upstream>, Error> {
        self.0.get(&service).ok_or(Error::ServiceUnavailable(service))
    }

    /// All of them, in the catalogue's order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        Service::ALL.iter().filter_map(|service| self.0.get(service))
    }
}
