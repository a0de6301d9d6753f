//! The gRPC door of a service.

use std::net::SocketAddr;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use http::{Request as HttpRequest, Response as HttpResponse};
use pitchey_config::Rpc;
use pitchey_events::Service;
use pitchey_identity::{HEADER, Request, Verifier};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, ServerTlsConfig};
use tracing::Instrument;

/// Who calls has no longer to agree on TLS: a peer that says nothing must not keep its place.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(3);

/// Which service is calling: in the extensions of every request that reaches a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller(pub Service);

impl Caller {
    /// The caller of `request`.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` when it is none of `allowed`.
    pub fn require<M>(request: &tonic::Request<M>, allowed: &[Service]) -> Result<(), Status> {
        match request.extensions().get::<Self>() {
            Some(Self(service)) if allowed.contains(service) => Ok(()),
            _ => Err(Status::permission_denied("this call is not for you")),
        }
    }
}

/// A service's gRPC server, before it is started.
pub struct Server {
    /// Where to listen.
    pub settings: Rpc,
    /// Checks who calls.
    pub verifier: Verifier,
    /// What is served.
    pub routes: Routes,
}

/// A server that runs.
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Server {
    /// Binds and runs on the current runtime.
    ///
    /// # Errors
    /// The address can't be bound, or the certificate not used.
    pub async fn start(self) -> std::io::Result<Started> {
        let listener = TcpListener::bind(self.settings.address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let verifier = self.verifier;
        let mut server = tonic::transport::Server::builder();
        if let Some((chain, key)) = self.settings.certificate.pem() {
            let tls =
                ServerTlsConfig::new().identity(Identity::from_pem(chain, key)).timeout(HANDSHAKE_LIMIT);
            server = server.tls_config(tls).map_err(std::io::Error::other)?;
        }
        let server = server
            .layer(tower::layer::layer_fn(move |inner| Door { inner, verifier: verifier.clone() }))
            .add_routes(self.routes)
            .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), async {
                // A dropped handle stops it too.
                let _ = stopped.await;
            });
        tracing::info!(%address, "gRPC");
        Ok(Started { address, stop, task: tokio::spawn(server) })
    }
}

impl Started {
    /// Stops accepting, lets calls in flight end, and returns when they have.
    pub async fn drain(self) {
        let _ = self.stop.send(());
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the gRPC server failed"),
            Err(error) => tracing::error!(%error, "the gRPC server panicked"),
        }
    }
}

/// Lets nobody in whose signature does not hold; continues the caller's trace.
#[derive(Clone)]
struct Door<S> {
    inner: S,
    verifier: Verifier,
}

impl<S> tower::Service<HttpRequest<Body>> for Door<S>
where
    S: tower::Service<HttpRequest<Body>, Response = HttpResponse<Body>> + Send,
    S::Future: Send + 'static,
{
    type Response = HttpResponse<Body>;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: HttpRequest<Body>) -> Self::Future {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let path = request.uri().path();
        let span = tracing::info_span!("call", path, trace_id = tracing::field::Empty);
        pitchey_telemetry::trace_context::begin(&span, header("traceparent"));
        match self.verifier.verify(header(HEADER).unwrap_or_default(), Request { method: "GRPC", path }) {
            Ok(verified) => {
                request.extensions_mut().insert(Caller(verified.caller));
                Box::pin(self.inner.call(request).instrument(span))
            }
            Err(refused) => {
                span.in_scope(|| tracing::warn!(%refused, "a call without a valid identity"));
                Box::pin(async { Ok(Status::unauthenticated("no valid identity").into_http()) })
            }
        }
    }
}
