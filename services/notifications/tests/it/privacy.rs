use std::collections::BTreeMap;

use futures_util::StreamExt;
use pitchey_events::*;
use pitchey_identity::Signer;
use pitchey_rpc::{Error, Privacy, Targets};
use pitchey_testkit::identity;
use serde_json::Value;

use crate::app::{App, World, address, parties};

fn keeper(app: &App, caller: Service) -> Privacy {
    let at = format!("http://{}", app.rpc_address());
    let targets = Targets::from(BTreeMap::from([("notifications".to_owned(), at)]));
    let signer = Signer::new(caller, &identity::keys(caller), app.world.clock.clone()).unwrap();
    Privacy::new(Service::Notifications, &targets, signer).unwrap()
}

async fn kept(app: &App, user: UserId) -> BTreeMap<String, Vec<Value>> {
    let mut kept = BTreeMap::<String, Vec<Value>>::new();
    let keeper = keeper(app, Service::Accounts);
    let mut parts = Box::pin(keeper.export(user));
    while let Some(part) = parts.next().await {
        let (name, rows) = part.unwrap();
        kept.entry(name).or_default().extend(serde_json::from_str::<Vec<Value>>(rows.get()).unwrap());
    }
    kept
}

async fn told() -> (App, pitchey_identity::Actor, UserId) {
    let world = World::new().await;
    let owner = world.person(UserType::Creator, "Alex").await;
    let requester = world.person(UserType::Investor, "Sarah").await.id;
    let app = world.start().await;
    let preferences = serde_json::json!({ "messages": "weekly" });
    app.client.put("/api/email/preferences").as_(&owner).json(&preferences).send().await.ok();
    let parties = parties(owner.id, requester, "The Lighthouse");
    app.emit(&NdaRequested { parties, with_message: false }).await;
    app.emit(&UserFollowed { user_id: owner.id, follower_id: requester }).await;
    app.mail_to(owner.id, "nda-requested").await;
    pitchey_testkit::wait_until("what is held back", pitchey_testkit::SOON, async || {
        app.world.number("SELECT count(*) FROM email_requests WHERE held IS NOT NULL").await == 1
    })
    .await;
    app.world.all_settled().await;
    (app, owner, requester)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_gets_everything_that_is_kept_and_nothing_of_others() {
    let (app, owner, requester) = told().await;
    let of_owner = kept(&app, owner.id).await;
    let counts: Vec<_> = of_owner.iter().map(|(name, rows)| (name.as_str(), rows.len())).collect();
    assert_eq!(
        counts,
        [("email_preferences", 1), ("emails", 1), ("emails_not_sent_yet", 1), ("notifications", 2)]
    );
    assert_eq!(of_owner["emails"][0]["to"], address(owner.id));
    assert_eq!(of_owner["email_preferences"][0]["messages"], "weekly");
    assert_eq!(of_owner["emails_not_sent_yet"][0]["template"], "new-follower");
    let of_other = kept(&app, requester).await;
    assert!(of_other.values().all(Vec::is_empty), "{of_other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_come_in_parts() {
    let (app, owner, _) = told().await;
    app.world
        .db
        .execute(&format!(
            "INSERT INTO notifications (user_id, event_id, type, title) SELECT {}, gen_random_uuid(), 'welcome', 'x' FROM generate_series(1, 450)",
            owner.id
        ))
        .await;
    assert_eq!(kept(&app, owner.id).await["notifications"].len(), 452);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_accounts_may_ask() {
    let (app, owner, _) = told().await;
    let keeper = keeper(&app, Service::Pitches);
    let mut parts = Box::pin(keeper.export(owner.id));
    let refused = parts.next().await.unwrap().unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_leaves_no_name_and_no_address() {
    let (app, owner, _) = told().await;
    app.emit(&UserDeleted { user_id: owner.id }).await;
    let world = app.drained().await;
    for table in ["notifications", "email_requests", "email_preferences"] {
        assert_eq!(
            world.number(&format!("SELECT count(*) FROM {table} WHERE user_id = {}", owner.id)).await,
            0,
            "{table}"
        );
    }
    let mail =
        "SELECT concat_ws(' ', to_email, html_content, text_content, status, template) FROM email_queue";
    assert_eq!(world.text(mail).await, format!("user-{}@deleted.invalid sent nda-requested", owner.id));
    let named = format!(
        "SELECT count(*) FROM email_queue AS q WHERE q::text LIKE '%{}%' OR q::text LIKE '%Alex%'",
        address(owner.id)
    );
    assert_eq!(world.number(&named).await, 0);
}
