use std::time::Duration;

use chrono::TimeDelta;
use pitchey_jobs::{Error, Every};
use pitchey_testkit::{SOON, wait_until};

use crate::world::{World, daily, gated, quick, unlucky};

#[tokio::test(flavor = "multi_thread")]
async fn of_many_replicas_one_runs_a_job_in_a_period() {
    let world = World::new().await;
    let mut replicas = Vec::new();
    for _ in 0..5 {
        replicas.push(world.jobs().await.once("count", daily(), quick).start());
    }
    wait_until("a run", SOON, async || world.runs().await == "2026-11-22 succeeded 7").await;
    for replica in &replicas {
        assert_eq!(replica.run("count").await.unwrap(), None, "it is done");
    }
    world.pass(TimeDelta::days(1));
    let mut ran = Vec::new();
    for one in Box::pin(futures(&replicas)).await {
        ran.extend(one);
    }
    assert_eq!(ran, [7], "one of them");
    assert_eq!((world.state.begun(), world.state.ended()), (2, 2));
    assert_eq!(world.runs().await, "2026-11-22 succeeded 7, 2026-11-23 succeeded 7");
    for replica in replicas {
        replica.stop().await;
    }
}

/// What all of them say who are told to run it at once.
async fn futures(replicas: &[pitchey_jobs::Started]) -> Vec<Option<i64>> {
    let [one, two, three, four, five] = replicas else { panic!("five replicas") };
    let run = async |replica: &pitchey_jobs::Started| replica.run("count").await.unwrap();
    let (one, two, three, four, five) = tokio::join!(run(one), run(two), run(three), run(four), run(five));
    vec![one, two, three, four, five]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_does_not_run_twice_at_once_at_the_turn_of_a_period() {
    let world = World::new().await;
    let one = world.jobs().await.once("wait", Every::seconds(5), gated).start();
    wait_until("the first run", SOON, async || world.state.begun() == 1).await;
    world.pass(TimeDelta::seconds(5));
    let two = world.jobs().await.once("wait", Every::seconds(5), gated).start();
    let second = tokio::spawn(async move {
        let ran = two.run("wait").await.unwrap();
        (ran, two)
    });
    // It has looked several times by then.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((world.state.begun(), second.is_finished()), (1, false), "the first is under way");
    world.state.open(2);
    let (_, two) = second.await.unwrap();
    wait_until("the end of both", SOON, async || world.state.ended() == 2).await;
    one.stop().await;
    two.stop().await;
    assert_eq!(world.runs().await, "2026-11-22T12:00:00Z succeeded 1, 2026-11-22T12:00:05Z succeeded 1");
}

#[test]
fn a_run_whose_process_was_killed_is_taken_over() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    // A process of its own, as far as its tasks and connections are concerned.
    let killed = tokio::runtime::Runtime::new().unwrap();
    let first = killed.block_on(async { world.jobs().await.once("wait", daily(), gated).start() });
    runtime.block_on(wait_until("the run", SOON, async || world.state.begun() == 1));
    killed.shutdown_background();
    drop(first);
    runtime.block_on(async {
        let second = world.jobs().await.once("wait", daily(), gated).start();
        let look = async |patience| tokio::time::timeout(patience, second.run("wait")).await;
        world.pass(TimeDelta::seconds(59));
        look(Duration::from_millis(300)).await.unwrap_err();
        assert_eq!(world.state.begun(), 1, "it may live");
        world.pass(TimeDelta::seconds(2));
        world.state.open(1);
        assert_eq!(look(SOON).await.unwrap().unwrap(), Some(1));
        assert_eq!((world.state.begun(), world.state.ended()), (2, 1));
        assert_eq!(world.runs().await, "2026-11-22 succeeded 1");
        second.stop().await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_says_that_it_lives_and_is_not_taken_over() {
    let world = World::new().await;
    let one = world.jobs().await.once("wait", daily(), gated).start();
    wait_until("the run", SOON, async || world.state.begun() == 1).await;
    world.pass(TimeDelta::seconds(55));
    let now = world.clock.now().to_rfc3339();
    let said = format!("SELECT alive_at = '{now}' FROM maintenance_runs");
    wait_until("a sign of life", Duration::from_secs(20), async || world.text(&said).await == "true").await;
    // A minute and a half after its begin.
    world.pass(TimeDelta::seconds(35));
    let two = world.jobs().await.once("wait", daily(), gated).start();
    tokio::time::timeout(Duration::from_millis(300), two.run("wait")).await.unwrap_err();
    assert_eq!(world.state.begun(), 1);
    world.state.open(1);
    assert_eq!(two.run("wait").await.unwrap(), None);
    one.stop().await;
    two.stop().await;
    assert_eq!(world.runs().await, "2026-11-22 succeeded 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_a_run_does_not_end_it() {
    let world = World::new().await;
    let jobs = world.jobs().await.once("wait", daily(), gated).start();
    wait_until("the run", SOON, async || world.state.begun() == 1).await;
    world.state.open(1);
    wait_until("its end", SOON, async || world.runs().await == "2026-11-22 succeeded 1").await;
    world.pass(TimeDelta::days(1));
    let run = async {
        wait_until("the next", SOON, async || world.state.begun() == 2).await;
        world.db.execute("UPDATE maintenance_runs SET started_at = started_at + interval '1 s' WHERE outcome = 'running'").await;
        world.state.open(1);
    };
    let (lost, ()) = tokio::join!(jobs.run("wait"), run);
    assert!(matches!(lost, Err(Error::Lost)), "{lost:?}");
    assert_eq!(world.runs().await, "2026-11-22 succeeded 1, 2026-11-23 running");
    jobs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_told_and_done_again_later() {
    let world = World::new().await;
    let jobs = world.jobs().await.once("try", daily(), unlucky).start();
    wait_until("a failure", SOON, async || world.runs().await == "2026-11-22 failed the disk is full").await;
    assert_eq!(jobs.run("try").await.unwrap(), None, "not at once");
    world.pass(TimeDelta::minutes(10));
    let panicked = jobs.run("try").await.unwrap_err().to_string();
    assert!(panicked.contains("panicked"), "{panicked}");
    assert!(world.runs().await.starts_with("2026-11-22 failed task"));
    world.pass(TimeDelta::minutes(10));
    assert_eq!(jobs.run("try").await.unwrap(), Some(0));
    assert_eq!(world.runs().await, "2026-11-22 succeeded 0");
    world.pass(TimeDelta::minutes(10));
    assert_eq!(jobs.run("try").await.unwrap(), None, "it is done");
    assert!(matches!(jobs.run("another").await, Err(Error::Unknown(_))));
    jobs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_remembered_for_a_thousand_periods() {
    let world = World::new().await;
    world
        .db
        .execute(
            "INSERT INTO maintenance_runs (service, job, period, started_at, finished_at, outcome)
             SELECT 'pitches', job, 'before ' || days, '2026-11-22 12:00Z'::timestamptz - days * interval '1 day', now(), 'succeeded'
             FROM (VALUES ('often'), ('daily'), ('unknown')) AS jobs (job), (VALUES (2), (700), (900)) AS ages (days);
             INSERT INTO maintenance_runs (service, job, period, started_at)
             VALUES ('pitches', 'daily', 'died', '2026-11-21 12:00Z')",
        )
        .await;
    let jobs =
        world.jobs().await.once("often", Every::seconds(15), quick).once("daily", daily(), quick).start();
    wait_until("both", SOON, async || world.state.ended() == 2).await;
    jobs.stop().await;
    let left = "SELECT string_agg(job || ' ' || period, ', ' ORDER BY job, period) FROM maintenance_runs WHERE period LIKE 'before%'";
    assert_eq!(
        world.text(left).await,
        "daily before 2, daily before 700, unknown before 2, unknown before 700, unknown before 900"
    );
    let died = "SELECT outcome || ' ' || error FROM maintenance_runs WHERE period = 'died'";
    assert!(world.text(died).await.starts_with("failed its process died"));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_what_runs_end() {
    let world = World::new().await;
    let jobs = world
        .jobs()
        .await
        .once("wait", daily(), gated)
        .each("again", Duration::from_millis(5), quick)
        .start();
    wait_until("both", SOON, async || world.runs().await == "2026-11-22 running" && world.state.ended() > 3)
        .await;
    let before = world.state.ended();
    let stopping = tokio::spawn(jobs.stop());
    world.state.open(1);
    stopping.await.unwrap();
    assert!(world.state.ended() > before);
    assert_eq!(world.runs().await, "2026-11-22 succeeded 1");
    let ended = world.state.ended();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(world.state.ended(), ended, "nothing begins any more");
}
