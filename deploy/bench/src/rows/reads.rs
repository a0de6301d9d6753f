use http::Method;
use pitchey_events::Service;

use crate::Scale;
use crate::cpu::used;
use crate::data::Data;
use crate::load::{closed, request};
use crate::platform::Platform;
use crate::report::{Line, Report, cpu, rate};
use crate::stats::{Spread, abba};

const CONCURRENCY: usize = 16;

pub async fn measure(platform: &Platform, data: &Data, scale: Scale, report: &mut Report) {
    report.section("Reading a pitch through the gateway");
    let pitch = data.pitches[0];
    // The first investor has signed for the first pitch.
    let reads = [
        ("list, no session", "/api/pitches/public".to_owned(), None),
        ("public part, no session", format!("/api/pitches/public/{pitch}"), None),
        (
            "public part, session without an NDA",
            format!("/api/pitches/{pitch}"),
            Some(&data.investors[1].token),
        ),
        (
            "protected part, session with a signed NDA",
            format!("/api/pitches/{pitch}"),
            Some(&data.investors[0].token),
        ),
    ];
    let processes = platform.processes(&[Service::Gateway, Service::Accounts, Service::Pitches]);
    let samples = abba(scale.pairs, reads.len(), async |read| {
        let (_, path, token) = &reads[read];
        let template = request(Method::GET, path, token.map(String::as_str), "");
        let before = used(&processes);
        let done =
            closed(platform.address(Service::Gateway), CONCURRENCY, scale.sample, move |_| template.clone())
                .await;
        (done.rate(), (used(&processes) - before).as_secs_f64() * 1e6 / done.answers as f64)
    })
    .await;
    for ((what, ..), samples) in reads.iter().zip(samples) {
        let (rates, costs): (Vec<f64>, Vec<f64>) = samples.into_iter().unzip();
        let (rates, costs) = (Spread::of(&rates), Spread::of(&costs));
        report.line(Line::value(
            *what,
            format!(
                "{} ({:.0} to {:.0}), {} a request",
                rate(rates.median),
                rates.q1,
                rates.q3,
                cpu(costs.median)
            ),
        ));
    }
    report.note("CPU is that of gateway, accounts, pitches and Postgres.");
}
