//! Who may do what: every route, asked by everybody.

mod requests;
mod table;

use std::collections::BTreeSet;

use pitchey_system_tests::{Person, Platform};

use crate::world::{Cast, World};
use requests::ask;
use table::Row;

/// Of anonymous, viewer, another creator, the owner, the requester, another investor, an admin.
type Statuses = [u16; 7];

/// Asks everything in `rows` as everybody.
async fn walk(rows: &[Row]) {
    let platform = Platform::start().await;
    let cast = Cast::assemble(&platform).await;
    let mut wrong = Vec::new();
    for (route, given, statuses) in rows {
        let mut world = World::build(&platform, &cast, *given).await;
        for (name, person, expected) in everybody(&cast, statuses) {
            let answer = ask(&platform, &cast, route, world, person).await;
            if answer.status != expected {
                wrong.push(format!("{route} ({given:?}) by {name}: {expected} expected: {answer}"));
            }
            // What may have changed something is built anew for the next.
            if answer.status < 300 && !route.starts_with("GET") {
                world = World::build(&platform, &cast, *given).await;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of the matrix:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn accounts_answers_everybody_as_the_rule_book_says() {
    walk(table::ACCOUNTS).await;
}

#[tokio::test]
async fn pitches_answers_everybody_as_the_rule_book_says() {
    walk(table::PITCHES).await;
}

#[tokio::test]
async fn people_answer_everybody_as_the_rule_book_says() {
    walk(table::PEOPLE).await;
}

#[tokio::test]
async fn ndas_answer_everybody_as_the_rule_book_says() {
    walk(table::NDAS).await;
}

#[tokio::test]
async fn payments_answer_everybody_as_the_rule_book_says() {
    walk(table::PAYMENTS).await;
}

#[tokio::test]
async fn messages_answer_everybody_as_the_rule_book_says() {
    walk(table::MESSAGES).await;
}

#[tokio::test]
async fn analytics_answers_everybody_as_the_rule_book_says() {
    walk(table::ANALYTICS).await;
}

#[tokio::test]
async fn files_answer_everybody_as_the_rule_book_says() {
    walk(table::FILES).await;
}

#[tokio::test]
async fn the_rest_answers_everybody_as_the_rule_book_says() {
    walk(table::REST).await;
}

fn everybody<'a>(cast: &'a Cast, statuses: &Statuses) -> [(&'static str, Option<&'a Person>, u16); 7] {
    let [anonymous, viewer, creator, owner, requester, stranger, admin] = *statuses;
    [
        ("anonymous", None, anonymous),
        ("the viewer", Some(&cast.viewer), viewer),
        ("another creator", Some(&cast.creator), creator),
        ("the stranger", Some(&cast.stranger), stranger),
        ("the admin", Some(&cast.admin), admin),
        ("the owner", Some(&cast.owner), owner),
        ("the requester", Some(&cast.requester), requester),
    ]
}

/// The table has every route of the merged OpenAPI document.
#[tokio::test]
async fn no_route_is_missing() {
    let platform = Platform::start().await;
    let document = platform.gateway().get("/api/openapi.json").send().await.ok();
    let mut routes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().unwrap().keys() {
            if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                routes.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let table: BTreeSet<_> =
        table::ALL.iter().flat_map(|rows| rows.iter()).map(|(route, ..)| (*route).to_owned()).collect();
    let missing: Vec<_> = routes.difference(&table).collect();
    assert!(missing.is_empty(), "routes that the matrix does not have: {missing:#?}");
}
