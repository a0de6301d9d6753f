//! A gateway with what stands around it.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use chrono::TimeDelta;
use figment::Figment;
use figment::providers::Serialized;
use futures_util::future::LocalBoxFuture;
use pitchey_clock::Clock;
use pitchey_config::Certificate;
use pitchey_events::{Service, SessionId, Tier, UserId, UserType};
use pitchey_gateway::{Gateway, Settings};
use pitchey_identity::{Actor, Context, HEADER, Request};
use pitchey_launch::{Failed, Process};
use pitchey_rpc::proto::accounts as proto;
use pitchey_rpc::proto::accounts::accounts_server::{Accounts, AccountsServer};
use pitchey_rpc::{Caller, Session, Targets};
use pitchey_testkit::{Broker, Client, identity};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tonic::{Response, Status};
use uuid::Uuid;

/// A gateway that runs, and whom it talks to.
pub struct World {
    pub gateway: Gateway,
    pub accounts: FakeAccounts,
    pub clock: Clock,
    pub client: Client,
    pub broker: Broker,
    _rpc: Option<pitchey_rpc::Started>,
}

/// A gateway to be.
pub struct Build {
    settings: Value,
    upstreams: BTreeMap<String, String>,
    clock: Clock,
    broker: Broker,
    accounts_away: bool,
}

impl World {
    /// With generous limits and a clock that stands.
    pub fn build() -> Build {
        let clock = Clock::manual(Clock::system().now());
        let limits =
            json!({ "general": 1_000_000, "auth": 1_000_000, "upload": 1_000_000, "sensitive": 1_000_000 });
        Build {
            settings: json!({ "limits": limits, "http": { "drain_seconds": 1 } }),
            upstreams: BTreeMap::new(),
            clock,
            broker: Broker::new(),
            accounts_away: false,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.gateway.http_address()
    }

    /// Somebody with a live session: the token, and who it is.
    pub fn log_in(&self, change: impl FnOnce(&mut Actor)) -> (String, Actor) {
        self.accounts.log_in(self.clock.now() + TimeDelta::hours(2), change)
    }
}

impl Build {
    /// With a service's replicas, as HTTP servers.
    pub fn with(mut self, stubs: &[&Stub]) -> Self {
        for stub in stubs {
            let target = stub.target();
            let entry = self.upstreams.entry(stub.service.to_string()).or_default();
            *entry = if entry.is_empty() { target } else { format!("{entry},{target}") };
        }
        self
    }

    /// With something else that listens, as a service.
    pub fn with_address(mut self, service: Service, address: SocketAddr) -> Self {
        self.upstreams.insert(service.to_string(), format!("http://{address}"));
        self
    }

    /// With a target as it is written in settings.
    pub fn with_target(mut self, service: Service, target: &str) -> Self {
        self.upstreams.insert(service.to_string(), target.to_owned());
        self
    }

    /// With other settings.
    pub fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        let (section, key) = path.split_once('.').map_or((None, path), |(section, key)| (Some(section), key));
        match section {
            Some(section) => self.settings[section][key] = value.into(),
            None => self.settings[key] = value.into(),
        }
        self
    }

    /// Accounts can't be reached.
    pub fn without_accounts(mut self) -> Self {
        self.accounts_away = true;
        self
    }

    /// The broker can't be reached.
    pub fn without_broker(mut self) -> Self {
        self.broker.url = format!("amqp://127.0.0.1:{}", closed_port());
        self
    }

    pub async fn start(self) -> World {
        self.try_start().await.unwrap()
    }

    pub async fn try_start(mut self) -> Result<World, Failed> {
        let accounts = FakeAccounts::default();
        let (target, rpc) = if self.accounts_away {
            (SocketAddr::from((Ipv4Addr::LOCALHOST, closed_port())), None)
        } else {
            let server = pitchey_rpc::Server {
                settings: pitchey_config::Rpc {
                    address: (Ipv4Addr::LOCALHOST, 0).into(),
                    certificate: Certificate::default(),
                },
                verifier: identity::verifier(Service::Accounts),
                routes: tonic::service::Routes::new(AccountsServer::new(accounts.clone())),
            };
            let started = server.start().await.unwrap();
            (started.address, Some(started))
        };
        self.settings["broker"] = json!({ "url": self.broker.url, "prefix": self.broker.prefix });
        self.settings["rpc_targets"] = json!({ "accounts": format!("http://{target}") });
        self.settings["upstreams"] = json!(self.upstreams);
        let values = Figment::from(Serialized::defaults(self.settings));
        let mut settings: Settings = pitchey_config::load_from("gateway", values).unwrap();
        settings.identity = identity::keys(Service::Gateway);
        let places = BTreeMap::from([("accounts".to_owned(), format!("http://{target}"))]);
        settings.rpc_targets = Targets::from(places);
        let gateway = Gateway::start(settings, self.clock.clone()).await?;
        let client = Client::unsigned(gateway.http_address());
        Ok(World { gateway, accounts, clock: self.clock, client, broker: self.broker, _rpc: rpc })
    }
}

