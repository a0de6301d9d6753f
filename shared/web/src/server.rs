use std::net::SocketAddr;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, web};
use pitchey_clock::Clock;
use pitchey_config::Http;
use pitchey_events::Service;
use pitchey_identity::Verifier;
use pitchey_telemetry::Metrics;
use tokio::task::JoinHandle;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{ErrorBody, Health, health, middleware};

/// A service's HTTP server, before it is started.
pub struct Server<S> {
    /// Which service.
    pub service: Service,
    /// Where to listen.
    pub settings: Http,
    /// Checks who calls.
    pub verifier: Verifier,
    /// The clock of error envelopes.
    pub clock: Clock,
    /// Answers `/health`.
    pub health: Health,
    /// What handlers get as `web::Data<S>`.
    pub state: S,
    /// The service's contents page.
    pub routes: fn(&mut ServiceConfig),
}

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

impl<S: Clone + Send + 'static> Server<S> {
    /// Binds and runs.
    ///
    /// # Errors
    /// The address can't be bound.
    pub fn start(self) -> std::io::Result<Started> {
        let Self { service, settings, verifier, clock, health, state, routes } = self;
        let openapi = web::Data::new(openapi(service, routes));
        let server = HttpServer::new(move || {
            let (app, _) = App::new().into_utoipa_app().configure(routes).split_for_parts();
            app.app_data(web::Data::new(state.clone()))
                .app_data(web::Data::new(verifier.clone()))
                .app_data(web::Data::new(clock.clone()))
                .app_data(web::Data::new(health.clone()))
                .app_data(openapi.clone())
                .app_data(service)
                .route("/health", web::get().to(health::get))
                .route("/metrics", web::get().to(async || HttpResponse::Ok().body(Metrics.render())))
                .route(
                    "/openapi.json",
                    web::get().to(async |openapi: web::Data<OpenApi>| HttpResponse::Ok().json(&**openapi)),
                )
                .default_service(web::to(middleware::unrouted))
                .wrap(from_fn(middleware::detach_writes))
                .wrap(from_fn(middleware::identify))
                .wrap(from_fn(middleware::observe))
        })
        .workers(settings.workers)
        .shutdown_timeout(settings.drain_seconds)
        .disable_signals();
        let server = match settings.certificate.server() {
            Some(tls) => server.bind_rustls_0_23(settings.address, tls)?,
            None => server.bind(settings.address)?,
        };
        let address = server.addrs().first().copied().unwrap_or(settings.address);
        let server = server.run();
        tracing::info!(%address, "HTTP");
        Ok(Started { address, handle: server.handle(), task: tokio::spawn(server) })
    }
}

/// The service's OpenAPI document: from its routes, with the envelope of errors.
pub fn openapi(service: Service, routes: fn(&mut ServiceConfig)) -> OpenApi {
    #[derive(utoipa::OpenApi)]
    #[openapi(components(schemas(ErrorBody)))]
    struct House;

    let (_, mut document) = App::new()
        .into_utoipa_app()
        .openapi(<House as utoipa::OpenApi>::openapi())
        .configure(routes)
        .split_for_parts();
    document.info.title = format!("Pitchey {service}");
    document
}
