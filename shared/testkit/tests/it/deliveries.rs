use std::sync::Arc;

use diesel::sql_query;
use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl;
use pitchey_bus::{Delivered, Failure, Handles, Subscriptions};
use pitchey_db::Tx;
use pitchey_events::{Envelope, PasswordChanged, Service, UserId};
use pitchey_testkit::{Deliveries, TestDatabase};
use uuid::Uuid;

/// Writes down whom it was told of; refuses user 13.
struct Notebook;

impl Handles<PasswordChanged> for Notebook {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<PasswordChanged>) -> Result<(), Failure> {
        let user = envelope.event.user_id.0;
        sql_query("INSERT INTO notebook VALUES ($1)").bind::<Integer, _>(user).execute(tx).await?;
        if user == 13 { Err(Failure::permanent("unlucky")) } else { Ok(()) }
    }
}

async fn notebook(db: &TestDatabase) -> Deliveries {
    db.execute("CREATE TABLE notebook (user_id integer); GRANT SELECT, INSERT ON notebook TO pitchey_notifications_system").await;
    let databases = db.databases(Service::Notifications).await;
    Deliveries::to(
        Service::Notifications,
        Subscriptions::of(Arc::new(Notebook)).on::<PasswordChanged>(),
        &databases,
    )
}

async fn pages(db: &TestDatabase) -> usize {
    sql_query("DELETE FROM notebook").execute(&mut db.admin().await).await.unwrap()
}

#[tokio::test]
async fn an_event_delivered_twice_has_its_effect_once() {
    let db = TestDatabase::create().await;
    let deliveries = notebook(&db).await;
    let delivered = deliveries.deliver(&PasswordChanged { user_id: UserId(7) }).await;
    assert_eq!(delivered, Delivered::Applied);
    assert_eq!(pages(&db).await, 1);
}

#[tokio::test]
async fn a_failed_delivery_has_no_effect_and_may_come_again() {
    let db = TestDatabase::create().await;
    let deliveries = notebook(&db).await;
    for _ in 0..2 {
        let failed = deliveries.once(Uuid::now_v7(), &PasswordChanged { user_id: UserId(13) }).await;
        assert!(matches!(failed, Err(Failure::Permanent(_))), "{failed:?}");
    }
    assert_eq!(pages(&db).await, 0);
}
