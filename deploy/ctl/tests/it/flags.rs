//! `ctl flags`: what is switched, by whom, and why.

use pitchey_testkit::TestDatabase;

use crate::database::{count, ctl, said};

fn set(db: &TestDatabase, arguments: &[&str]) -> (i32, String) {
    let arguments = [&["flags", "set", "charge_credits"], arguments].concat();
    let output = ctl(db, &arguments, &[("USER", "ann")]);
    (output.status.code().unwrap(), said(&output))
}

#[tokio::test]
async fn a_flag_is_switched_and_shown() {
    let db = TestDatabase::create().await;
    let user = db.investor().await.id.to_string();
    let list = || said(&ctl(&db, &["flags", "list"], &[]));
    assert!(list().starts_with("charge_credits: on, as nobody has set it\n"), "{}", list());

    for (arguments, state) in [
        (vec!["--off"], "off".to_owned()),
        (vec!["--on", "--share", "20"], "on for 20 % of users".to_owned()),
        (vec!["--user", &user, "off"], format!("on for 20 % of users; own settings: {user} off")),
        (vec!["--user", &user, "default", "--share", "100"], "on".to_owned()),
    ] {
        let (code, text) = set(&db, &[arguments.as_slice(), &["--reason", "a weekend"]].concat());
        assert_eq!((code, text), (0, format!("charge_credits: {state}\n")));
        assert!(list().starts_with(&format!("charge_credits: {state}\n    since ")), "{}", list());
    }
    assert!(list().contains(" by ann\n"), "{}", list());
    let (code, text) = set(&db, &["--on", "--reason", "again"]);
    assert_eq!((code, text.as_str()), (0, "charge_credits: it is so already; nothing changed\n"));

    for (what, times) in [
        ("audit_log WHERE action = 'feature_flag.switched' AND new_values ->> 'by' = 'ann'", 4),
        ("outbox WHERE event_type = 'feature_flag.changed.v1' AND producer = 'accounts'", 4),
    ] {
        assert_eq!(count(&db, &format!("SELECT count(*) FROM {what}")).await, times, "{what}");
    }
    db.execute(
        "INSERT INTO feature_flags (key, description, enabled, updated_by) VALUES ('older', 'Did something.', false, 'bob')",
    )
    .await;
    assert!(list().contains("older: off\n"), "{}", list());
    assert!(list().contains("Unknown to this program. Did something."), "{}", list());
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let db = TestDatabase::create().await;
    for (arguments, why) in [
        (&["--reason", "nothing"][..], "required"),
        (&["--off"], "--reason"),
        (&["--on", "--off", "--reason", "both"], "cannot be used with"),
        (&["--share", "101", "--reason", "too much"], "101"),
        (&["--user", "999999", "on", "--reason", "nobody"], "there is no user 999999"),
        (&["--user", "ann", "on", "--reason", "a name"], "--user takes the id"),
        (&["--user", "1", "maybe", "--reason", "neither"], "--user takes the id"),
    ] {
        let (code, text) = set(&db, arguments);
        assert!(code == 2 && text.contains(why), "{arguments:?}: {code} {text}");
    }
    let unknown = ctl(&db, &["flags", "set", "free_beer", "--on", "--reason", "x", "--by", "ann"], &[]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(said(&unknown).contains("there are: charge_credits"), "{}", said(&unknown));
    let nobody = ctl(&db, &["flags", "set", "charge_credits", "--on", "--reason", "x"], &[]);
    assert!(nobody.status.code() == Some(2) && said(&nobody).contains("--by"), "{}", said(&nobody));
    assert_eq!(count(&db, "SELECT count(*) FROM feature_flags").await, 0);
}
