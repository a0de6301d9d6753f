use chrono::TimeDelta;
use pitchey_events::{ClientEvent, PitchOpened, Report, Tracked, View};
use serde_json::{Value, json};

use crate::app::{App, view};

const PATH: &str = "/api/export";

#[tokio::test(flavor = "multi_thread")]
async fn own_numbers_are_had_as_csv_or_json() {
    let app = App::alone().await;
    let (owner, viewer) = (app.db.creator().await, app.db.investor().await);
    let (one, two) = (app.pitch(owner.id).await, app.pitch(owner.id).await);
    let now = app.clock.now();
    // More than one piece of the file.
    let mut items: Vec<View> =
        (0..1_100).map(|n| view(one, viewer.id, now - TimeDelta::minutes(31 * n))).collect();
    items.push(View { seconds: Some(7), ..view(two, viewer.id, now) });
    app.deliveries.deliver(&PitchOpened { items }).await;

    let answer = app.client.post(PATH).as_(&owner).json(&json!({})).send().await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(answer.header("content-disposition").unwrap().contains("pitchey-export.csv"));
    let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "at,pitchId,viewerId,viewerType,source,seconds,protected");
    assert_eq!(lines.len(), 1 + 1_101, "every view once, and the names of the columns");
    assert!(
        lines.last().unwrap().ends_with(&format!(",{two},{},investor,direct,7,false", viewer.id)),
        "{:?}",
        lines.last()
    );

    let wanted = json!({ "format": "json", "pitchId": two, "timeframe": "7d" });
    let rows = app.client.post(PATH).as_(&owner).json(&wanted).send().await.ok();
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]["seconds"]), (1, &json!(7)), "{rows}");
    let wanted = json!({ "type": "days", "format": "json" });
    let days = app.client.post(PATH).as_(&owner).json(&wanted).send().await.ok();
    let sum: i64 = days.as_array().unwrap().iter().map(|day| day["views"].as_i64().unwrap()).sum();
    assert_eq!(sum, 1_101);
    let none = app.client.post(PATH).as_(&viewer).json(&json!({ "format": "json" })).send().await.ok();
    assert_eq!(none, json!([]));
    assert_eq!(app.number("SELECT count(*) FROM audit_log WHERE action = 'analytics.exported'").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spreadsheet_takes_a_text_for_a_formula() {
    let app = App::alone().await;
    let user = app.db.viewer().await;
    let event = ClientEvent {
        user_id: Some(user.id),
        at: app.clock.now(),
        event_type: "=cmd()".to_owned(),
        category: None,
        action: None,
        label: Some("a,\"b\"".to_owned()),
        value: None,
        session_id: None,
        pitch_id: None,
        data: Some(json!({ "x": 1 })),
        request: None,
        nth: None,
    };
    app.deliveries.deliver(&Tracked { items: vec![Report::Event(event)] }).await;
    let answer =
        app.client.post(PATH).as_(&user).json(&json!({ "type": "activity" })).send().await.expect(200);
    let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
    assert!(
        text.lines().nth(1).unwrap().contains(",'=cmd(),,,\"a,\"\"b\"\"\",,\"{\"\"x\"\":1}\",,,client"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_or_not_ones_own_is_refused() {
    let app = App::alone().await;
    let (owner, other) = (app.db.creator().await, app.db.creator().await);
    let pitch = app.pitch(owner.id).await;
    let post = async |body: Value| app.client.post(PATH).as_(&other).json(&body).send().await;
    post(json!({ "pitchId": pitch })).await.refused(403, "not_the_owner");
    post(json!({ "pitchId": 999_999 })).await.refused(404, "pitch_not_found");
    post(json!({ "format": "xml" })).await.invalid(&["format"]);
    post(json!({ "type": "money" })).await.invalid(&["type"]);
    app.client.post(PATH).json(&json!({})).send().await.refused(401, "unauthenticated");
}
