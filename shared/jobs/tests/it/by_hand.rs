use chrono::TimeDelta;
use pitchey_jobs::{Outcome, Run};
use pitchey_testkit::{SOON, wait_until};

use crate::world::{World, daily, gated, quick, unlucky};

impl World {
    async fn ask(&self, job: &str) -> i64 {
        let mut tx = self.system().await.begin().await.unwrap();
        let asked = pitchey_jobs::ask(&mut tx, "pitches", job, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        asked
    }

    async fn answer(&self, asked: i64) -> Run {
        let mut tx = self.system().await.begin().await.unwrap();
        pitchey_jobs::answer(&mut tx, asked).await.unwrap()
    }

    async fn ended(&self, asked: i64) -> Run {
        wait_until("the end of what was asked for", SOON, async || {
            self.answer(asked).await.finished_at.is_some()
        })
        .await;
        self.answer(asked).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_asks_for_is_done_by_one_replica_beside_the_periods() {
    let world = World::new().await;
    let one = world.jobs().await.once("count", daily(), quick).start();
    let two = world.jobs().await.once("count", daily(), quick).start();
    wait_until("the run of the day", SOON, async || world.state.ended() == 1).await;
    let run = world.ended(world.ask("count").await).await;
    assert_eq!((run.outcome, run.rows_affected, run.by_hand), (Outcome::Succeeded, Some(7), true));
    assert_eq!(run.period.as_deref(), Some("by hand 2026-11-22T12:00:00.000000Z"));
    assert_eq!(world.state.begun(), 2);
    world.pass(TimeDelta::days(1));
    assert_eq!(one.run("count").await.unwrap(), Some(7), "the next day is due all the same");
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_asks_for_waits_for_the_run_under_way() {
    let world = World::new().await;
    let jobs = world.jobs().await.once("wait", daily(), gated).start();
    wait_until("the run of the day", SOON, async || world.state.begun() == 1).await;
    let asked = world.ask("wait").await;
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!((world.answer(asked).await.outcome, world.state.begun()), (Outcome::Requested, 1));
    world.state.open(2);
    assert_eq!(world.ended(asked).await.outcome, Outcome::Succeeded);
    assert_eq!(world.state.begun(), 2);
    jobs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_learns_why_it_failed() {
    let world = World::new().await;
    let asked = world.ask("try").await;
    // Nobody has run today either: both fail, one after the other.
    let jobs = world.jobs().await.once("try", daily(), unlucky).start();
    let run = world.ended(asked).await;
    assert_eq!(run.outcome, Outcome::Failed);
    assert!(run.error.is_some_and(|error| error == "the disk is full" || error.contains("panicked")));
    jobs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_can_be_withdrawn() {
    let world = World::new().await;
    let jobs = world.jobs().await.once("count", daily(), quick).start();
    wait_until("the run of the day", SOON, async || world.state.ended() == 1).await;
    let unknown = world.ask("nobodys").await;
    let known = world.ask("count").await;
    world.ended(known).await;
    assert_eq!(world.answer(unknown).await.outcome, Outcome::Requested);
    let mut tx = world.system().await.begin().await.unwrap();
    assert!(pitchey_jobs::withdraw(&mut tx, unknown).await.unwrap());
    assert!(!pitchey_jobs::withdraw(&mut tx, known).await.unwrap(), "it is done");
    tx.commit().await.unwrap();
    jobs.stop().await;
}

#[test]
fn a_run_by_hand_whose_process_was_killed_is_taken_over() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let killed = tokio::runtime::Runtime::new().unwrap();
    let first = killed.block_on(async { world.jobs().await.once("wait", daily(), gated).start() });
    let asked = runtime.block_on(async {
        world.state.open(1);
        wait_until("the run of the day", SOON, async || world.runs().await == "2026-11-22 succeeded 1").await;
        let asked = world.ask("wait").await;
        wait_until("the run by hand", SOON, async || world.state.begun() == 2).await;
        asked
    });
    killed.shutdown_background();
    drop(first);
    runtime.block_on(async {
        world.pass(TimeDelta::seconds(61));
        world.state.open(1);
        let second = world.jobs().await.once("wait", daily(), gated).start();
        assert_eq!(world.ended(asked).await.outcome, Outcome::Succeeded);
        assert_eq!((world.state.begun(), world.state.ended()), (3, 2));
        second.stop().await;
    });
}
