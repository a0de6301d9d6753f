#![doc = include_str!("../README.md")]

mod ask;

pub use ask::{Answer, ask_at};

use std::process::ExitCode;

use pitchey_clock::Clock;
use pitchey_config::{Described, Mode, Settings};
use pitchey_events::Service;
use pitchey_telemetry::Telemetry;
use tokio::signal::unix::{SignalKind, signal};

/// Why a service did not start.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A service that runs: its doors are open.
pub trait Process: Sized + Send + 'static {
    /// Which one.
    const SERVICE: Service;
    /// What it reads from the environment.
    type Settings: Settings + Send;

    /// Opens its doors, in the order in which it can keep its promises.
    fn start(settings: Self::Settings, clock: Clock) -> impl Future<Output = Result<Self, Failed>> + Send;

    /// Closes its doors in the reverse order; what is in flight ends first.
    fn stop(self) -> impl Future<Output = ()> + Send;
}

pitchey_config::settings! {
    /// What every process reads.
    struct Common {
        /// `production` or `development`.
        mode: Mode = Mode::Production,
        /// Logs, traces.
        telemetry: Telemetry,
    }
}

/// Every setting of `P`, its defaults and what it means.
pub fn describe<P: Process>() -> Vec<Described> {
    let name = P::SERVICE.as_str();
    let mut settings = pitchey_config::describe::<P::Settings>(name);
    for common in pitchey_config::describe::<Common>(name) {
        if !settings.iter().any(|setting| setting.variable == common.variable) {
            settings.push(common);
        }
    }
    settings
}

/// Makes ring the TLS of this process, as the build has no other. Whoever makes HTTP clients needs it once, first.
pub fn choose_tls() {
    // It fails only where there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The whole life of a service's process; called as `<program> ask /health`, that of one that asks it.
#[expect(clippy::print_stderr, reason = "there is no log before there are settings")]
pub fn launch<P: Process>() -> ExitCode {
    let name = P::SERVICE.as_str();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => serve::<P>(name),
        ["ask", path] if path.starts_with('/') => ask::ask(name, path),
        _ => {
            eprintln!(
                "usage: pitchey-{name}             serve\n       pitchey-{name} ask /PATH   GET it from the one that serves here"
            );
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stderr, reason = "there is no log before there are settings")]
fn serve<P: Process>(name: &'static str) -> ExitCode {
    choose_tls();
    let (common, settings) =
        match (pitchey_config::load::<Common>(name), pitchey_config::load::<P::Settings>(name)) {
            (Ok(common), Ok(settings)) => (common, settings),
            (common, settings) => {
                for invalid in [common.err(), settings.err()].into_iter().flatten() {
                    eprintln!("{name}: {invalid}");
                }
                return ExitCode::from(2);
            }
        };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{name}: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        let _telemetry = match pitchey_telemetry::init(name, common.mode, &common.telemetry) {
            Ok(guard) => guard,
            Err(error) => {
                eprintln!("{name}: {error}");
                return ExitCode::from(2);
            }
        };
        match live::<P>(settings).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(%error, "{name} could not start");
                ExitCode::FAILURE
            }
        }
    })
}

async fn live<P: Process>(settings: P::Settings) -> Result<(), Failed> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let started = tokio::select! {
        started = P::start(settings, Clock::system()) => started?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    tracing::info!("{} is up", P::SERVICE);
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    tracing::info!("{} is draining", P::SERVICE);
    tokio::select! {
        () = started.stop() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
