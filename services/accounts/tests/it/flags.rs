//! Feature flags: operators switch them, everybody is told.

use chrono::{DateTime, SubsecRound, Utc};
use diesel_async::SimpleAsyncConnection;
use pitchey_accounts::flags::{self, Change, NotSwitched, Operator};
use pitchey_clock::Clock;
use pitchey_db::{Databases, Tx};
use pitchey_events::{FeatureFlagChanged, UserDeleted, UserId};
use pitchey_flags::Flag;
use pitchey_rpc::proto::accounts::FeatureFlag;
use serde_json::{Value, json};

use crate::app::App;

const FLAG: Flag = Flag::ChargeCredits;
const ANN: Operator<'_> = Operator { name: "ann", reason: "a weekend for free" };

/// A transaction of the owner of the tables, as the operator's tool opens it.
async fn owner(app: &App) -> Tx {
    let url = app.db.admin_url();
    let settings = pitchey_db::Database {
        user_url: url.clone().into(),
        system_url: url.into(),
        user_pool: 1,
        system_pool: 1,
        wait_ms: 5_000,
        trust: Default::default(),
    };
    let mut tx = Databases::open(&settings).await.unwrap().system.begin().await.unwrap();
    tx.batch_execute("SET LOCAL ROLE pitchey_owner").await.unwrap();
    tx
}

fn now() -> DateTime<Utc> {
    Clock::system().now().trunc_subsecs(0)
}

async fn switched(app: &App, change: Change) -> i64 {
    let mut tx = owner(app).await;
    let (row, _) = flags::switch(&mut tx, FLAG, &change, ANN, now()).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let told: FeatureFlagChanged = app.emitted.take().await;
    assert_eq!((told.flag.as_str(), told.version), ("charge_credits", row.version));
    row.version
}

fn off() -> Change {
    Change { enabled: Some(false), ..Change::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_is_told_and_in_the_audit_log() {
    let app = App::start().await;
    let (ada, bob) = (app.register("creator", "ada").await.id, app.register("investor", "bob").await.id);
    assert_eq!(app.gateway.feature_flags().await.unwrap(), [], "nobody has set anything");

    assert_eq!(switched(&app, Change { share: Some(20), ..Change::default() }).await, 1);
    let users = vec![(ada, Some(true)), (bob, Some(false))];
    assert_eq!(switched(&app, Change { users, ..off() }).await, 2);
    let mut expected = FeatureFlag {
        key: "charge_credits".to_owned(),
        enabled: false,
        share: 20,
        on_for: vec![ada.0],
        off_for: vec![bob.0],
    };
    assert_eq!(app.gateway.feature_flags().await.unwrap(), [expected.clone()]);
    let users = vec![(ada, None), (bob, Some(true))];
    assert_eq!(switched(&app, Change { users, ..Change::default() }).await, 3);
    (expected.on_for, expected.off_for) = (vec![bob.0], vec![]);
    assert_eq!(app.gateway.feature_flags().await.unwrap(), [expected]);

    let second = async |column: &str| -> Value {
        let sql = format!(
            "SELECT {column} FROM audit_log WHERE action = 'feature_flag.switched' AND entity_key = 'charge_credits'
             ORDER BY id OFFSET 1 LIMIT 1"
        );
        serde_json::from_str(&app.text(&sql).await.unwrap()).unwrap()
    };
    let users = |on: [Option<bool>; 2]| json!({ ada.to_string(): on[0], bob.to_string(): on[1] });
    assert_eq!(
        second("old_values").await,
        json!({ "enabled": true, "share": 20, "users": users([None, None]) })
    );
    assert_eq!(
        second("new_values").await,
        json!({
            "enabled": false, "share": 20, "users": users([Some(true), Some(false)]),
            "by": "ann", "reason": "a weekend for free",
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_nothing_leaves_nothing() {
    let app = App::start().await;
    for nothing in
        [Change::default(), Change { enabled: Some(true), share: Some(100), users: vec![(UserId(1), None)] }]
    {
        let mut tx = owner(&app).await;
        assert_eq!(flags::switch(&mut tx, FLAG, &nothing, ANN, now()).await.unwrap(), None);
    }
    let mut tx = owner(&app).await;
    let nobody = Change { users: vec![(UserId(999_999), Some(true))], ..off() };
    let refused = flags::switch(&mut tx, FLAG, &nobody, ANN, now()).await;
    assert!(matches!(refused, Err(NotSwitched::NoSuchUser(UserId(999_999)))), "{refused:?}");
    let mut tx = owner(&app).await;
    let too_much = Change { share: Some(101), ..Change::default() };
    let refused = flags::switch(&mut tx, FLAG, &too_much, ANN, now()).await;
    assert!(matches!(refused, Err(NotSwitched::NoShare)), "{refused:?}");
    assert_eq!(app.count("feature_flags").await, 0);
    assert_eq!(app.actions().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_at_once_change_one_after_the_other() {
    let app = App::start().await;
    let switches = (1..=8).map(|share| {
        let app = &app;
        async move {
            let mut tx = owner(app).await;
            let change = Change { share: Some(share), ..Change::default() };
            let (row, _) = flags::switch(&mut tx, FLAG, &change, ANN, now()).await.unwrap().unwrap();
            tx.commit().await.unwrap();
            row.version
        }
    });
    let mut versions = futures_util::future::join_all(switches).await;
    versions.sort_unstable();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7, 8]);
    app.emitted.ignore::<FeatureFlagChanged>();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_itself_can_not_switch_anything() {
    let app = App::start().await;
    switched(&app, off()).await;
    for role in ["pitchey_accounts", "pitchey_accounts_system"] {
        for change in [
            "UPDATE feature_flags SET enabled = true",
            "INSERT INTO feature_flags (key, description, enabled, updated_by) VALUES ('x', '', true, 'x')",
            "DELETE FROM feature_flags",
            "INSERT INTO feature_flag_users (flag, user_id, enabled) VALUES ('charge_credits', 1, true)",
        ] {
            let refused = app.db.connect_as(role).await.batch_execute(change).await.unwrap_err().to_string();
            assert!(refused.contains("permission denied"), "{role}: {change}: {refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_has_no_setting_and_unknown_flags_do_no_harm() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    switched(&app, Change { users: vec![(ada.actor.id, Some(false))], ..Change::default() }).await;
    app.db
        .execute("INSERT INTO feature_flags (key, description, enabled, updated_by) VALUES ('of_a_later_release', '', true, 'x')")
        .await;
    let known: Vec<_> = app.gateway.feature_flags().await.unwrap().into_iter().map(|flag| flag.key).collect();
    assert_eq!(known, ["charge_credits", "of_a_later_release"]);

    app.db.execute("UPDATE users SET deleted_at = now() - interval '15 days', is_active = false").await;
    app.tidy().await;
    app.emitted.take::<UserDeleted>().await;
    app.emitted.ignore::<pitchey_events::UserChanged>();
    assert_eq!(app.count("feature_flag_users").await, 0);
}
