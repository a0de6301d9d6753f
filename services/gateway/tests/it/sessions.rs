use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use pitchey_bus::{Bus, Consumes, Listeners, outbox};
use pitchey_events::Service::{Accounts, Pitches};
use pitchey_events::{SessionsRevoked, Tier, UserChanged, UserType};
use pitchey_identity::Actor;
use pitchey_testkit::{SOON, TestDatabase, wait_until};
use reqwest::Method;

use crate::world::{Stub, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_with_a_new_token_asks_accounts_once() {
    let pitches = Stub::echo(Pitches);
    let world = World::build().with(&[&pitches]).without_broker().start().await;
    let (token, actor) = world.log_in(|_| {});
    let answers = join_all((0..50).map(|_| world.client.get("/api/pitches").bearer(&token).send())).await;
    for answer in answers {
        assert_eq!(answer.expect(200)["user"], actor.id.0);
    }
    assert_eq!(world.accounts.times_asked(), 1);
    let bad = join_all((0..20).map(|_| world.client.get("/api/pitches").bearer("nobodys").send())).await;
    for answer in bad {
        let answer = answer.refused(401, "session_invalid");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    assert_eq!(world.accounts.times_asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_event_an_ended_session_is_refused_after_900_ms() {
    let pitches = Stub::echo(Pitches);
    let world = World::build().with(&[&pitches]).without_broker().start().await;
    let (token, _) = world.log_in(|_| {});
    world.client.get("/api/pitches").bearer(&token).send().await.expect(200);
    world.accounts.end(&token);
    world.clock.advance(TimeDelta::milliseconds(899));
    world.client.get("/api/pitches").bearer(&token).send().await.expect(200);
    world.clock.advance(TimeDelta::milliseconds(1));
    world.client.get("/api/pitches").bearer(&token).send().await.refused(401, "session_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_ends_when_it_said_it_would() {
    let pitches = Stub::echo(Pitches);
    let world = World::build().with(&[&pitches]).start().await;
    let (token, _) = world.accounts.log_in(world.clock.now() + TimeDelta::milliseconds(300), |_| {});
    world.client.get("/api/pitches").bearer(&token).send().await.expect(200);
    world.clock.advance(TimeDelta::milliseconds(300));
    world.client.get("/api/pitches").bearer(&token).send().await.refused(401, "session_invalid");
}

/// Accounts as the source of events: its outbox, its relay.
struct Outbox {
    databases: pitchey_db::Databases,
    bus: Option<Bus>,
    _database: TestDatabase,
}

impl Outbox {
    async fn of(world: &World) -> Self {
        let database = TestDatabase::create().await;
        let databases = database.databases(Accounts).await;
        let broker = pitchey_bus::Broker::new(world.broker.url.clone(), world.broker.prefix.clone());
        let bus =
            Bus::start(Accounts, &broker, Some(&databases), Consumes::default(), Listeners::new()).unwrap();
        wait_until("the gateway to listen", SOON, async || {
            world.client.get("/health").send().await["broker"] == "connected" && bus.health().connected
        })
        .await;
        Self { databases, bus: Some(bus), _database: database }
    }

    async fn tell<E: pitchey_events::Event>(&self, event: &E) {
        let mut tx = self.databases.system.begin().await.unwrap();
        outbox::append(&mut tx, event).unwrap();
        tx.commit().await.unwrap();
    }
}

fn revoked(actor: &Actor) -> SessionsRevoked {
    SessionsRevoked { user_id: actor.id, session_ids: vec![actor.session_id] }
}

async fn is_refused(world: &World, token: &str) -> bool {
    world.client.get("/api/pitches").bearer(token).send().await.status == 401
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_is_heard_ends_a_session_at_once() {
    let (pitches, accounts) = (Stub::echo(Pitches), Stub::echo(Accounts));
    let world = World::build().with(&[&pitches, &accounts]).start().await;
    let outbox = Outbox::of(&world).await;
    let (token, actor) = world.log_in(|_| {});
    let (other, _) = world.log_in(|_| {});
    assert!(!is_refused(&world, &token).await && !is_refused(&world, &other).await);
    let asked = world.accounts.times_asked();
    world.accounts.end(&token);
    outbox.tell(&revoked(&actor)).await;
    // The clock stands: only the event can end it.
    wait_until("the session to end", SOON, async || is_refused(&world, &token).await).await;
    assert!(!is_refused(&world, &other).await);
    assert_eq!(world.accounts.times_asked(), asked + 1, "nobody else's session is asked for again");
    outbox.bus.unwrap().shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_user_is_asked_for_again() {
    let (pitches, accounts) = (Stub::echo(Pitches), Stub::echo(Accounts));
    let world = World::build().with(&[&pitches, &accounts]).start().await;
    let outbox = Outbox::of(&world).await;
    let (token, actor) = world.log_in(|_| {});
    assert!(!is_refused(&world, &token).await);
    let asked = world.accounts.times_asked();
    let event = UserChanged {
        user_id: actor.id,
        version: 2,
        user_type: UserType::Creator,
        tier: Tier::Pro,
        is_active: true,
    };
    outbox.tell(&event).await;
    wait_until("another question", SOON, async || {
        assert!(!is_refused(&world, &token).await);
        world.accounts.times_asked() == asked + 1
    })
    .await;
    outbox.bus.unwrap().shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_on_its_way_when_the_revocation_came_is_not_believed() {
    let (pitches, accounts) = (Stub::echo(Pitches), Stub::echo(Accounts));
    let world = Arc::new(World::build().with(&[&pitches, &accounts]).start().await);
    let outbox = Outbox::of(&world).await;
    let (witness_token, witness) = world.log_in(|_| {});
    assert!(!is_refused(&world, &witness_token).await);
    let (token, actor) = world.log_in(|_| {});
    let asked = world.accounts.times_asked();
    let go = world.accounts.hold_answers();
    let request = tokio::spawn({
        let (world, token) = (Arc::clone(&world), token.clone());
        async move { world.client.get("/api/pitches").bearer(&token).send().await }
    });
    wait_until("the question", SOON, async || world.accounts.times_asked() == asked + 1).await;
    // Accounts has said yes, but the gateway has not heard it. Now the session ends, and the gateway hears that first.
    world.accounts.end(&token);
    world.accounts.end(&witness_token);
    let both =
        SessionsRevoked { user_id: witness.id, session_ids: vec![actor.session_id, witness.session_id] };
    outbox.tell(&both).await;
    // The witness's next question shows that the event was heard.
    wait_until("the witness's session to be asked for", SOON, async || {
        let asking = world.client.get("/api/pitches").bearer(&witness_token).send();
        let _ = tokio::time::timeout(Duration::from_millis(50), asking).await;
        world.accounts.times_asked() >= asked + 2
    })
    .await;
    go.send(true).unwrap();
    request.await.unwrap().refused(401, "session_invalid");
    world.client.get("/api/pitches").bearer(&token).send().await.refused(401, "session_invalid");
    outbox.bus.unwrap().shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_accounts_is_away_a_token_is_neither_good_nor_ignored() {
    let pitches = Stub::echo(Pitches);
    let world = World::build().with(&[&pitches]).without_accounts().start().await;
    world.client.get("/api/pitches").bearer("any").send().await.refused(503, "session_check_unavailable");
    world.client.post("/api/pitches").bearer("any").send().await.refused(503, "session_check_unavailable");
    assert!(pitches.seen().is_empty());
    world.client.get("/api/pitches").send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_is_refused_everywhere_but_where_one_gets_a_new_one() {
    let (pitches, accounts) = (Stub::echo(Pitches), Stub::echo(Accounts));
    let world = World::build().with(&[&pitches, &accounts]).start().await;
    for (method, path) in [
        (Method::GET, "/api/pitches/public"),
        (Method::POST, "/api/pitches"),
        (Method::DELETE, "/api/pitches/1"),
        (Method::GET, "/api/auth/session"),
        (Method::POST, "/api/auth/logout"),
        (Method::POST, "/api/auth/change-password"),
        (Method::POST, "/api/auth/resend-verification"),
        (Method::GET, "/api/auth/login"),
    ] {
        world.client.request(method, path).bearer("stale").send().await.refused(401, "session_invalid");
    }
    for path in [
        "login",
        "investor/login",
        "register",
        "creator/register",
        "forgot-password",
        "reset-password",
        "verify-email",
        "session/refresh",
    ] {
        let answer = world.client.post(&format!("/api/auth/{path}")).bearer("stale").send().await.expect(200);
        assert!(answer["user"].is_null(), "{path}");
    }
    for other in ["Basic YTpi", "Bearer", "token"] {
        world
            .client
            .get("/api/pitches")
            .header("authorization", other)
            .send()
            .await
            .refused(401, "authorization_malformed");
    }
    let long = "x".repeat(600);
    world.client.get("/api/pitches").bearer(&long).send().await.refused(401, "session_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_suspended_may_read_and_leave() {
    let (pitches, accounts) = (Stub::echo(Pitches), Stub::echo(Accounts));
    let world = World::build().with(&[&pitches, &accounts]).start().await;
    let (token, actor) = world.log_in(|actor| actor.suspended = true);
    for (method, path) in [
        (Method::GET, "/api/pitches"),
        (Method::GET, "/api/user/profile"),
        (Method::POST, "/api/auth/logout"),
        (Method::POST, "/api/auth/change-password"),
        (Method::POST, "/api/gdpr/requests"),
        (Method::DELETE, "/api/user/account"),
    ] {
        let answer = world.client.request(method, path).bearer(&token).send().await.expect(200);
        assert_eq!(answer["user"], actor.id.0, "{path}");
    }
    for (method, path) in [
        (Method::POST, "/api/pitches"),
        (Method::PUT, "/api/user/profile"),
        (Method::DELETE, "/api/pitches/7"),
        (Method::POST, "/api/ndas/request"),
        (Method::POST, "/api/auth/logout/x"),
        (Method::POST, "/api/users/7/follow"),
    ] {
        world.client.request(method, path).bearer(&token).send().await.refused(403, "account_suspended");
    }
}
