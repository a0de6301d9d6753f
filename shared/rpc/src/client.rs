use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pitchey_config::{Reader, Setting, Trust};
use pitchey_events::Service;
use pitchey_identity::{Context, HEADER, Request as Signed, Signer};
use pitchey_replicas::{Location, Replicas};
use tokio::runtime::Handle;
use tonic::metadata::MetadataValue;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Response, Status};

use crate::Error;
use crate::error::broke_off;

/// How long a call may take, all tries included.
const DEADLINE: Duration = Duration::from_secs(1);
/// A replica that can't be reached in this time is away.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

/// Where other services' gRPC is, by the service: `http://name:port`, by TLS `https://name:port`. The name may stand for several replicas; several names
/// are separated by commas.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// By the service's name.
    pub places: BTreeMap<String, String>,
    /// Who may vouch for them.
    pub trust: Trust,
}

impl From<BTreeMap<String, String>> for Targets {
    fn from(places: BTreeMap<String, String>) -> Self {
        Self { places, trust: Trust::default() }
    }
}

impl Setting for Targets {
    fn read(reader: &mut Reader, key: &str, doc: &str, default: Option<(Self, &str)>) -> Option<Self> {
        let default = default.map(|(targets, spelling)| (targets.places, spelling));
        let places = Setting::read(reader, key, doc, default);
        let trust = Trust::read(reader, key, doc, None);
        Some(Self { places: places?, trust: trust? })
    }
}

/// What all clients share: the connections to the replicas, the signature, the deadline, the next try.
#[derive(Clone)]
pub(crate) struct Caller {
    service: Service,
    replicas: Replicas,
    channels: Arc<Mutex<HashMap<Location, Channel>>>,
    /// How replicas are spoken to that are spoken to by TLS.
    tls: ClientTlsConfig,
    /// Drives the connections, whoever calls.
    runtime: Handle,
    signer: Signer,
}

impl Caller {
    pub(crate) fn new(service: Service, targets: &Targets, signer: Signer) -> Result<Self, Error> {
        let name = service.as_str();
        let target = targets.places.get(name).ok_or_else(|| {
            Error::nonsense(name, &format!("RPC_TARGETS__{} is required", name.to_uppercase()))
        })?;
        let replicas =
            Replicas::follow(name, target).map_err(|bad| Error::nonsense(name, &bad.to_string()))?;
        let tls = match targets.trust.pem() {
            Ok(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            Err(nobody) if replicas.is_secure() => {
                let what = format!("RPC_TARGETS__{} {nobody}", name.to_uppercase());
                return Err(Error::nonsense(name, &what));
            }
            Err(_) => ClientTlsConfig::new(),
        };
        Ok(Self { service, replicas, channels: Arc::default(), tls, runtime: Handle::current(), signer })
    }

    /// Makes one call: a look-up, or one that is safe to repeat. Where a replica is not there, the next is tried.
    pub(crate) async fn call<M, R, F>(
        &self,
        path: &'static str,
        message: M,
        send: impl Fn(Channel, Request<M>) -> F,
    ) -> Result<R, Error>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let name = self.service.as_str();
        let tries = async {
            let mut tried = Vec::new();
            let mut last = None;
            self.replicas.known().await;
            while let Some(replica) = self.replicas.pick(&tried) {
                let channel = self
                    .channel(replica.location())
                    .map_err(|error| Error::nonsense(name, &format!("{:?}: {error}", replica.location())))?;
                match send(channel, self.request(path, message.clone())).await {
                    Err(status) if status.code() == Code::Unavailable || broke_off(&status) => {
                        replica.unreachable();
                        tried.push(replica.address());
                        last = Some(status);
                    }
                    result => {
                        return result.map(Response::into_inner).map_err(|status| Error::of(name, &status));
                    }
                }
            }
            let reason =
                last.map_or_else(|| "no replica is known".to_owned(), |status| status.message().to_owned());
            Err(Error::Unavailable { service: name, reason })
        };
        let result = tokio::time::timeout(DEADLINE, tries).await.unwrap_or_else(|_| {
            Err(Error::Unavailable { service: name, reason: format!("no answer in {DEADLINE:?}") })
        });
        if let Err(error @ (Error::Unavailable { .. } | Error::Refused { .. })) = &result {
            tracing::warn!(%error, path, "a call failed");
        }
        result
    }

    /// The connection to a replica, made when it is first used.
    fn channel(&self, location: &Location) -> Result<Channel, tonic::transport::Error> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(location) {
            return Ok(channel.clone());
        }
        let known = self.replicas.locations();
        channels.retain(|location, _| known.contains(location));
        let _guard = self.runtime.enter();
        let channel = self.endpoint(location)?.connect_lazy();
        channels.insert(location.clone(), channel.clone());
        Ok(channel)
    }

    /// The connection goes to the address; the certificate must have the name.
    fn endpoint(&self, location: &Location) -> Result<Endpoint, tonic::transport::Error> {
        match &location.name {
            Some(name) => {
                endpoint("https", location.address).tls_config(self.tls.clone().domain_name(&**name))
            }
            None => Ok(endpoint("http", location.address)),
        }
    }

    fn request<M>(&self, path: &'static str, message: M) -> Request<M> {
        let mut request = Request::new(message);
        request.set_timeout(DEADLINE);
        let signature = self.signer.sign(self.service, Signed { method: "GRPC", path }, &Context::default());
        // Without a key the other side refuses, and says so.
        if let Some(signature) = signature.and_then(|signature| MetadataValue::try_from(signature).ok()) {
            request.metadata_mut().insert(HEADER, signature);
        }
        let traceparent = pitchey_telemetry::trace_context::current();
        if let Some(traceparent) = traceparent.and_then(|text| MetadataValue::try_from(text).ok()) {
            request.metadata_mut().insert("traceparent", traceparent);
        }
        request
    }
}

fn endpoint(scheme: &str, address: SocketAddr) -> Endpoint {
    Endpoint::from_shared(format!("{scheme}://{address}"))
        .unwrap_or_else(|_| unreachable!("an address makes a valid URI"))
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        // A peer that vanished without a word is found out, also between calls.
        .http2_keep_alive_interval(Duration::from_secs(5))
        .keep_alive_timeout(Duration::from_secs(2))
        .keep_alive_while_idle(true)
}
