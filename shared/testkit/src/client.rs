//! Calls a service as the gateway does, or the gateway as a client does.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use pitchey_clock::Clock;
use pitchey_events::Service;
use pitchey_identity::{Actor, Context, HEADER, Principal, Signer};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use uuid::Uuid;

use crate::{Answer, identity};

/// A client of servers on this machine, to be built. Makes sure of the one TLS provider, as a process of ours does when it starts.
pub fn http() -> reqwest::ClientBuilder {
    // It fails only where there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}

#[derive(Clone)]
struct Signing {
    caller: Service,
    callee: Service,
    signer: Signer,
}

/// An HTTP client for one server.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    signing: Option<Signing>,
}

impl Client {
    /// Calls `service` as the gateway.
    pub fn gateway(service: Service, address: SocketAddr) -> Self {
        Self::signing_as(Service::Gateway, service, address)
    }

    /// Calls `service` as `caller`, whose signature only asserts itself.
    pub fn signing_as(caller: Service, service: Service, address: SocketAddr) -> Self {
        let signing = Signing { caller, callee: service, signer: identity::signer(caller) };
        Self { signing: Some(signing), ..Self::unsigned(address) }
    }

    /// Signs by `clock`, which the test moves: a signature is good for seconds.
    #[must_use]
    pub fn by(mut self, clock: &Clock) -> Self {
        if let Some(signing) = &mut self.signing {
            signing.signer = identity::signer_by(signing.caller, clock);
        }
        self
    }

    /// Calls without any signature: a client before the gateway, or somebody who found a way around it.
    pub fn unsigned(address: SocketAddr) -> Self {
        let http = http().redirect(reqwest::redirect::Policy::none());
        Self { base: format!("http://{address}"), http: http.build().expect("a client"), signing: None }
    }

    /// As [`Self::unsigned`], by TLS: the server must have a certificate for its address by an authority in the file.
    pub fn secure(address: SocketAddr, authorities: &Path) -> Self {
        let pem = std::fs::read(authorities).expect("the authorities");
        let trusted = reqwest::Certificate::from_pem_bundle(&pem).expect("the authorities");
        let http = http().redirect(reqwest::redirect::Policy::none()).tls_certs_only(trusted);
        Self { base: format!("https://{address}"), http: http.build().expect("a client"), signing: None }
    }

    /// GET.
    pub fn get(&self, path: &str) -> Request<'_> {
        self.request(Method::GET, path)
    }

    /// POST.
    pub fn post(&self, path: &str) -> Request<'_> {
        self.request(Method::POST, path)
    }

    /// PUT.
    pub fn put(&self, path: &str) -> Request<'_> {
        self.request(Method::PUT, path)
    }

    /// PATCH.
    pub fn patch(&self, path: &str) -> Request<'_> {
        self.request(Method::PATCH, path)
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Request<'_> {
        self.request(Method::DELETE, path)
    }

    /// Any method; `path` may have a query.
    pub fn request(&self, method: Method, path: &str) -> Request<'_> {
        Request {
            client: self,
            builder: self.http.request(method, format!("{}{path}", self.base)),
            context: Context {
                principal: Principal::Anonymous,
                ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                request_id: Uuid::new_v4().to_string(),
            },
        }
    }
}

/// A request that is not sent yet.
#[must_use = "it is not sent yet"]
pub struct Request<'a> {
    client: &'a Client,
    builder: RequestBuilder,
    context: Context,
}

impl Request<'_> {
    /// For `actor`; without this it is for nobody who is logged in.
    pub fn as_(mut self, actor: &Actor) -> Self {
        self.context.principal = Principal::User(actor.clone());
        self
    }

    /// From a client at `ip`.
    pub fn from_ip(mut self, ip: impl Into<IpAddr>) -> Self {
        self.context.ip = Some(ip.into());
        self
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// With a session's token, as clients of the gateway send it.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With `body` as JSON.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        self.builder = self.builder.json(body);
        self
    }

    /// With `body` of `media_type`.
    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.builder = self.builder.header(CONTENT_TYPE, media_type).body(body.into());
        self
    }

    /// The signature alone: for requests that are written by hand. Its path is that of the request, without a body yet.
    ///
    /// # Panics
    /// The client does not sign.
    pub fn signature(self) -> String {
        let request = self.builder.build().expect("a well-formed request");
        let signing = self.client.signing.as_ref().expect("a client that signs");
        let url = request.url();
        let path =
            url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let bound_to = pitchey_identity::Request { method: request.method().as_str(), path: &path };
        signing.signer.sign(signing.callee, bound_to, &self.context).expect("a key for this service")
    }

    /// Sends it, and waits for the whole answer.
    ///
    /// # Panics
    /// Without an answer.
    pub async fn send(self) -> Answer {
        // In a box, or every test that asks several things at once would be large.
        Box::pin(self.try_send()).await.unwrap_or_else(|why| panic!("{why}"))
    }

    /// [`Request::send`], where servers are killed.
    ///
    /// # Errors
    /// There was no answer, and why.
    pub async fn try_send(self) -> Result<Answer, String> {
        let mut request = self.builder.build().expect("a well-formed request");
        let url = request.url();
        let path =
            url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let what = match self.context.principal.actor() {
            Some(actor) => format!("{} {path} as {} {}", request.method(), actor.user_type, actor.id),
            None => format!("{} {path} as nobody", request.method()),
        };
        if let Some(Signing { callee, signer, .. }) = &self.client.signing {
            let bound_to = pitchey_identity::Request { method: request.method().as_str(), path: &path };
            let signature = signer.sign(*callee, bound_to, &self.context).expect("a key for this service");
            request.headers_mut().insert(HEADER, signature.parse().expect("a header"));
        }
        match self.client.http.execute(request).await {
            Ok(response) => Answer::read(what, response).await,
            Err(error) => Err(format!("{what}: no answer: {error:?}")),
        }
    }
}
