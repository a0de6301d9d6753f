use std::collections::BTreeMap;

use pitchey_clock::Clock;
use pitchey_events::{Service, SessionId, Tier, UserId, UserType};

use crate::{Actor, Context, Identity, Principal, Refused, Request, Signer, Verifier};

const GET: Request<'static> = Request { method: "GET", path: "/api/pitches?page=2" };

fn keys(entries: &[(&str, &str)]) -> BTreeMap<String, secrecy::SecretString> {
    entries.iter().map(|(name, key)| ((*name).to_owned(), (*key).into())).collect()
}

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const OTHER: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn clock() -> Clock {
    Clock::manual("2026-01-01T00:00:00Z".parse().unwrap())
}

fn signer(caller: Service, clock: &Clock) -> Signer {
    let settings = Identity { calls: keys(&[("pitches", KEY), ("accounts", KEY)]), accepts: BTreeMap::new() };
    Signer::new(caller, &settings, clock.clone()).unwrap()
}

fn verifier(clock: &Clock) -> Verifier {
    let accepts = keys(&[("gateway", &format!("{OTHER},{KEY}")), ("accounts", KEY)]);
    Verifier::new(Service::Pitches, &Identity { calls: BTreeMap::new(), accepts }, clock.clone()).unwrap()
}

fn somebody() -> Context {
    let actor = Actor {
        id: UserId(7),
        user_type: UserType::Investor,
        session_id: SessionId(Default::default()),
        email_verified: true,
        company_verified: false,
        admin: false,
        suspended: false,
        tier: Tier::Free,
    };
    Context { principal: Principal::User(actor), ip: Some([127, 0, 0, 1].into()), request_id: "r".to_owned() }
}

#[test]
fn what_the_gateway_signed_is_believed_also_with_the_older_of_two_keys() {
    let clock = clock();
    let header = signer(Service::Gateway, &clock).sign(Service::Pitches, GET, &somebody()).unwrap();
    let verified = verifier(&clock).verify(&header, GET).unwrap();
    assert_eq!((verified.caller, verified.context), (Service::Gateway, somebody()));
}

#[test]
fn a_signature_is_good_for_one_request_of_one_audience_for_a_short_time() {
    let clock = clock();
    let signer = signer(Service::Gateway, &clock);
    let header = signer.sign(Service::Pitches, GET, &somebody()).unwrap();
    let refused = |header: &str, request| verifier(&clock).verify(header, request).unwrap_err();

    assert_eq!(refused(&header, Request { method: "POST", ..GET }), Refused::OtherRequest);
    assert_eq!(refused(&header, Request { path: "/api/pitches?page=3", ..GET }), Refused::OtherRequest);
    assert_eq!(
        refused(&signer.sign(Service::Accounts, GET, &somebody()).unwrap(), GET),
        Refused::OtherRequest
    );
    assert_eq!(refused(&header.replace("gateway", "accounts"), GET), Refused::WrongSignature);
    assert_eq!(refused(&header.replace("gateway", "messaging"), GET), Refused::UnknownCaller);
    assert_eq!(refused(&header[..header.len() - 4], GET), Refused::WrongSignature);
    assert_eq!(refused("v1.gateway", GET), Refused::Malformed);
    assert_eq!(refused("", GET), Refused::Malformed);
    clock.advance(chrono::TimeDelta::seconds(36));
    assert_eq!(refused(&header, GET), Refused::Expired);
}

#[test]
fn only_the_gateway_may_assert_a_user() {
    let clock = clock();
    let accounts = signer(Service::Accounts, &clock);
    let as_user = accounts.sign(Service::Pitches, GET, &somebody()).unwrap();
    assert_eq!(verifier(&clock).verify(&as_user, GET), Err(Refused::NotTheGateway));
    let as_itself = accounts.sign(Service::Pitches, GET, &Context::default()).unwrap();
    assert_eq!(verifier(&clock).verify(&as_itself, GET).unwrap().caller, Service::Accounts);
}

#[test]
fn a_fingerprint_is_recognised_for_as_long_as_its_key_is_accepted() {
    let clock = clock();
    let before = |keys_accepted: &str| {
        let accepts = keys(&[("gateway", keys_accepted)]);
        let identity = Identity { calls: BTreeMap::new(), accepts };
        let verifier = Verifier::new(Service::Pitches, &identity, clock.clone()).unwrap();
        verifier.fingerprints(Service::Gateway, b"the request")
    };
    let (old, both, new) = (before(KEY), before(&format!("{OTHER},{KEY}")), before(OTHER));
    assert_eq!(both, [new[0], old[0]]);
    assert_ne!(old, new);
    assert_ne!(verifier(&clock).fingerprints(Service::Gateway, b"another"), both);
    assert!(verifier(&clock).fingerprints(Service::Messaging, b"the request").is_empty());
}
