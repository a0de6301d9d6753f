use std::collections::BTreeMap;
use std::time::Duration;

use pitchey_events::Service;

use crate::Scale;
use crate::cpu::resident;
use crate::platform::{Platform, SERVICES};
use crate::report::{Line, Report};
use crate::stats::Spread;

/// Long enough for pools and caches to be what they are at rest.
const REST: Duration = Duration::from_secs(2);

/// What each process takes: at rest, and at most after any row.
pub struct Memory {
    idle: BTreeMap<Service, f64>,
    most: BTreeMap<Service, f64>,
}

/// Starts every service; as a row, several times.
pub async fn start(platform: &mut Platform, scale: Scale, report: &mut Report, as_row: bool) -> Memory {
    platform.start_all().await;
    if as_row {
        report.section("Processes: start-up");
        for service in SERVICES {
            let mut took = Vec::new();
            for _ in 0..scale.pairs.min(5) {
                platform.stop(service).await;
                took.push(platform.start(service).await.as_secs_f64() * 1000.0);
            }
            let spread = Spread::of(&took);
            let value = format!("{:.0} ms ({:.0} to {:.0})", spread.median, spread.q1, spread.q3);
            report.line(Line::value(format!("{service}: from exec to healthy"), value));
        }
        tokio::time::sleep(REST).await;
    }
    let idle: BTreeMap<_, _> = SERVICES.map(|service| (service, resident(platform.pid(service)))).into();
    Memory { most: idle.clone(), idle }
}

impl Memory {
    /// Takes note of what they take now.
    pub fn look(&mut self, platform: &Platform) {
        for (service, most) in &mut self.most {
            *most = most.max(resident(platform.pid(*service)));
        }
    }

    /// The row.
    pub fn tell(&self, report: &mut Report) {
        report.section("Processes: resident memory");
        for (service, idle) in &self.idle {
            let most = self.most.get(service).copied().unwrap_or(f64::NAN);
            report.line(Line::value(
                service.to_string(),
                format!("idle {idle:.0} MiB, after load {most:.0} MiB"),
            ));
        }
    }
}
