//! Whether credits are charged is switched by accounts' flag, and decided once: when they are asked for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{SubsecRound, TimeDelta};
use pitchey_bus::{Bus, Consumes, Listeners, outbox};
use pitchey_clock::Clock;
use pitchey_config::Rpc;
use pitchey_events::{
    FeatureFlagChanged, HoldKey, NdaApproved, NdaId, NdaParties, NdaRejected, NdaRequested, NdaRevoked,
    NdaType, PitchId, PitchPublished, Service, UserId,
};
use pitchey_identity::{Actor, Verifier};
use pitchey_rpc::proto::accounts::feature_flags_server::{FeatureFlags, FeatureFlagsServer};
use pitchey_rpc::proto::accounts::{FeatureFlag, FeatureFlagsReply, FeatureFlagsRequest};
use pitchey_rpc::{Held, Targets};
use pitchey_testkit::{SOON, identity, wait_until};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::app::App;

/// Accounts, as far as this service asks it: says what the test has set, or is away.
#[derive(Clone, Default)]
struct Switchboard {
    flag: Arc<Mutex<Option<FeatureFlag>>>,
    asked: Arc<AtomicUsize>,
}

impl Switchboard {
    fn set(&self, flag: Option<FeatureFlag>) {
        *self.flag.lock().unwrap() = flag;
    }
}

#[tonic::async_trait]
impl FeatureFlags for Switchboard {
    async fn list(&self, _: Request<FeatureFlagsRequest>) -> Result<Response<FeatureFlagsReply>, Status> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let flag = self.flag.lock().unwrap().clone().ok_or_else(|| Status::unavailable("away"))?;
        Ok(Response::new(FeatureFlagsReply { flags: vec![flag] }))
    }
}

fn charging(enabled: bool, share: i32) -> FeatureFlag {
    FeatureFlag { key: "charge_credits".to_owned(), enabled, share, ..FeatureFlag::default() }
}

/// The service, and what switches it.
struct World {
    app: App,
    board: Switchboard,
    accounts: Bus,
    version: i64,
}

impl World {
    async fn start(flag: Option<FeatureFlag>) -> Self {
        // Makes sure of the TLS provider, as the process does.
        drop(pitchey_testkit::http());
        let board = Switchboard::default();
        board.set(flag);
        let clock = Clock::manual(Clock::system().now().trunc_subsecs(0));
        let server = pitchey_rpc::Server {
            settings: Rpc { address: ([127, 0, 0, 1], 0).into(), certificate: Default::default() },
            verifier: Verifier::new(Service::Accounts, &identity::keys(Service::Accounts), clock.clone())
                .unwrap(),
            routes: Routes::new(FeatureFlagsServer::new(board.clone())),
        };
        let server = server.start().await.unwrap();
        let target = ("accounts".to_owned(), format!("http://{}", server.address));
        // It runs as long as the test's runtime.
        std::mem::forget(server);
        let app = App::start_with(clock, |settings| {
            settings.rpc_targets = Targets::from(BTreeMap::from([target]));
        })
        .await
        .ignoring();
        app.emitted().ignore::<FeatureFlagChanged>();
        let databases = app.db.databases(Service::Accounts).await;
        let accounts = Bus::start(
            Service::Accounts,
            &app.settings.broker,
            Some(&databases),
            Consumes::nothing(),
            Listeners::new(),
        )
        .unwrap();
        Self { app, board, accounts, version: 0 }
    }

    /// Switches, tells, and waits until what `user` is charged for a hold is `amount`.
    async fn switch(&mut self, flag: FeatureFlag, user: &Actor, amount: i64) {
        self.board.set(Some(flag));
        self.tell().await;
        wait_until("the flag to be heard of", SOON, async || self.probe(user).await == amount).await;
    }

