//! How Postgres answers the hot queries, asked as the role that runs them.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use pitchey_events::UserId;
use pitchey_testkit::{Plan, TestDatabase};

use super::ledger::{self, Place};
use crate::schema::{credit_holds as holds, credit_ledger, subscriptions, transactions, user_plans};

const FIRST: Place = Place { after: None, offset: 0, limit: 20 };
const USER: UserId = UserId(2);

/// 20,000 rows of each, a fifth of them one user's, some hundred each other's.
async fn filled() -> TestDatabase {
    let db = TestDatabase::create().await;
    db.execute(
        "INSERT INTO users (id, email, username, password_hash, user_type)
         SELECT n, n || '@example.test', 'user' || n, '!', 'investor' FROM generate_series(1, 80) AS n;
         INSERT INTO credits (user_id) SELECT n FROM generate_series(1, 80) AS n;
         INSERT INTO user_plans (user_id, grace_until, updated_at) SELECT n, CASE WHEN n % 40 = 0 THEN now() END, now() FROM generate_series(1, 80) AS n;
         INSERT INTO transactions (user_id, type, amount, provider_id, stripe_payment_intent_id, created_at)
         SELECT CASE WHEN n % 5 = 0 THEN 1 ELSE 2 + n % 79 END, 'credits', 299, 'p' || n, 'pi' || n, now() - n * interval '1 minute' FROM generate_series(1, 20000) AS n;
         INSERT INTO credit_ledger (user_id, kind, amount, balance_after, idempotency_key, created_at)
         SELECT CASE WHEN n % 5 = 0 THEN 1 ELSE 2 + n % 79 END, 'grant', 0, 0, 'k' || n, now() FROM generate_series(1, 20000) AS n;
         INSERT INTO credit_holds (key, user_id, reason, amount, status, tentative_until, created_at, updated_at)
         SELECT gen_random_uuid(), CASE WHEN n % 5 = 0 THEN 1 ELSE 2 + n % 79 END, CASE WHEN n % 10 = 0 THEN 'pitch_publish' ELSE 'nda_request' END, 1,
                (ARRAY['captured', 'released', 'captured', 'firm', 'tentative'])[1 + (n / 10) % 5], now() + n * interval '1 second', now(), now() FROM generate_series(1, 20000) AS n;
         INSERT INTO subscriptions (user_id, provider, provider_id, status, as_of, next_grant_at, created_at, updated_at)
         SELECT 2 + n % 79, 'stripe', 's' || n, 'active', now(), CASE WHEN n % 100 = 0 THEN now() + n * interval '1 minute' END, now(), now() FROM generate_series(1, 20000) AS n;
         ANALYZE",
    )
    .await;
    db
}

async fn acting(db: &TestDatabase) -> AsyncPgConnection {
    let mut connection = db.connect_as("pitchey_payments").await;
    connection.batch_execute(&format!("SET app.uid = '{USER}'")).await.unwrap();
    connection
}

#[tokio::test]
async fn what_a_user_asks_is_read_by_index() {
    let db = filled().await;
    let mut user = acting(&db).await;
    let plan = Plan::of(&mut user, ledger::page(USER, FIRST)).await;
    plan.assert_uses_index("credit_ledger_user_id_idx");
    plan.assert_never_sorts();
    let plan = Plan::of(&mut user, ledger::page(USER, Place { after: Some(9_000), ..FIRST })).await;
    plan.assert_uses_index("credit_ledger_user_id_idx");
    plan.assert_never_sorts();
    let history = transactions::table
        .filter(transactions::user_id.eq(USER.0))
        .order((transactions::created_at.desc(), transactions::id.desc()))
        .select(transactions::id)
        .limit(21);
    let plan = Plan::of(&mut user, history).await;
    plan.assert_uses_index("transactions_user_id_idx");
    plan.assert_never_sorts();
}

#[tokio::test]
async fn what_calls_and_events_look_up_is_read_by_index() {
    let db = filled().await;
    let mut system = db.connect_as("pitchey_payments_system").await;
    let by_name = transactions::table.filter(transactions::provider_id.eq("p77")).select(transactions::id);
    Plan::of(&mut system, by_name).await.assert_uses_index("transactions_provider_id_key");
    let by_intent = transactions::table
        .filter(transactions::stripe_payment_intent_id.eq("pi77"))
        .select(transactions::id);
    Plan::of(&mut system, by_intent).await.assert_never_scans("transactions");
    let booked =
        credit_ledger::table.filter(credit_ledger::idempotency_key.eq("k77")).select(credit_ledger::id);
    Plan::of(&mut system, booked).await.assert_uses_index("credit_ledger_idempotency_key_key");
    let customer = user_plans::table.filter(user_plans::customer_id.eq("cus_1")).select(user_plans::user_id);
    Plan::of(&mut system, customer).await.assert_uses_index("user_plans_customer_id_key");
    Plan::of(&mut system, super::holds::of_publications(UserId(2)))
        .await
        .assert_uses_index("credit_holds_publish_idx");
    Plan::of(&mut system, super::credits::open_holds(UserId(2)))
        .await
        .assert_uses_index("credit_holds_open_idx");
}

#[tokio::test]
async fn what_the_sweep_looks_for_is_found_by_index() {
    let db = filled().await;
    let mut system = db.connect_as("pitchey_payments_system").await;
    let now = diesel::dsl::now;
    let overdue = holds::table
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("status = 'tentative'"))
        .filter(holds::tentative_until.le(now))
        .order(holds::tentative_until)
        .select(holds::key)
        .limit(100);
    let plan = Plan::of(&mut system, overdue).await;
    plan.assert_uses_index("credit_holds_tentative_idx");
    plan.assert_never_sorts();
    let due = subscriptions::table
        .filter(subscriptions::next_grant_at.le(now))
        .select(subscriptions::id)
        .limit(100);
    Plan::of(&mut system, due).await.assert_uses_index("subscriptions_next_grant_at_idx");
    let over =
        user_plans::table.filter(user_plans::grace_until.le(now)).select(user_plans::user_id).limit(100);
    Plan::of(&mut system, over).await.assert_uses_index("user_plans_grace_until_idx");
}
