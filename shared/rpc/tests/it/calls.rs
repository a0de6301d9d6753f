use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pitchey_clock::Clock;
use pitchey_config::{Certificate, Rpc, Trust};
use pitchey_events::{HoldKey, Service, UserId};
use pitchey_identity::{Identity, Signer, Verifier};
use pitchey_rpc::proto::payments::payments_server::{self, PaymentsServer};
use pitchey_rpc::proto::payments::{BalanceReply, BalanceRequest, HoldReply, HoldRequest};
use pitchey_rpc::{Caller, Error, Held, Payments, Server, Started, Targets, refusal};
use pitchey_testkit::Authority;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const OTHER_KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A replica of payments that holds up to 100 credits, is slow for 1, refuses 2, and counts its calls.
#[derive(Clone, Default)]
struct Replica(Arc<AtomicUsize>);

#[tonic::async_trait]
impl payments_server::Payments for Replica {
    async fn hold(&self, request: Request<HoldRequest>) -> Result<Response<HoldReply>, Status> {
        Caller::require(&request, &[Service::Pitches])?;
        self.0.fetch_add(1, Ordering::SeqCst);
        match request.into_inner().amount {
            1 => std::future::pending().await,
            2 => Err(refusal(409, "hold_released", "That hold was released.")),
            3 => Err(refusal(500, "broken", "secret internals")),
            amount => Ok(Response::new(HoldReply { held: amount <= 100, balance: 100, amount })),
        }
    }

    async fn charge(&self, _: Request<HoldRequest>) -> Result<Response<HoldReply>, Status> {
        Err(Status::unimplemented("only holds here"))
    }

    async fn balance(&self, _: Request<BalanceRequest>) -> Result<Response<BalanceReply>, Status> {
        Err(Status::unimplemented("only holds here"))
    }
}

impl Replica {
    async fn start(&self, address: SocketAddr) -> Started {
        self.start_as(Rpc { address, certificate: Certificate::default() }).await
    }

    async fn start_as(&self, settings: Rpc) -> Started {
        let accepts =
            BTreeMap::from([("pitches".to_owned(), KEY.into()), ("messaging".to_owned(), KEY.into())]);
        let identity = Identity { calls: BTreeMap::new(), accepts };
        let verifier = Verifier::new(Service::Payments, &identity, Clock::system()).unwrap();
        let routes = Routes::new(PaymentsServer::new(self.clone()));
        Server { settings, verifier, routes }.start().await.unwrap()
    }