/// A port nobody listens on.
pub fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Accounts, as the gateway knows it: sessions by digest of their tokens.
#[derive(Clone, Default)]
pub struct FakeAccounts {
    sessions: Arc<Mutex<HashMap<Vec<u8>, Session>>>,
    /// How often it was asked.
    pub asked: Arc<AtomicUsize>,
    held: Arc<Mutex<Option<watch::Receiver<bool>>>>,
}

impl FakeAccounts {
    pub fn log_in(
        &self,
        access_expires_at: chrono::DateTime<chrono::Utc>,
        change: impl FnOnce(&mut Actor),
    ) -> (String, Actor) {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut actor = Actor {
            id: UserId(i32::try_from(number).unwrap()),
            user_type: UserType::Creator,
            session_id: SessionId(Uuid::new_v4()),
            email_verified: true,
            company_verified: false,
            admin: false,
            suspended: false,
            tier: Tier::Free,
        };
        change(&mut actor);
        let token = format!("token-{number}-{}", Uuid::new_v4());
        let session = Session { actor: actor.clone(), access_expires_at };
        self.sessions.lock().unwrap().insert(Sha256::digest(&token).to_vec(), session);
        (token, actor)
    }

    /// Ends a session without telling anybody.
    pub fn end(&self, token: &str) {
        self.sessions.lock().unwrap().remove(Sha256::digest(token).as_slice());
    }

    pub fn times_asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// From now on answers are ready but not sent, until the returned sender says so.
    pub fn hold_answers(&self) -> watch::Sender<bool> {
        let (sender, receiver) = watch::channel(false);
        *self.held.lock().unwrap() = Some(receiver);
        sender
    }
}

#[tonic::async_trait]
impl Accounts for FakeAccounts {
    async fn authenticate(
        &self,
        request: tonic::Request<proto::AuthenticateRequest>,
    ) -> Result<Response<proto::AuthenticateReply>, Status> {
        Caller::require(&request, &[Service::Gateway])?;
        let digest = request.into_inner().token_digest;
        let session = self.sessions.lock().unwrap().get(&digest).cloned();
        let held = self.held.lock().unwrap().clone();
        self.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(mut held) = held {
            held.wait_for(|go| *go).await.unwrap();
        }
        Ok(Response::new(proto::AuthenticateReply { session: session.map(Into::into) }))
    }

    async fn session_by_id(
        &self,
        _: tonic::Request<proto::SessionByIdRequest>,
    ) -> Result<Response<proto::AuthenticateReply>, Status> {
        Err(Status::unimplemented("not for the gateway"))
    }

    async fn live_sessions(
        &self,
        _: tonic::Request<proto::LiveSessionsRequest>,
    ) -> Result<Response<proto::LiveSessionsReply>, Status> {
        Err(Status::unimplemented("not for the gateway"))
    }

    async fn blocked_ids(
        &self,
        _: tonic::Request<proto::BlockedIdsRequest>,
    ) -> Result<Response<proto::BlockedIdsReply>, Status> {
        Err(Status::unimplemented("not for the gateway"))
    }

    async fn users_by_ids(
        &self,
        _: tonic::Request<proto::UsersByIdsRequest>,
    ) -> Result<Response<proto::UsersByIdsReply>, Status> {
        Err(Status::unimplemented("not for the gateway"))
    }

    async fn relation(
        &self,
        _: tonic::Request<proto::RelationRequest>,
    ) -> Result<Response<proto::RelationReply>, Status> {
        Err(Status::unimplemented("not for the gateway"))
    }

    async fn recipients(
        &self,
        _: tonic::Request<proto::RecipientsRequest>,
    ) -> Result<Response<proto::RecipientsReply>, Status> {
        Err(Status::unimplemented("not for the gateway"))
    }

