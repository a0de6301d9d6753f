//! A deployment: the programs of the previous release and those of this one, side by side on this release's schema. See deploy/dev/upgrade-test.
#![expect(clippy::print_stdout, reason = "what people had of it is worth reading")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pitchey_compose_test::http::Http;
use pitchey_compose_test::load::{Load, MARK};
use pitchey_compose_test::tally::Allowed;
use pitchey_events::Service::{
    self, Accounts, Analytics, Gateway, Messaging, Notifications, Payments, Pitches,
};
use pitchey_system_tests::{Person, Platform, programs, wait_until};
use serde_json::json;

use crate::world::draft;

/// Whose events the others act on, mostly.
const PRODUCERS: [Service; 2] = [Accounts, Pitches];
/// Who acts on them.
const CONSUMERS: [Service; 4] = [Notifications, Payments, Analytics, Messaging];
const PEOPLE: usize = 3;
/// What people notice a moment later counts as well.
const AFTERMATH: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(60);

/// A platform, which release each replica is of, and people who work with it all the time.
struct Deployment {
    platform: Platform,
    load: Load,
    previous: PathBuf,
    this: PathBuf,
    new: BTreeSet<(Service, usize)>,
}

impl Deployment {
    /// Everything of the previous release, its schema too; nobody knows of this one.
    async fn of_the_previous_release() -> Self {
        let previous =
            std::env::var_os("PITCHEY_PREVIOUS").expect("PITCHEY_PREVIOUS: make upgrade-test sets it");
        let previous = PathBuf::from(previous);
        let twice = [PRODUCERS.as_slice(), &CONSUMERS].concat();
        let builder = twice.into_iter().fold(Platform::builder(), |all, service| all.replicas(service, 2));
        let platform = builder.programs(&previous).start().await;
        play(&platform, &previous, "the previous release by itself").await;
        let load = work(&platform).await;
        Self { platform, load, previous, this: programs(), new: BTreeSet::new() }
    }

    /// Makes exactly these replicas ones of this release, all others ones of the previous; one after the other, each drained before it goes.
    async fn deploy(&mut self, what: &str, allowed: Allowed, wanted: impl Fn(Service, usize) -> bool) {
        self.load.begin();
        for service in [Accounts, Pitches, Messaging, Payments, Analytics, Notifications, Gateway] {
            for number in 0..self.platform.replicas_of(service).len() {
                let place = (service, number);
                let to_be_new = wanted(service, number);
                if self.new.contains(&place) == to_be_new {
                    continue;
                }
                let programs = if to_be_new { &self.this } else { &self.previous };
                self.platform.replica(service, number).become_that_of(programs).await;
                self.platform.wait_until_healthy().await;
                if to_be_new {
                    self.new.insert(place)
                } else {
                    self.new.remove(&place)
                };
            }
        }
        self.judge(what, allowed).await;
        play(&self.platform, &self.this, what).await;
        self.judge(&format!("the story, {what}"), Allowed::Nothing).await;
        self.platform.drained().await;
    }

    /// What people had of it.
    async fn judge(&self, what: &str, allowed: Allowed) {
        let tally = self.load.look(AFTERMATH).await;
        match tally.judge(allowed) {
            Ok(line) => println!("{what}: {line}"),
            Err(failure) => panic!("{what}: {failure}"),
        }
    }
}

/// The story of one NDA, from registration to revocation, with the events, mails and credits that follow.
async fn play(platform: &Platform, programs: &Path, when: &str) {
    let (code, said) = platform.ctl_of(programs, &["demo"]).await;
    assert!(code == 0 && said.contains("Everything happened as it should"), "{when}:\n{said}");
}

/// People with sessions, who read a page of each service and comment on a pitch.
async fn work(platform: &Platform) -> Load {
    let owner = platform.person("creator").await;
    let created = owner.post(platform, "/api/pitches", &draft()).await.expect(201);
    let pitch = created["pitch"]["id"].as_i64().expect("an id");
    owner.post(platform, &format!("/api/pitches/{pitch}/publish"), &json!({})).await.expect(200);
    let mut tokens = Vec::new();
    for _ in 0..PEOPLE {
        let Person { token, .. } = platform.person("investor").await;
        tokens.push(token);
    }
    let http = Http::new(&format!("http://{}", platform.gateway_address())).expect("a client");
    Load::start(http, tokens, pitch)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the programs of the previous release, which make upgrade-test builds"]
async fn two_releases_run_side_by_side_and_nobody_notices() {
    let mut deployment = Deployment::of_the_previous_release().await;

    deployment.load.begin();
    deployment.platform.db.migrate(&deployment.this.join("ctl")).await;
    deployment.judge("this release's migrations", Allowed::Nothing).await;
    play(&deployment.platform, &deployment.previous, "the previous release on this release's schema").await;
    deployment.judge("the previous release on this release's schema", Allowed::Nothing).await;

    let ended = Allowed::RepeatedWrites;
    deployment
        .deploy("one replica of each", ended, |service, number| service != Gateway && number == 0)
        .await;
    deployment
        .deploy("new consumers of old producers' events", ended, |service, _| CONSUMERS.contains(&service))
        .await;
    deployment
        .deploy("old consumers of new producers' events", ended, |service, _| PRODUCERS.contains(&service))
        .await;
    deployment.deploy("all but the gateway", ended, |service, _| service != Gateway).await;
    deployment.deploy("all of it", Allowed::Repeats, |_, _| true).await;

    let Deployment { platform, load, .. } = deployment;
    let answered = i64::try_from(load.stop().await.expect("no request was lost")).expect("a number");
    let comments = format!("FROM pitch_comments WHERE content LIKE '{MARK}%'");
    assert_eq!(platform.number(&format!("SELECT count(*) {comments}")).await, answered);
    assert_eq!(platform.number(&format!("SELECT count(DISTINCT content) {comments}")).await, answered);
    let notices = format!(
        "SELECT count(*) FROM notifications WHERE type = 'pitch_commented'
         AND (data->>'commentId')::bigint IN (SELECT id {comments})"
    );
    wait_until("a notification of each comment", PATIENCE, async || {
        platform.number(&notices).await >= answered
    })
    .await;
    assert_eq!(platform.number(&notices).await, answered, "each event had its effect once");
    platform.drained().await;
    let (code, said) = platform.ctl(&["maintenance", "run", "payments/reconcile"]).await;
    assert!(code == 0 && said.trim_end().ends_with("touched 0"), "the books: {said}");
    println!("{answered} comments answered, {answered} there, {answered} notifications of them");
}
