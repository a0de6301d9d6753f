use std::net::SocketAddr;

use http::Method;
use pitchey_events::Service;

use crate::Scale;
use crate::cpu::{Processes, used};
use crate::data::Data;
use crate::load::{closed, request};
use crate::nginx::{Nginx, ensure};
use crate::platform::Platform;
use crate::report::{Goal, Line, Report, cpu};
use crate::stats::{Spread, abba};
use crate::upstream;

const CONCURRENCY: usize = 16;
const READ: &str = "/api/analytics/user";
const WRITE: &str = "/api/analytics/track";

/// One way to the bare handler.
struct Way {
    address: SocketAddr,
    token: Option<String>,
    /// What stands in between.
    between: Vec<Processes>,
}

pub async fn measure(platform: &Platform, data: &Data, scale: Scale, report: &mut Report) {
    report.section("Gateway hop: CPU a request");
    let Some(program) = ensure() else {
        report.note("Not measured: there is no nginx, and Debian's could not be fetched.");
        return;
    };
    let nginx = Nginx::start(&program, platform.upstream.address);
    let address = platform.address(Service::Gateway);
    let session = data.creators[0].token.clone();
    let ours = platform.processes(&[Service::Gateway, Service::Accounts]);
    let ways = [
        Way { address: platform.upstream.address, token: None, between: Vec::new() },
        Way { address: nginx.address, token: None, between: vec![Processes::Tree(nginx.pid())] },
        Way { address, token: None, between: ours.clone() },
        Way { address, token: Some(session), between: ours },
    ];
    for (method, path) in [(Method::GET, READ), (Method::POST, WRITE)] {
        let samples = abba(scale.pairs, ways.len(), async |way| {
            sample(&ways[way], Processes::One(platform.upstream.pid()), &method, path, scale).await
        })
        .await;
        let between: Vec<Vec<f64>> =
            samples.iter().map(|way| way.iter().map(|sample| sample.between).collect()).collect();
        let total: Vec<Vec<f64>> =
            samples.iter().map(|way| way.iter().map(|sample| sample.total).collect()).collect();
        let rates: Vec<f64> = samples
            .iter()
            .map(|way| Spread::of(&way.iter().map(|sample| sample.rate).collect::<Vec<_>>()).median)
            .collect();
        report.line(Line::value(
            format!("{method}: bare handler, called directly"),
            format!("{} at {:.0} /s", cpu(Spread::of(&total[0]).median), rates[0]),
        ));
        for (way, what, goal) in [(2, "no session", 1.5), (3, "session", 2.0)] {
            report.line(Line::paired(
                format!("{method}: gateway, {what} ({:.0} /s)", rates[way]),
                cpu,
                &between[way],
                (&format!("nginx ({:.0} /s)", rates[1]), &between[1]),
                Some(Goal::AtMost(goal)),
            ));
        }
        for (way, what) in [(2, "no session"), (3, "session")] {
            report.line(Line::paired(
                format!("{method}: gateway, {what}, and handler"),
                cpu,
                &total[way],
                ("nginx and handler", &total[1]),
                None,
            ));
        }
    }
}

#[derive(Clone, Copy)]
struct Sample {
    /// CPU of what stands in between, a request, in microseconds.
    between: f64,
    /// The same with the handler.
    total: f64,
    rate: f64,
}

async fn sample(way: &Way, handler: Processes, method: &Method, path: &'static str, scale: Scale) -> Sample {
    let body = if method == Method::POST { upstream::body() } else { String::new() };
    let template = request(method.clone(), path, way.token.as_deref(), body);
    let (between, behind) = (used(&way.between), used(&[handler]));
    let done = closed(way.address, CONCURRENCY, scale.sample, move |_| template.clone()).await;
    let each = |spent: std::time::Duration| spent.as_secs_f64() * 1e6 / done.answers as f64;
    let between = each(used(&way.between) - between);
    Sample { between, total: between + each(used(&[handler]) - behind), rate: done.rate() }
}