    async fn mail_token(
        &self,
        _: tonic::Request<proto::MailTokenRequest>,
    ) -> Result<Response<proto::MailTokenReply>, Status> {
        Err(Status::unimplemented("not for the gateway"))
    }
}

/// A request as a service saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Bytes,
    pub context: Context,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn key(&self) -> &str {
        self.header("idempotency-key").expect("an idempotency key")
    }
}

type Handler = dyn Fn(Seen) -> LocalBoxFuture<'static, HttpResponse> + Send + Sync;

/// A service behind the gateway: a real HTTP server that refuses what is not signed for it, remembers what it saw, and answers as told.
pub struct Stub {
    pub service: Service,
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    handle: ServerHandle,
    /// It speaks TLS.
    is_secure: bool,
}

impl Stub {
    /// Its address; if it speaks TLS, by name.
    pub fn target(&self) -> String {
        match self.is_secure {
            true => format!("https://localhost:{}", self.address.port()),
            false => format!("http://{}", self.address),
        }
    }

    /// Answers everything with 200 and what it saw.
    pub fn echo(service: Service) -> Self {
        Self::answering(service, move |seen| {
            let user = seen.context.principal.user_id().map(|id| id.0);
            HttpResponse::Ok().json(json!({
                "service": service.as_str(),
                "method": seen.method,
                "path": seen.path,
                "user": user,
                "ip": seen.context.ip,
                "requestId": seen.context.request_id,
                "headers": seen.headers,
                "body": String::from_utf8_lossy(&seen.body),
            }))
        })
    }

    /// Answers at once.
    pub fn answering(
        service: Service,
        answer: impl Fn(Seen) -> HttpResponse + Send + Sync + 'static,
    ) -> Self {
        Self::handling(service, move |seen| {
            let answer = answer(seen);
            Box::pin(async { answer })
        })
    }

    /// Answers some time.
    pub fn handling(
        service: Service,
        handler: impl Fn(Seen) -> LocalBoxFuture<'static, HttpResponse> + Send + Sync + 'static,
    ) -> Self {
        Self::showing(&Certificate::default(), service, handler)
    }

    /// [`Self::handling`], by TLS, if there is a certificate.
    pub fn showing(
        certificate: &Certificate,
        service: Service,
        handler: impl Fn(Seen) -> LocalBoxFuture<'static, HttpResponse> + Send + Sync + 'static,
    ) -> Self {
        let handler: Arc<Handler> = Arc::new(handler);
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let remembered = Arc::clone(&seen);
        let server = HttpServer::new(move || {
            let (handler, remembered) = (Arc::clone(&handler), Arc::clone(&remembered));
            App::new()
                .app_data(web::PayloadConfig::new(256 * 1024 * 1024))
                .route("/health", web::get().to(async || HttpResponse::Ok().json(healthy())))
                .default_service(web::to(move |request: HttpRequest, body: Bytes| {
                    let (handler, remembered) = (Arc::clone(&handler), Arc::clone(&remembered));
                    async move {
                        match see(service, &request, body) {
                            Ok(seen) => {
                                remembered.lock().unwrap().push(seen.clone());
                                handler(seen).await
                            }
                            Err(why) => HttpResponse::build(StatusCode::NOT_IMPLEMENTED).body(why),
                        }
                    }
                }))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1);
        let (here, is_secure) = (SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), certificate.server().is_some());
        let server = match certificate.server() {
            Some(tls) => server.bind_rustls_0_23(here, tls).unwrap(),
            None => server.bind(here).unwrap(),
        };
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { service, address, seen, handle, is_secure }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The only request it saw.
    pub fn the_request(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }

    /// Ends it like a crash: connections break.
    pub async fn kill(&self) {
        self.handle.stop(false).await;
    }
}

pub fn healthy() -> Value {
    json!({ "status": "healthy", "database": "connected", "broker": "connected", "version": "0" })
}

fn see(service: Service, request: &HttpRequest, body: Bytes) -> Result<Seen, String> {
    let header = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = request.uri().path_and_query().unwrap().as_str();
    let verified = identity::verifier(service)
        .verify(header, Request { method: request.method().as_str(), path })
        .map_err(|refused| format!("{service}: {} {path}: {refused}", request.method()))?;
    let headers = request.headers().iter();
    Ok(Seen {
        method: request.method().to_string(),
        path: path.to_owned(),
        headers: headers
            .map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
            .collect(),
        body,
        context: verified.context,
    })
}