    fn calls(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn client(caller: Service, key: &str, target: &str) -> Payments {
    trusting(&Trust::default(), caller, key, target).unwrap()
}

fn trusting(trust: &Trust, caller: Service, key: &str, target: &str) -> Result<Payments, Error> {
    let calls = BTreeMap::from([("payments".to_owned(), key.into())]);
    let identity = Identity { calls, accepts: BTreeMap::new() };
    let places = BTreeMap::from([("payments".to_owned(), target.to_owned())]);
    let targets = Targets { places, trust: trust.clone() };
    Payments::new(&targets, Signer::new(caller, &identity, Clock::system()).unwrap())
}

async fn hold(client: &Payments, amount: i32) -> Result<Held, Error> {
    client.hold(HoldKey(Default::default()), UserId(7), amount, "nda_request").await
}

fn localhost(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_call_gets_its_answer_and_a_refusal_its_code() {
    let replica = Replica::default();
    let started = replica.start(localhost(0)).await;
    let client = client(Service::Pitches, KEY, &format!("http://{}", started.address));
    assert_eq!(hold(&client, 10).await, Ok(Held::Held));
    assert_eq!(hold(&client, 101).await, Ok(Held::Insufficient { balance: 100 }));
    let Err(Error::Refused { code, .. }) = hold(&client, 2).await else { panic!("refused") };
    assert_eq!(code, "hold_released");
    let Err(Error::Refused { reason, .. }) = hold(&client, 3).await else { panic!("refused") };
    assert_eq!(reason, "internal error", "internals stay inside");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_call_is_refused() {
    let replica = Replica::default();
    let started = replica.start(localhost(0)).await;
    let target = format!("http://{}", started.address);
    for (caller, key, code) in [
        (Service::Pitches, OTHER_KEY, "Unauthenticated"),
        (Service::Accounts, KEY, "Unauthenticated"),
        (Service::Messaging, KEY, "PermissionDenied"),
    ] {
        let Err(Error::Refused { code: got, .. }) = hold(&client(caller, key, &target), 10).await else {
            panic!("{caller} must be refused")
        };
        assert_eq!(got, code, "{caller}");
    }
    assert_eq!(replica.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_slow_or_away_is_given_up_in_time() {
    let replica = Replica::default();
    let started = replica.start(localhost(0)).await;
    let slow = client(Service::Pitches, KEY, &format!("http://{}", started.address));
    let nobody = client(Service::Pitches, KEY, "http://127.0.0.1:1");
    for (client, amount) in [(slow, 1), (nobody, 10)] {
        let begun = Instant::now();
        assert!(matches!(hold(&client, amount).await, Err(Error::Unavailable { .. })));
        assert!(begun.elapsed() < Duration::from_millis(1_500), "{:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_comes_back_is_used_again() {
    let replica = Replica::default();
    let started = replica.start(localhost(0)).await;
    let address = started.address;
    let client = client(Service::Pitches, KEY, &format!("http://{address}"));
    assert_eq!(hold(&client, 10).await, Ok(Held::Held));
    started.drain().await;
    assert!(matches!(hold(&client, 10).await, Err(Error::Unavailable { .. })));
    let _started = replica.start(address).await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while hold(&client, 10).await != Ok(Held::Held) {
        assert!(Instant::now() < deadline, "it is never used again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_spread_over_replicas_and_a_dead_one_is_not_noticed() {
    let (one, other) = (Replica::default(), Replica::default());
    let (first, second) = (one.start(localhost(0)).await, other.start(localhost(0)).await);
    let client =
        client(Service::Pitches, KEY, &format!("http://{},http://{}", first.address, second.address));
    while one.calls() == 0 || other.calls() == 0 {
        assert_eq!(hold(&client, 10).await, Ok(Held::Held));
        assert!(one.calls() + other.calls() < 1_000, "all calls went to one replica");
    }
    first.drain().await;
    for _ in 0..200 {
        assert_eq!(hold(&client, 10).await, Ok(Held::Held));
    }
}

/// What `client` gets for a call, within a second.
async fn called(trust: &Trust, target: &str) -> Result<Held, Error> {
    hold(&trusting(trust, Service::Pitches, KEY, target).unwrap(), 10).await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_by_tls_reach_who_has_the_name_and_nobody_else() {
    let authority = Authority::new();
    let replica = Replica::default();
    let as_name = async |name: &str| {
        let certificate = authority.certificate(name);
        replica.start_as(Rpc { address: localhost(0), certificate }).await
    };
    let (right, wrong) = (as_name("localhost").await, as_name("elsewhere.example").await);
    let at = |scheme: &str, started: &Started| format!("{scheme}://localhost:{}", started.address.port());

    assert_eq!(called(&authority.trust(), &at("https", &right)).await, Ok(Held::Held));
    assert_eq!(replica.calls(), 1);

    // Another's name; an authority that nobody knows; no TLS on their side, or on ours.
    let plain = replica.start(localhost(0)).await;
    for (trust, target) in [
        (authority.trust(), at("https", &wrong)),
        (Authority::new().trust(), at("https", &right)),
        (authority.trust(), at("https", &plain)),
        (authority.trust(), at("http", &right)),
    ] {
        let refused = called(&trust, &target).await;
        assert!(matches!(refused, Err(Error::Unavailable { .. })), "{target}: {refused:?}");
    }
    assert_eq!(replica.calls(), 1, "nobody else was asked");

    let nobody = trusting(&Trust::default(), Service::Pitches, KEY, &at("https", &right));
    assert!(nobody.is_err_and(|error| error.to_string().contains("PITCHEY_TLS__AUTHORITIES")));
}