    /// As accounts tells that there is something new.
    async fn tell(&mut self) {
        self.version += 1;
        let databases = self.app.db.databases(Service::Accounts).await;
        let mut tx = databases.system.begin().await.unwrap();
        let event = FeatureFlagChanged { flag: "charge_credits".to_owned(), version: self.version };
        outbox::append(&mut tx, &event).unwrap();
        tx.commit().await.unwrap();
    }

    /// What a hold takes now; it is given back.
    async fn probe(&self, user: &Actor) -> i64 {
        let key = self.app.held(user, 10).await;
        let taken = self.app.number(&format!("SELECT amount FROM credit_holds WHERE key = '{key}'")).await;
        self.app.deliver(&NdaRejected { parties: parties(user, key), with_reason: false }).await;
        taken
    }

    /// (amount, status, why) of a hold.
    async fn hold(&self, key: HoldKey) -> String {
        let row = "amount || ' ' || status || ' ' || coalesce(free_because, 'not free')";
        self.app.text(&format!("SELECT {row} FROM credit_holds WHERE key = '{key}'")).await
    }

    async fn end(self) {
        self.app.assert_balanced().await;
        self.accounts.shutdown().await;
    }
}

fn parties(actor: &Actor, hold: HoldKey) -> NdaParties {
    NdaParties {
        nda_id: NdaId(1),
        pitch_id: PitchId(1),
        pitch_title: "The Lighthouse".to_owned(),
        owner_id: UserId(1),
        requester_id: actor.id,
        nda_type: NdaType::Basic,
        hold: Some(hold),
    }
}

fn requested(actor: &Actor, hold: HoldKey) -> NdaRequested {
    NdaRequested { parties: parties(actor, hold), with_message: false }
}

