//! Connections to services.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use actix_web::dev::{Service, always_ready};
use actix_web::rt::net::{ActixStream, Ready, TcpStream};
use awc::http::Uri;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use pitchey_config::Trust;
use pitchey_replicas::Location;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How a service is spoken to: by TLS, if its target is a secure one; then whoever answers must have the target's name.
#[derive(Clone)]
pub struct Line(Option<(TlsConnector, ServerName<'static>)>);

impl Line {
    /// Plainly.
    pub const PLAIN: Self = Self(None);

    /// By TLS with who is called `name`.
    ///
    /// # Errors
    /// That is no name, or nobody may vouch for it.
    pub fn secure(name: &str, trust: &Trust) -> io::Result<Self> {
        let tls = trust.client().map_err(io::Error::other)?;
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        Ok(Self(Some((tls.into(), name))))
    }

    /// As the replica at `location` is to be spoken to.
    ///
    /// # Errors
    /// As [`Line::secure`].
    pub fn to(location: &Location, trust: &Trust) -> io::Result<Self> {
        location.name.as_deref().map_or(Ok(Self::PLAIN), |name| Self::secure(name, trust))
    }

    /// Connects to one of its replicas.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<Socket> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let Some((tls, name)) = &self.0 else { return Ok(Socket::Plain(stream)) };
        match tls.connect(name.clone(), stream).await {
            Ok(stream) => Ok(Socket::Secure(Box::new(stream))),
            Err(error) => {
                tracing::warn!(%address, ?name, %error, "a replica is not who it should be, or does not speak TLS");
                Err(error)
            }
        }
    }
}

/// Connects to the address that a request names; without one it fails, since names are resolved elsewhere.
#[derive(Clone)]
pub struct ToAddress(pub Line);

impl Service<ConnectInfo<Uri>> for ToAddress {
    type Response = Connection<Uri, Stream>;
    type Error = ConnectError;
    type Future = LocalBoxFuture<'static, Result<Self::Response, ConnectError>>;

    always_ready!();

    fn call(&self, info: ConnectInfo<Uri>) -> Self::Future {
        let line = self.0.clone();
        async move {
            let address = info.addrs().next().ok_or(ConnectError::Unresolved)?;
            let socket = line.connect(address).await.map_err(ConnectError::Io)?;
            Ok(Connection::new(info.request().clone(), Stream(socket)))
        }
        .boxed_local()
    }
}

/// A connection to a service.
#[derive(Debug)]
pub enum Socket {
    /// Readable for whoever is in between.
    Plain(TcpStream),
    /// TLS.
    Secure(Box<TlsStream<TcpStream>>),
}

impl Socket {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Secure(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Self::Secure(stream) => Pin::new(stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Secure(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Secure(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Secure(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Secure(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Secure(stream) => stream.is_write_vectored(),
        }
    }
}

/// A connection whose end is an error. awc takes the end of a connection for the end of a body, so that a replica that dies would make answers
/// shorter instead of failed. Services tell the length of every body, or send it in chunks: none ends with its connection.
#[derive(Debug)]
pub struct Stream(Socket);

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let has_room = into.remaining() > 0;
        ready!(Pin::new(&mut self.get_mut().0).poll_read(context, into))?;
        let ended = has_room && into.filled().len() == before;
        Poll::Ready(if ended { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) })
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

impl ActixStream for Stream {
    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(self.0.tcp(), context)
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(self.0.tcp(), context)
    }
}
