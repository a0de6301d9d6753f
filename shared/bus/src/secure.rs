//! The broker by TLS. lapin's own TLS trusts public authorities beside ours and brings a second generation of cryptography into the build; so lapin gets
//! a network whose connections are TLS, and speaks plainly on it.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use async_compat::{Compat, CompatExt};
use async_rs::traits::{Executor, Reactor, RuntimeKit};
use async_rs::util::Task;
use async_rs::{Runtime, Tokio};
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use pitchey_config::Trust;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Error;

/// Whom a connection is to be with, and who may vouch for them.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// With the broker at `host`, which must show a certificate of that name.
    pub fn with(host: &str, trust: &Trust) -> Result<Self, Error> {
        let config = trust.client().map_err(|nobody| Error::Url(format!("it {nobody}")))?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|error| Error::Url(error.to_string()))?;
        Ok(Self { connector: config.into(), name })
    }

    /// Connects by TLS to where `uri` says.
    pub async fn connect(&self, uri: AMQPUri, properties: ConnectionProperties) -> lapin::Result<Connection> {
        let network = Network { tokio: Tokio::current(), tls: self.clone() };
        Connection::connect_uri_with_runtime(uri, properties, Runtime::new(network)).await
    }
}

/// Tokio's, but every connection is TLS.
#[derive(Clone)]
struct Network {
    tokio: Tokio,
    tls: Tls,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("name", &self.tls.name).finish_non_exhaustive()
    }
}

impl RuntimeKit for Network {}

impl Executor for Network {
    type Task<T: Send + 'static> = <Tokio as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, f: F) -> T {
        self.tokio.block_on(f)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(&self, f: F) -> Task<Self::Task<T>> {
        self.tokio.spawn(f)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        f: F,
    ) -> Task<Self::Task<T>> {
        self.tokio.spawn_blocking(f)
    }
}

impl Reactor for Network {
    type TcpStream = Compat<TlsStream<TcpStream>>;
    type Sleep = <Tokio as Reactor>::Sleep;

    /// Other sockets than its own: lapin has none.
    #[expect(refining_impl_trait_internal, reason = "any stream will do, as there is none")]
    fn register<H: Read + Write + Send + 'static>(&self, _: H) -> io::Result<Self::TcpStream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sleep(&self, dur: Duration) -> Self::Sleep {
        self.tokio.sleep(dur)
    }

    fn interval(&self, dur: Duration) -> impl futures_util::Stream<Item = Instant> + Send + 'static {
        self.tokio.interval(dur)
    }

    fn tcp_connect_addr(
        &self,
        addr: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        let (connecting, Tls { connector, name }) = (self.tokio.tcp_connect_addr(addr), self.tls.clone());
        async move { Ok(connector.connect(name, connecting.await?.into_inner()).await?.compat()) }
    }
}