fn approved(world: &World, actor: &Actor, hold: HoldKey) -> NdaApproved {
    NdaApproved { parties: parties(actor, hold), by_policy: false, sign_until: world.app.clock.now() }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_credits_are_not_charged_all_goes_its_way_and_nothing_is_booked() {
    let world = World::start(Some(charging(false, 100))).await;
    let app = &world.app;
    // Who has no credits at all may ask, too.
    let poor = app.db.investor().await;
    let key = app.held(&poor, 10).await;
    assert_eq!(world.hold(key).await, "0 tentative flag");
    app.deliver(&requested(&poor, key)).await;
    assert_eq!(world.hold(key).await, "0 firm flag");
    app.deliver(&approved(&world, &poor, key)).await;
    assert_eq!(world.hold(key).await, "0 captured flag");
    app.deliver(&NdaRevoked { parties: parties(&poor, key), was_signed: false, revoked_by: UserId(1) }).await;
    assert_eq!(world.hold(key).await, "0 refunded flag");

    let at_once = HoldKey(Uuid::now_v7());
    assert_eq!(app.rpc.charge(at_once, poor.id, 10, "promotion").await.unwrap(), Held::Held);
    assert_eq!(app.rpc.charge(at_once, poor.id, 10, "promotion").await.unwrap(), Held::Held);
    assert_eq!(world.hold(at_once).await, "0 captured flag");

    let forgotten = app.held(&poor, 10).await;
    app.pass(TimeDelta::minutes(2));
    assert_eq!(app.sweep().await, 1);
    assert_eq!(world.hold(forgotten).await, "0 lapsed flag");
    app.deliver(&approved(&world, &poor, forgotten)).await;
    assert_eq!(world.hold(forgotten).await, "0 captured flag");

    assert_eq!(app.balance(&poor).await, [0; 6]);
    assert_eq!(app.number("SELECT count(*) FROM credit_ledger").await, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_free_when_it_was_asked_for_stays_free() {
    let mut world = World::start(Some(charging(false, 100))).await;
    let actor = world.app.welcomed().await;
    let (open, late) = (world.app.held(&actor, 10).await, world.app.held(&actor, 10).await);
    world.app.pass(TimeDelta::minutes(2));
    world.app.sweep().await;
    let unconfirmed = world.app.held(&actor, 10).await;
    world.switch(charging(true, 100), &actor, 10).await;

    let app = &world.app;
    assert_eq!(app.rpc.hold(unconfirmed, actor.id, 10, "nda_request").await.unwrap(), Held::Held, "repeated");
    for key in [open, late, unconfirmed] {
        app.deliver(&requested(&actor, key)).await;
        app.deliver(&approved(&world, &actor, key)).await;
        assert_eq!(world.hold(key).await, "0 captured flag");
    }
    assert_eq!(app.balance(&actor).await, [10, 10, 0, 0, 0, 0]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_charged_is_spent_or_given_back_though_it_is_free_by_now() {
    let mut world = World::start(Some(charging(true, 100))).await;
    let actor = world.app.rich(30).await;
    let [spent, back, late] = [
        world.app.held(&actor, 10).await,
        world.app.held(&actor, 10).await,
        world.app.held(&actor, 10).await,
    ];
    world.app.deliver(&requested(&actor, spent)).await;
    world.app.deliver(&requested(&actor, back)).await;
    world.app.pass(TimeDelta::minutes(2));
    assert_eq!(world.app.sweep().await, 1, "the third lapses");
    world.switch(charging(false, 100), &actor, 0).await;

    let app = &world.app;
    app.deliver(&approved(&world, &actor, spent)).await;
    app.deliver(&NdaRejected { parties: parties(&actor, back), with_reason: false }).await;
    app.deliver(&approved(&world, &actor, late)).await;
    assert_eq!(world.hold(spent).await, "10 captured not free");
    assert_eq!(world.hold(back).await, "10 released not free");
    assert_eq!(world.hold(late).await, "10 captured not free", "taken again: it was agreed on");
    assert_eq!(app.balance(&actor).await, [10, 0, 10, 0, 30, 20]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_may_be_spared_and_others_not() {
    let mut world = World::start(Some(charging(true, 100))).await;
    let (ann, bob) = (world.app.rich(30).await, world.app.rich(30).await);
    let spared = FeatureFlag { off_for: vec![ann.id.0], ..charging(true, 100) };
    world.switch(spared, &ann, 0).await;
    assert_eq!(world.probe(&bob).await, 10);
    let only_her = FeatureFlag { on_for: vec![ann.id.0], ..charging(false, 100) };
    world.switch(only_her, &ann, 10).await;
    assert_eq!(world.probe(&bob).await, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credits_are_charged_while_nobody_can_be_asked_and_what_was_known_holds() {
    let mut world = World::start(None).await;
    let actor = world.app.rich(30).await;
    assert_eq!(world.probe(&actor).await, 10, "the default");
    // It goes on asking without having heard anything.
    world.board.set(Some(charging(false, 100)));
    wait_until("the flag to be asked for", SOON, async || world.probe(&actor).await == 0).await;
    world.board.set(None);
    let asked = world.board.asked.load(Ordering::Relaxed);
    world.tell().await;
    wait_until("accounts to be asked", SOON, async || world.board.asked.load(Ordering::Relaxed) > asked)
        .await;
    assert_eq!(world.probe(&actor).await, 0, "not the default again");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_free_publication_says_why_it_is_free() {
    let mut world = World::start(Some(charging(false, 100))).await;
    let actor = world.app.rich(30).await;
    let mut why = Vec::new();
    for turn in 0..5 {
        if turn == 1 {
            world.switch(charging(true, 100), &actor, 10).await;
        }
        let key = HoldKey(Uuid::now_v7());
        assert_eq!(world.app.rpc.hold(key, actor.id, 10, "pitch_publish").await.unwrap(), Held::Held);
        let published = PitchPublished {
            pitch_id: PitchId(turn),
            owner_id: actor.id,
            first_time: true,
            pitch_title: String::new(),
            hold: Some(key),
        };
        world.app.deliver(&published).await;
        why.push(world.hold(key).await);
    }
    let allowed = "0 captured allowance";
    assert_eq!(why, ["0 captured flag", allowed, allowed, "10 captured not free", "10 captured not free"]);
    world.end().await;
}
