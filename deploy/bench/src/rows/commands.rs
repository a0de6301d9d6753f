use std::sync::Arc;

use http::Method;
use pitchey_events::Service;
use serde_json::json;

use crate::Scale;
use crate::data::{Data, Person, pitch};
use crate::load::{Outgoing, closed, request};
use crate::pgbench::{self, Script};
use crate::platform::{Platform, sign};
use crate::report::{Goal, Line, Report, rate};
use crate::stats::abba;

const CONCURRENCY: usize = 8;
const CREATE: &str = include_str!("../../sql/create_pitch.sql");
const REQUEST: &str = include_str!("../../sql/request_nda.sql");

/// Who sends what: the person, path and body of one command.
type Command = (Person, &'static str, String);

pub async fn measure(platform: &Platform, data: &Data, scale: Scale, report: &mut Report) {
    report.section("Commands");
    let creators = Arc::clone(&data.creators);
    let create = move |number: u64| {
        let creator = &creators[number as usize % creators.len()];
        (creator.clone(), "/api/pitches", pitch(&format!("Number {number}")))
    };
    let range = (data.creators[0].actor.id.0, data.creators.len());
    let variables = [("first_creator", range.0.to_string()), ("creators", range.1.to_string())];
    command(platform, "create a pitch", create, &Script { sql: CREATE, variables: &variables }, scale, report).await;

    let all = data.clone();
    let ask = move |_| {
        let (person, pitch) = all.next_request();
        (person.clone(), "/api/ndas/request", json!({ "pitchId": pitch, "message": "May I?" }).to_string())
    };
    let variables = [("first_investor", data.investors[0].actor.id.0.to_string())];
    command(platform, "request an NDA", ask, &Script { sql: REQUEST, variables: &variables }, scale, report).await;
}

async fn command(
    platform: &Platform,
    what: &str,
    make: impl Fn(u64) -> Command + Clone + Send + Sync + 'static,
    floor: &Script<'_>,
    scale: Scale,
    report: &mut Report,
) {
    let url = platform.setting("PITCHES_DATABASE__USER_URL").to_owned();
    let samples = abba(scale.pairs, 3, async |which| {
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
            _ => pgbench::run(&url, floor, CONCURRENCY, scale.sample).await,
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
