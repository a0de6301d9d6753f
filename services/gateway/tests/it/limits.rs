use chrono::TimeDelta;
use pitchey_events::Service::{Accounts, Payments, Pitches};
use pitchey_testkit::Answer;
use reqwest::Method;

use crate::world::{Build, Stub, World};

fn strict() -> Build {
    ["general", "auth", "upload", "sensitive", "webhook"]
        .into_iter()
        .zip([20, 10, 10, 5, 30])
        .fold(World::build(), |build, (class, limit)| build.set(&format!("limits.{class}"), limit))
}

fn told(answer: &Answer, name: &str) -> u64 {
    let name = format!("x-ratelimit-{name}");
    answer.header(&name).unwrap_or_else(|| panic!("{name} in {answer}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_class_has_its_limit_and_tells_it() {
    let (pitches, accounts, payments) = (Stub::echo(Pitches), Stub::echo(Accounts), Stub::echo(Payments));
    for (limit, method, path) in [
        (20, Method::GET, "/api/pitches"),
        (20, Method::POST, "/api/pitches"),
        (20, Method::GET, "/api/config/all"),
        (10, Method::POST, "/api/auth/login"),
        (10, Method::POST, "/api/auth/investor/register"),
        (10, Method::POST, "/api/media/upload"),
        (5, Method::POST, "/api/ndas/request"),
        (5, Method::POST, "/api/investments/track"),
        (30, Method::POST, "/api/webhooks/stripe"),
    ] {
        let world = strict().with(&[&pitches, &accounts, &payments]).start().await;
        for left in (0..limit).rev() {
            let answer = world.client.request(method.clone(), path).send().await.expect(200);
            assert_eq!(told(&answer, "limit"), limit, "{path}");
            // A moment passes: one may have come back.
            assert!((left..=left + 1).contains(&told(&answer, "remaining")), "{left}: {answer:?}");
        }
        let mut answer = world.client.request(method.clone(), path).send().await;
        if answer.status == 200 {
            answer = world.client.request(method.clone(), path).send().await;
        }
        let answer = answer.refused(429, "rate_limited");
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60 / limit).contains(&seconds), "{seconds} s, {path}");
        assert_eq!((told(&answer, "limit"), told(&answer, "remaining")), (limit, 0));
        let now = world.clock.now().timestamp().cast_unsigned();
        assert!((now + 59..=now + 61).contains(&told(&answer, "reset")));
        assert_eq!(answer["details"]["limit"], limit);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_counted_one_by_one_and_strangers_by_address() {
    let pitches = Stub::echo(Pitches);
    let world = strict().with(&[&pitches]).set("trusted_proxies", "127.0.0.0/8").start().await;
    let ((one, _), (two, _)) = (world.log_in(|_| {}), world.log_in(|_| {}));
    let ask = |address: &str| world.client.post("/api/ndas/request").header("x-forwarded-for", address);
    let mut refused = 0;
    for _ in 0..7 {
        refused += usize::from(ask("198.51.100.1").bearer(&one).send().await.status == 429);
    }
    assert!((1..=2).contains(&refused));
    ask("198.51.100.1").bearer(&two).send().await.expect(200);
    for _ in 0..6 {
        ask("2001:db8:0:1::1").send().await;
    }
    ask("2001:db8:0:1::ffff").send().await.refused(429, "rate_limited");
    ask("2001:db8:0:2::1").send().await.expect(200);
    ask("198.51.100.2").send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn development_has_a_hundred_times_as_much() {
    let pitches = Stub::echo(Pitches);
    let world = strict().with(&[&pitches]).set("mode", "development").start().await;
    let answer = world.client.post("/api/ndas/request").send().await.expect(200);
    assert_eq!(told(&answer, "limit"), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_tokens_stops_being_looked_up_but_known_ones_go_on() {
    let pitches = Stub::echo(Pitches);
    let world = strict().with(&[&pitches]).start().await;
    let (token, _) = world.log_in(|_| {});
    world.client.get("/api/pitches").bearer(&token).send().await.expect(200);
    let mut answers = Vec::new();
    for guess in 0..30 {
        answers.push(world.client.get("/api/pitches").bearer(&format!("guess-{guess}")).send().await);
    }
    assert!(answers[..20].iter().all(|answer| answer["code"] == "session_invalid"));
    assert!(answers[22..].iter().any(|answer| answer["code"] == "rate_limited"));
    assert!(world.accounts.times_asked() < 30);
    world.clock.advance(TimeDelta::seconds(1));
    world.client.get("/api/pitches").bearer(&token).send().await.expect(200);
}
