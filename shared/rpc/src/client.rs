use std::collections::BTreeMap;
use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use pitchey_events::Service;
use pitchey_identity::{Context, HEADER, Request as Signed, Signer};
use serde::Deserialize;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::{Error, balance};

/// How long a call may take, the second try included.
const DEADLINE: Duration = Duration::from_secs(1);

/// Where other services' gRPC is, by name: `http://name:port`. The name may stand for several replicas.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Targets(pub BTreeMap<String, String>);

/// What all clients share: the channel, the signature, the deadline, the second try.
#[derive(Clone)]
pub(crate) struct Caller {
    service: Service,
    pub(crate) channel: Channel,
    signer: Signer,
}

impl Caller {
    pub(crate) fn new(service: Service, targets: &Targets, signer: Signer) -> Result<Self, Error> {
        let name = service.as_str();
        let target = targets.0.get(name).ok_or_else(|| {
            Error::nonsense(name, &format!("RPC_TARGETS__{} is required", name.to_uppercase()))
        })?;
        let channel = balance::channel(name, target)?;
        Ok(Self { service, channel, signer })
    }

    /// Makes one call, a look-up or one that is safe to repeat. Tries a second time at once if a replica was not there.
    pub(crate) async fn call<M, R, F>(
        &self,
        path: &'static str,
        message: M,
        send: impl Fn(Request<M>) -> F,
    ) -> Result<R, Error>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let begun = tokio::time::Instant::now();
        let attempt = || async { send(self.request(path, message.clone())).await };
        let again = attempt
            .retry(ConstantBuilder::default().with_delay(Duration::from_millis(20)).with_max_times(2))
            .when(|status| status.code() == Code::Unavailable);
        let result = match tokio::time::timeout_at(begun + DEADLINE, again).await {
            Ok(result) => {
                result.map(Response::into_inner).map_err(|status| Error::of(self.service.as_str(), &status))
            }
            Err(_) => Err(Error::Unavailable {
                service: self.service.as_str(),
                reason: format!("no answer in {DEADLINE:?}"),
            }),
        };
        if let Err(error @ (Error::Unavailable { .. } | Error::Refused { .. })) = &result {
            tracing::warn!(%error, path, "a call failed");
        }
        result
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
