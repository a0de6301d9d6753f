use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse, fn_service};
use actix_web::{App, HttpResponse, HttpServer, web};
use pitchey_config::Http;
use pitchey_telemetry::Metrics;
use tokio::task::JoinHandle;

use crate::proxy::Worker;
use crate::settings::Settings;
use crate::state::AppState;

/// A server that runs.
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl Started {
    /// Stops accepting, lets requests in flight end, and returns when they have.
    pub async fn drain(self) {
        self.handle.stop(true).await;
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the HTTP server failed"),
            Err(error) => tracing::error!(%error, "the HTTP server panicked"),
        }
    }
}

/// The public door. One route: the table decides.
pub fn public(settings: &Settings, state: AppState) -> std::io::Result<Started> {
    let Http { address, workers, drain_seconds, ref certificate } = settings.http;
    let timeouts = &settings.timeouts;
    let server = HttpServer::new(move || {
        let worker = Rc::new(Worker::new(state.clone()));
        App::new().default_service(fn_service(move |request: ServiceRequest| {
            let worker = Rc::clone(&worker);
            async move {
                let (request, payload) = request.into_parts();
                let answer = worker.answer(request.clone(), payload).await;
                Ok(ServiceResponse::new(request, answer))
            }
        }))
    })
    .workers(workers)
    .max_connections(settings.limits.connections)
    .client_request_timeout(Duration::from_millis(timeouts.head_ms))
    .client_disconnect_timeout(Duration::from_secs(1))
    .keep_alive(Duration::from_millis(timeouts.idle_ms))
    // A client that hangs up is noticed while its answer is being made.
    .h1_allow_half_closed(false)
    .shutdown_timeout(drain_seconds)
    .disable_signals();
    let server = match certificate.server() {
        Some(tls) => server.bind_rustls_0_23(address, tls)?,
        None => server.bind(address)?,
    };
    let address = server.addrs().first().copied().unwrap_or(address);
    let server = server.run();
    tracing::info!(%address, "HTTP");
    Ok(Started { address, handle: server.handle(), task: tokio::spawn(server) })
}

/// The door for operators.
pub fn internal(settings: &Settings) -> std::io::Result<Started> {
    let address = settings.internal.address;
    let server = HttpServer::new(|| {
        App::new().route("/metrics", web::get().to(async || HttpResponse::Ok().body(Metrics.render())))
    })
    .workers(1)
    .shutdown_timeout(1)
    .disable_signals();
    let server = match settings.http.certificate.server() {
        Some(tls) => server.bind_rustls_0_23(address, tls)?,
        None => server.bind(address)?,
    };
    let address = server.addrs().first().copied().unwrap_or(address);
    let server = server.run();
    tracing::info!(%address, "metrics");
    Ok(Started { address, handle: server.handle(), task: tokio::spawn(server) })
}
