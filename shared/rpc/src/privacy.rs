use std::pin::Pin;
use std::time::Duration;

use async_stream::try_stream;
use futures_util::{Stream, stream};
use pitchey_events::{Service, UserId};
use pitchey_identity::Signer;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

use crate::client::Caller as Calls;
use crate::proto::privacy::privacy_client::PrivacyClient;
use crate::proto::privacy::privacy_server::{self, PrivacyServer};
use crate::proto::privacy::{ExportPart, ExportRequest};
use crate::{Caller, Error, Targets};

/// How long the next part of an export may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Parts that wait for the network: the rest is not read before they are gone.
const AHEAD: usize = 2;

/// A service that keeps something about users.
#[derive(Clone)]
pub struct Privacy {
    service: Service,
    calls: Calls,
}

impl Privacy {
    /// A client of `service` that signs as `signer`. Must be made on the runtime that is to drive its connections.
    ///
    /// # Errors
    /// No target is configured.
    pub fn new(service: Service, targets: &Targets, signer: Signer) -> Result<Self, Error> {
        Ok(Self { service, calls: Calls::new(service, targets, signer)? })
    }

    /// Whom this asks.
    pub const fn service(&self) -> Service {
        self.service
    }

    /// What the service keeps about `user`: (kind, JSON array of rows). It is all only if the stream ends without an error.
    ///
    /// # Errors
    /// In the stream: the service is away, or broke off.
    pub fn export(&self, user: UserId) -> impl Stream<Item = Result<(String, Box<RawValue>), Error>> + Send {
        let (name, calls) = (self.service.as_str(), self.calls.clone());
        try_stream! {
            let message = ExportRequest { user_id: user.0 };
            let call = calls.call("/pitchey.privacy.v1.Privacy/Export", message, |channel, request| async move {
                PrivacyClient::new(channel).export(request).await
            });
            let mut parts = call.await?;
            loop {
                let part = tokio::time::timeout(PATIENCE, parts.message()).await.map_err(|_| {
                    Error::Unavailable { service: name, reason: format!("no next part in {PATIENCE:?}") }
                })?;
                let Some(part) = part.map_err(|status| Error::of(name, &status))? else { break };
                let rows = serde_json::from_slice(&part.json)
                    .map_err(|error| Error::nonsense(name, &error.to_string()))?;
                yield (part.name, rows);
            }
        }
    }
}

/// What a service tells about a user: implemented by the service, served with [`privacy_server()`].
pub trait Keeper: Send + Sync + 'static {
    /// Sends everything that the service keeps about `user`, a part a kind of row.
    fn export(&self, user: UserId, parts: &mut Parts) -> impl Future<Output = Result<(), Status>> + Send;
}

/// Where a [`Keeper`] puts what it keeps.
pub struct Parts(mpsc::Sender<Result<ExportPart, Status>>);

impl Parts {
    /// Sends rows of the kind `name`; call it again with the next rows: a few hundred at a time.
    ///
    /// # Errors
    /// Nobody listens any more, or a row can't be written as JSON.
    pub async fn send<T: Serialize>(&mut self, name: &str, rows: &[T]) -> Result<(), Status> {
        let json = serde_json::to_vec(rows).map_err(|error| {
            tracing::error!(%error, name, "a part of an export could not be written");
            Status::internal("internal error")
        })?;
        let part = ExportPart { name: name.to_owned(), json };
        self.0.send(Ok(part)).await.map_err(|_| Status::cancelled("nobody listens"))
    }
}

/// Serves what `keeper` tells, to accounts only.
pub fn privacy_server<K: Keeper>(keeper: K) -> PrivacyServer<impl privacy_server::Privacy> {
    PrivacyServer::new(Door(std::sync::Arc::new(keeper)))
}

struct Door<K>(std::sync::Arc<K>);

#[tonic::async_trait]
impl<K: Keeper> privacy_server::Privacy for Door<K> {
    type ExportStream = Pin<Box<dyn Stream<Item = Result<ExportPart, Status>> + Send>>;

    async fn export(&self, request: Request<ExportRequest>) -> Result<Response<Self::ExportStream>, Status> {
        Caller::require(&request, &[Service::Accounts])?;
        let user = UserId(request.get_ref().user_id);
        let (sender, receiver) = mpsc::channel(AHEAD);
        let keeper = std::sync::Arc::clone(&self.0);
        // The answer begins at once, within the deadline of every call; the rows follow. Ends when the caller goes: sending fails then.
        tokio::spawn(async move {
            if let Err(status) = keeper.export(user, &mut Parts(sender.clone())).await {
                tracing::warn!(%status, %user, "an export broke off");
                let _ = sender.send(Err(status)).await;
            }
        });
        let parts =
            stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|part| (part, receiver)));
        Ok(Response::new(Box::pin(parts)))
    }
}
