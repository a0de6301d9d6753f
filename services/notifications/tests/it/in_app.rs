use diesel::sql_query;
use diesel_async::SimpleAsyncConnection;
use pitchey_events::UserId;
use serde_json::{Value, json};

use crate::app::World;

const LIST: &str = "/api/notifications/list";
const UNREAD: &str = "/api/notifications/unread";

/// `count` notifications of `user`, one a minute; the newest last.
async fn tell(world: &World, user: UserId, count: u32) {
    world
        .db
        .execute(&format!(
            "INSERT INTO notifications (user_id, event_id, type, title, data, created_at)
             SELECT {user}, gen_random_uuid(), 'nda_requested', 'Number ' || n, '{{\"pitchId\": 42}}',
                    now() - interval '1 day' + n * interval '1 minute'
             FROM generate_series(1, {count}) AS n"
        ))
        .await;
}

fn titles(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_newest_first_and_goes_on_by_page_and_by_cursor() {
    let world = World::new().await;
    let user = world.db.creator().await;
    tell(&world, user.id, 25).await;
    let app = world.start().await;
    let get = async |path: &str| app.client.get(path).as_(&user).send().await.ok();
    let first = get(LIST).await;
    assert_eq!((titles(&first).len(), titles(&first)[0]), (20, "Number 25"));
    assert_eq!(
        (&first["unreadCount"], &first["meta"]["total"], &first["meta"]["hasNext"]),
        (&json!(25), &json!(25), &json!(true))
    );
    let row = &first["data"][0];
    assert_eq!(
        (&row["type"], &row["data"], &row["read"], &row["readAt"], &row["body"]),
        (&json!("nda_requested"), &json!({ "pitchId": 42 }), &json!(false), &json!(null), &json!(null))
    );
    let second = get(&format!("{LIST}?page=2")).await;
    assert_eq!(titles(&second), ["Number 5", "Number 4", "Number 3", "Number 2", "Number 1"]);
    let by_cursor = get(&format!("{LIST}?cursor={}", first["meta"]["nextCursor"].as_str().unwrap())).await;
    assert_eq!(titles(&by_cursor), titles(&second));
    assert_eq!(by_cursor["meta"]["hasNext"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_one_is_remembered_once() {
    let world = World::new().await;
    let user = world.db.creator().await;
    tell(&world, user.id, 3).await;
    let app = world.start().await;
    let list = app.client.get(LIST).as_(&user).send().await.ok();
    let path = format!("/api/notifications/{}/read", list["data"][0]["id"]);
    let once = app.client.post(&path).as_(&user).send().await.ok();
    assert_eq!(once["notification"]["read"], true);
    let again = app.client.post(&path).as_(&user).send().await.ok();
    assert_eq!(once, again, "the first reading counts");
    let unread = app.client.get(UNREAD).as_(&user).send().await.ok();
    assert_eq!((titles(&unread), &unread["unreadCount"]), (vec!["Number 2", "Number 1"], &json!(2)));
    assert_eq!(unread["meta"]["total"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_all_leaves_none_unread_but_other_peoples() {
    let world = World::new().await;
    let (user, other) = (world.db.creator().await, world.db.creator().await);
    tell(&world, user.id, 3).await;
    tell(&world, other.id, 2).await;
    let app = world.start().await;
    let read_all = app.client.post("/api/notifications/read-all").as_(&user);
    let answer = read_all.header("idempotency-key", "k1").send().await.ok();
    assert_eq!((&answer["updated"], &answer["unreadCount"]), (&json!(3), &json!(0)));
    let replayed = app
        .client
        .post("/api/notifications/read-all")
        .as_(&user)
        .header("idempotency-key", "k1")
        .send()
        .await;
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    assert_eq!(replayed.ok(), answer);
    let again = app.client.post("/api/notifications/read-all").as_(&user).send().await.ok();
    assert_eq!(again["updated"], 0);
    assert_eq!(app.client.get(UNREAD).as_(&user).send().await.ok()["unreadCount"], 0);
    assert_eq!(app.client.get(UNREAD).as_(&other).send().await.ok()["unreadCount"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_never_see_each_others() {
    let world = World::new().await;
    let (user, other) = (world.db.creator().await, world.db.creator().await);
    tell(&world, user.id, 2).await;
    let app = world.start().await;
    let of_other = app.client.get(LIST).as_(&other).send().await.ok();
    assert_eq!((titles(&of_other), &of_other["unreadCount"]), (vec![], &json!(0)));
    let id = app.world.number("SELECT min(id) FROM notifications").await;
    let path = format!("/api/notifications/{id}/read");
    app.client.post(&path).as_(&other).send().await.refused(404, "notification_not_found");
    app.client
        .post("/api/notifications/999999/read")
        .as_(&user)
        .send()
        .await
        .refused(404, "notification_not_found");
    app.client.post("/api/notifications/one/read").as_(&user).send().await.refused(404, "not_found");
    assert_eq!(app.client.get(UNREAD).as_(&user).send().await.ok()["unreadCount"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_shows_a_user_only_his_own_rows() {
    let world = World::new().await;
    let (user, other) = (world.db.creator().await, world.db.creator().await);
    for id in [user.id, other.id] {
        tell(&world, id, 2).await;
        world.db.execute(&format!("INSERT INTO email_preferences (user_id) VALUES ({id})")).await;
    }
    let mut connection = world.db.connect_as("pitchey_notifications").await;
    for table in ["notifications", "email_preferences"] {
        let mut count = async |uid: &str| {
            use diesel_async::RunQueryDsl;

            #[derive(diesel::QueryableByName)]
            struct Count {
                #[diesel(sql_type = diesel::sql_types::Array<diesel::sql_types::Integer>)]
                users: Vec<i32>,
            }
            connection.batch_execute(&format!("SELECT set_config('app.uid', '{uid}', false)")).await.unwrap();
            let rows = sql_query(format!(
                "SELECT coalesce(array_agg(DISTINCT user_id), '{{}}') AS users FROM {table}"
            ));
            rows.get_result::<Count>(&mut connection).await.unwrap().users
        };
        assert_eq!(count("").await, Vec::<i32>::new(), "nobody sees nothing in {table}");
        assert_eq!(count(&user.id.to_string()).await, [user.id.0], "{table}");
        assert_eq!(count(&other.id.to_string()).await, [other.id.0], "{table}");
    }
    for table in ["email_queue", "email_requests", "email_events", "email_suppressions"] {
        let read = connection.batch_execute(&format!("SELECT FROM {table}")).await;
        assert!(read.unwrap_err().to_string().contains("permission denied"), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_page_is_refused() {
    let world = World::new().await;
    let user = world.db.creator().await;
    let app = world.start().await;
    for (query, field) in [("page=0", "page"), ("limit=x", "limit"), ("cursor=zzz", "cursor")] {
        let answer = app.client.get(&format!("{LIST}?{query}")).as_(&user).send().await;
        let answer = answer.refused(400, "validation_failed");
        assert_eq!(answer["validation_errors"][0]["field"], field, "{answer}");
    }
    for path in [LIST, UNREAD] {
        app.client.get(path).send().await.refused(401, "unauthenticated");
        app.client.post(path).as_(&user).send().await.refused(405, "method_not_allowed");
    }
    app.client.post("/api/notifications/read-all").send().await.refused(401, "unauthenticated");
    app.client.post("/api/notifications/1/read").send().await.refused(401, "unauthenticated");
}
