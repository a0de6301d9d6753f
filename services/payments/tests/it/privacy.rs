use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use pitchey_events::{Service, UserDeleted};
use pitchey_rpc::{Privacy, Targets};
use pitchey_testkit::identity;
use serde_json::Value;

use crate::app::App;

fn asked_by(app: &App, caller: Service) -> Privacy {
    let targets = Targets::from(BTreeMap::from([(
        "payments".to_owned(),
        format!("http://{}", app.service.rpc_address()),
    )]));
    Privacy::new(Service::Payments, &targets, identity::signer_by(caller, &app.clock)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_about_a_user_is_told_to_accounts_only() {
    let app = App::start().await;
    let (actor, other) = (app.rich(60).await, app.rich(30).await);
    app.subscribe(&actor, "pro", "month").await.expect(201);
    app.held(&actor, 4).await;
    let parts: Vec<_> = asked_by(&app, Service::Accounts).export(actor.id).try_collect().await.unwrap();
    let count = |name: &str| -> usize {
        let of_name = parts.iter().filter(|(part, _)| part == name);
        of_name.map(|(_, rows)| serde_json::from_str::<Vec<Value>>(rows.get()).unwrap().len()).sum()
    };
    assert_eq!(["credits", "subscriptions", "transactions", "credit_ledger"].map(count), [1, 1, 3, 4]);
    let told = parts.iter().map(|(_, rows)| rows.get()).collect::<String>();
    assert!(!told.contains(&format!("local_{}\"", other.id)));
    for caller in [Service::Pitches, Service::Gateway] {
        assert!(asked_by(&app, caller).export(actor.id).try_collect::<Vec<_>>().await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_pays_no_more_and_leaves_the_books_as_they_are() {
    let app = App::start().await;
    let actor = app.rich(30).await;
    app.subscribe(&actor, "pro", "month").await.expect(201);
    app.deliver(&UserDeleted { user_id: actor.id }).await;
    app.sweep().await;
    assert_eq!(app.text("SELECT status || ' ' || tier FROM user_plans").await, "canceled free");
    assert_eq!(app.text("SELECT customer_id FROM user_plans").await, "");
    assert_eq!(app.number("SELECT count(*) FROM invoices").await, 2);
    assert_eq!(app.sweep().await, 0);
    app.assert_balanced().await;
}
