use pitchey_events::UserType;
use pitchey_launch::Process;

use crate::app::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_is_forgotten_by_one_replica_a_day() {
    let world = World::new().await;
    let user = world.db.user(UserType::Creator).await;
    // Just too old, and just not, of each kind; and more than a batch of one.
    world
        .db
        .execute(&format!(
            "INSERT INTO email_queue (to_email, from_email, subject, html_content, text_content, template, dedupe_key, message_id, status,
                                      metadata, created_at, scheduled_for)
             SELECT 'a@example.test', 'b@example.test', 'x', 'html', 'text', 'welcome', name, name, status::email_status,
                    '{{\"category\": \"dailyDigest\", \"digest\": {{}}}}', now() - age, now() + interval '1 year'
             FROM (VALUES ('old', 'sent', interval '30 days 1 minute'), ('young', 'sent', interval '29 days 23 hours'),
                          ('waits', 'pending', interval '40 days')) AS mails (name, status, age);
             INSERT INTO email_events (event, \"timestamp\") SELECT 'sent', now() - interval '13 months 1 day' FROM generate_series(1, 1500);
             INSERT INTO email_events (event, \"timestamp\") VALUES ('sent', now() - interval '13 months' + interval '1 day');
             INSERT INTO notifications (user_id, event_id, type, title, created_at)
             SELECT {user}, gen_random_uuid(), 'welcome', 'x', now() - interval '12 months' + n * interval '1 day'
             FROM generate_series(-1, 1, 2) AS n;
             INSERT INTO email_digests (rhythm, period, user_id, outcome, created_at)
             VALUES ('daily', '2026-01-01', {user}, 'queued', now() - interval '61 days'),
                    ('daily', '2026-01-02', {user}, 'queued', now() - interval '59 days');
             INSERT INTO announcements (event_id, owner_id, pitch_id, created_at, finished_at)
             SELECT gen_random_uuid(), {user}, 1, now() - n * interval '1 day', now() FROM generate_series(59, 61, 2) AS n"
        ))
        .await;
    let (one, other) = (world.replica().await, world.replica().await);
    tokio::join!(one.run_jobs(), other.run_jobs());
    let runs =
        "SELECT count(*) FROM maintenance_runs WHERE service = 'notifications' AND outcome <> 'succeeded'";
    pitchey_testkit::wait_until("the jobs' end", pitchey_testkit::SOON, async || {
        world.number(runs).await == 0
    })
    .await;
    one.stop().await;
    other.stop().await;
    let bodies = "SELECT string_agg(concat_ws(' ', dedupe_key, html_content, text_content, metadata ? 'digest'), ', ' ORDER BY id) FROM email_queue";
    assert_eq!(world.text(bodies).await, "old f, young html text t, waits html text t");
    for (table, left) in
        [("email_events", 1), ("notifications", 1), ("email_digests", 1), ("announcements", 1)]
    {
        assert_eq!(world.number(&format!("SELECT count(*) FROM {table}")).await, left, "{table}");
    }
    let runs = "SELECT string_agg(job || ' ' || rows_affected, ', ' ORDER BY job) FROM maintenance_runs WHERE job LIKE 'forget%' AND job <> 'forget_idempotency_keys'";
    assert_eq!(
        world.text(runs).await,
        "forget_announcements 1, forget_digests 1, forget_mail_bodies 1, forget_mail_events 1500, forget_notifications 1"
    );
}
