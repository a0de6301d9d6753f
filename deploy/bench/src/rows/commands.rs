use std::sync::Arc;

use http::Method;
use pitchey_events::Service;
use serde_json::json;

use crate::Scale;
use crate::data::{Data, Person, pitch};
use crate::load::{Client, Outgoing, closed, request};
use crate::pgbench::{self, Script};
use crate::platform::{Platform, sign};
use crate::report::{Goal, Line, Report, rate};
use crate::rows::published;
use crate::stats::abba;

/// Fewer than the service has connections. The script of NDA requests knows it, too.
const CONCURRENCY: usize = 8;
/// More than any run of pgbench makes.
const PAIRS_A_RUN: usize = 4_000;
const CREATE: &str = include_str!("../../sql/create_pitch.sql");
const REQUEST: &str = include_str!("../../sql/request_nda.sql");

/// What a script of pgbench is told, by name.
type Variables = Vec<(&'static str, String)>;

/// Who sends what: the person, path and body of one command.
type Command = (Person, &'static str, String);

/// What follows from their events is told by other services, each at its own pace: it would be the load of the next sample.
const FOLLOWERS: [Service; 2] = [Service::Notifications, Service::Messaging];

pub async fn measure(platform: &mut Platform, data: &Data, scale: Scale, report: &mut Report) {
    report.section("Commands");
    for service in FOLLOWERS {
        platform.stop(service).await;
    }
    commands(platform, data, scale, report).await;
    for service in FOLLOWERS {
        platform.start(service).await;
    }
}

async fn commands(platform: &Platform, data: &Data, scale: Scale, report: &mut Report) {
    let creators = Arc::clone(&data.creators);
    let create = move |number: u64| {
        let creator = &creators[number as usize % creators.len()];
        (creator.clone(), "/api/pitches", pitch(&format!("Number {number}")))
    };
    let made = data
        .admin
        .query_one(
            "select short_synopsis, long_synopsis, content, response::text from pitches join pitch_versions on pitch_id = id
             join idempotency_keys on (response -> 'pitch' ->> 'id')::integer = id and idempotency_keys.status = 201 limit 1",
            &[],
        )
        .await
        .unwrap();
    let floor = |_| {
        vec![
            ("first_creator", data.creators[0].actor.id.to_string()),
            ("creators", data.creators.len().to_string()),
            ("synopsis", made.get(0)),
            ("long", made.get(1)),
            ("content", made.get(2)),
            ("response", made.get(3)),
        ]
    };
    command((platform, data), "create a pitch", create, (CREATE, &floor), scale, report).await;

    let all = data.clone();
    let ask = move |_| {
        let (person, pitch) = all.next_request();
        (person.clone(), "/api/ndas/request", json!({ "pitchId": pitch, "message": "May I?" }).to_string())
    };
    let gateway = Client::new(platform.address(Service::Gateway));
    let (person, path, body) = ask(0);
    let answer =
        gateway.send(request(Method::POST, path, Some(&person.token), body)).await.json().to_string();
    let floor = |run: usize| {
        vec![
            ("i", "-1".to_owned()),
            ("first_pair", (run * PAIRS_A_RUN).to_string()),
            ("first_investor", data.investors[0].actor.id.to_string()),
            ("investors", data.investors.len().to_string()),
            ("first_pitch", data.floor_pitches.0.to_string()),
            ("first_owner", data.floor_pitches.1.to_string()),
            ("response", answer.clone()),
        ]
    };
    command((platform, data), "request an NDA", ask, (REQUEST, &floor), scale, report).await;
}

async fn command(
    (platform, data): (&Platform, &Data),
    what: &str,
    make: impl Fn(u64) -> Command + Clone + Send + Sync + 'static,
    (sql, floor): (&str, &dyn Fn(usize) -> Variables),
    scale: Scale,
    report: &mut Report,
) {
    let url = platform.setting("PITCHES_DATABASE__USER_URL").to_owned();
    let mut runs = 0;
    let samples = abba(scale.pairs, 3, async |which| {
        published(data).await;
        let (make, signer) = (make.clone(), platform.signer());
        match which {
            0 => {
                let direct = move |number| -> Outgoing {
                    let (person, path, body) = make(number);
                    let mut request = request(Method::POST, path, None, body);
                    // The gateway makes one for who sends none.
                    let key = format!("bench-{number}").parse().unwrap();
                    request.headers_mut().insert("idempotency-key", key);
                    sign(&signer, Service::Pitches, &person.actor, request)
                };
                closed(platform.address(Service::Pitches), CONCURRENCY, scale.sample, direct).await.rate()
            }
            1 => {
                let through = move |number| {
                    let (person, path, body) = make(number);
                    request(Method::POST, path, Some(&person.token), body)
                };
                closed(platform.address(Service::Gateway), CONCURRENCY, scale.sample, through).await.rate()
            }
            _ => {
                runs += 1;
                let script = Script { sql, variables: &floor(runs - 1) };
                pgbench::run(&url, &script, CONCURRENCY, scale.sample).await
            }
        }
    })
    .await;
    for (which, door) in [(0, "at the service's door"), (1, "through the gateway")] {
        report.line(Line::paired(
            format!("{what}, {door}"),
            rate,
            &samples[which],
            ("pgbench, the same SQL", &samples[2]),
            Some(Goal::AtLeast(0.6)),
        ));
    }
}
