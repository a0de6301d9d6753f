//! A process asks the one that runs beside it: in its container there is no other client.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use pitchey_config::Http;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Failed;

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

pitchey_config::settings! {
    /// The part of a service's settings that says where it listens.
    struct Door {
        /// As in the service's own settings.
        http: Http,
    }
}

/// GETs `path` from the running `service` and prints the answer. Exit code 0: a success; 1: none; 2: its settings can't be used.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "what it is for")]
pub(crate) fn ask(service: &str, path: &str) -> ExitCode {
    let door = match pitchey_config::load::<Door>(service) {
        Ok(door) => door.http,
        Err(invalid) => {
            eprintln!("{service}: {invalid}");
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{service}: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(ask_at(door.address, path, door.certificate.server().is_some())) {
        Ok(answer) => {
            println!("{}", answer.body);
            if answer.is_success { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{service}: GET {path} at {}: {error}", door.address);
            ExitCode::FAILURE
        }
    }
}

/// What a process says of itself.
pub struct Answer {
    /// Whether its status is that of a success.
    pub is_success: bool,
    /// Its text.
    pub body: String,
}

/// GETs `path` from the process that listens at `door`, on any address of this machine; by TLS if it `is_secure`.
///
/// # Errors
/// No answer within three seconds.
pub async fn ask_at(door: SocketAddr, path: &str, is_secure: bool) -> Result<Answer, Failed> {
    let (status, body) = tokio::time::timeout(PATIENCE, get(reachable(door), path, is_secure))
        .await
        .unwrap_or_else(|_| Err(format!("no answer in {PATIENCE:?}").into()))?;
    let body = String::from_utf8_lossy(&body).trim_end().to_owned();
    Ok(Answer { is_success: status.is_success(), body })
}

/// Who listens everywhere is asked here.
fn reachable(door: SocketAddr) -> SocketAddr {
    match door.ip() {
        ip if !ip.is_unspecified() => door,
        IpAddr::V4(_) => (Ipv4Addr::LOCALHOST, door.port()).into(),
        IpAddr::V6(_) => (std::net::Ipv6Addr::LOCALHOST, door.port()).into(),
    }
}

async fn get(address: SocketAddr, path: &str, is_secure: bool) -> Result<(StatusCode, Bytes), Failed> {
    let stream = TcpStream::connect(address).await?;
    if !is_secure {
        return exchange(stream, address, path).await;
    }
    let stream = TlsConnector::from(whoever()?).connect(address.ip().into(), stream).await?;
    exchange(stream, address, path).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    address: SocketAddr,
    path: &str,
) -> Result<(StatusCode, Bytes), Failed> {
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header("host", address.to_string()).body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    Ok((answer.status(), answer.into_body().collect().await?.to_bytes()))
}

/// TLS without asking who it is, as kubelets do it: the door is this very program's, by its own settings, and nothing secret is told. Its certificate is
/// for names that others call it by, and the file may have been renewed since it was read.
fn whoever() -> Result<Arc<ClientConfig>, Failed> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Whoever(provider)))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct Whoever(Arc<CryptoProvider>);

impl ServerCertVerifier for Whoever {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_answer_comes_with_its_status() {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let door = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 512];
            let length = stream.read(&mut head).await.unwrap();
            stream.write_all(b"HTTP/1.1 503 x\r\ncontent-length: 4\r\n\r\nsick").await.unwrap();
            String::from_utf8_lossy(&head[..length]).into_owned()
        });
        let (status, body) = get(reachable(door), "/health", false).await.unwrap();
        assert_eq!((status.as_u16(), body.as_ref()), (503, b"sick".as_ref()));
        assert!(server.await.unwrap().starts_with("GET /health HTTP/1.1"));
    }

    #[tokio::test]
    async fn a_door_that_speaks_tls_is_asked_by_tls() {
        let certificate = pitchey_testkit::Authority::new().certificate("pitches");
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(certificate.server().unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.unwrap();
            assert!(stream.read(&mut [0; 512]).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 4\r\n\r\nwell").await.unwrap();
            stream.shutdown().await.unwrap();
        });
        let (status, body) = get(door, "/health", true).await.unwrap();
        assert_eq!((status.as_u16(), body.as_ref()), (200, b"well".as_ref()));
    }

    #[tokio::test]
    async fn nobody_there_is_an_error() {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(get(door, "/health", false).await.is_err());
    }
}
