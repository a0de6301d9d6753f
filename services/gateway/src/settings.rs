use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use ipnet::IpNet;
use pitchey_config::{Http, Mode, Trust, settings};
use pitchey_identity::Identity;
use pitchey_rpc::Targets;
use pitchey_telemetry::Telemetry;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

settings! {
    /// What the gateway reads.
    pub struct Settings {
        /// `production` or `development`.
        pub mode: Mode = Mode::Production,
        /// The public door.
        pub http: Http,
        /// The door for operators.
        pub internal: Internal,
        /// Logs, traces: a span is made of each request only if somebody collects spans, or the log is detailed.
        pub telemetry: Telemetry,
        /// Where RabbitMQ is.
        pub broker: pitchey_bus::Broker,
        /// Keys to sign with.
        pub identity: Identity,
        /// Where accounts' gRPC is.
        pub rpc_targets: Targets,
        /// By service: where its HTTP is, `http://name:port`, by TLS `https://name:port`, several separated by commas. A name may stand for several
        /// replicas. A service that is not here does not exist yet.
        pub upstreams: BTreeMap<String, String> = BTreeMap::new(),
        /// Who may vouch for them.
        pub trust: Trust = Trust::default(),
        /// How much anybody may ask.
        pub limits: Limits,
        /// How long anything may take.
        pub timeouts: Timeouts,
        /// Web pages of other origins that may call the API: `https://pitchey.example`, separated by commas. Development mode adds every localhost.
        pub origins: List<String> = List::default(),
        /// Networks of load balancers whose X-Forwarded-For is believed, separated by commas: `10.0.0.0/8`.
        pub trusted_proxies: List<IpNet> = List::default(),
        /// How many load balancers stand in front: the client is the entry of X-Forwarded-For that many from the right.
        pub proxy_hops: usize = 1,
        /// Whether a traceparent from outside is continued; a trace begins here otherwise.
        pub trust_traceparent: bool = false,
    }
}

settings! {
    /// The door for operators: `/metrics`. Never reachable from outside.
    pub struct Internal {
        /// Address and port to listen on; port 0 takes a free one.
        pub address: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    }
}

settings! {
    /// Requests a minute for each user, for who is not logged in each address (IPv6: each /64); and sizes. Development mode multiplies the rates by 100.
    pub struct Limits {
        /// In general.
        pub general: u32 = 100,
        /// Log-in, registration and other writes to /api/auth.
        pub auth: u32 = 10,
        /// Uploads.
        pub upload: u32 = 10,
        /// NDA requests and investments.
        pub sensitive: u32 = 5,
        /// Deliveries of webhooks: each provider comes from few addresses.
        pub webhook: u32 = 1_000,
        /// Longest body but for uploads, in bytes.
        pub body_bytes: usize = 2 * 1024 * 1024,
        /// Longest upload, in bytes.
        pub upload_bytes: usize = 100 * 1024 * 1024,
        /// Requests in flight to one service; more are answered 503 at once.
        pub in_flight: usize = 2_000,
        /// Connections at the same time, for each worker.
        pub connections: usize = 20_000,
    }
}

settings! {
    /// Deadlines, in milliseconds.
    pub struct Timeouts {
        /// To connect to a replica.
        pub connect_ms: u64 = 500,
        /// Until a service has begun its answer, all tries together.
        pub answer_ms: u64 = 15_000,
        /// Until an upload has arrived and been answered.
        pub upload_ms: u64 = 600_000,
        /// Until the client has sent the head of its request.
        pub head_ms: u64 = 5_000,
        /// Until the client has sent its body.
        pub body_ms: u64 = 20_000,
        /// Between two pieces of an upload, or of an answer.
        pub pause_ms: u64 = 30_000,
        /// How long a connection without a request is kept.
        pub idle_ms: u64 = 60_000,
    }
}

/// Several values in one setting, separated by commas.
#[derive(Clone, Debug)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: std::str::FromStr<Err: std::fmt::Display>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(|word| word.parse().map_err(D::Error::custom)).collect::<Result<_, _>>().map(Self)
    }
}
