//! The bare handler: what a request costs without any proxy, and what is behind the proxies that are compared.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};

/// Of bodies in both directions.
pub const BODY: usize = 1024;
/// As many as nginx and the gateway have.
pub const WORKERS: usize = 2;

/// JSON of [`BODY`] bytes.
pub fn body() -> String {
    format!("{{\"text\":\"{}\"}}", "x".repeat(BODY - 11))
}

async fn read(body: web::Data<Bytes>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body.get_ref().clone())
}

/// What the gateway asks of every service.
async fn healthy() -> HttpResponse {
    let answer = r#"{"status":"healthy","database":"connected","broker":"connected"}"#;
    HttpResponse::Ok().content_type("application/json").body(answer)
}

async fn write(sent: Bytes) -> HttpResponse {
    HttpResponse::Created().content_type("application/json").body(format!("{{\"length\":{}}}", sent.len()))
}

/// Serves until the process is killed.
pub fn serve(address: SocketAddr) {
    let answer = web::Data::new(Bytes::from(body()));
    actix_web::rt::System::new()
        .block_on(async move {
            HttpServer::new(move || {
                App::new()
                    .app_data(answer.clone())
                    .default_service(web::get().to(read))
                    .route("/health", web::get().to(healthy))
                    .route("/api/analytics/track", web::post().to(write))
            })
            .workers(WORKERS)
            .bind(address)?
            .run()
            .await
        })
        .unwrap();
}

/// The handler in a process of its own.
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    process: Child,
}

impl Upstream {
    /// Starts it.
    pub fn start() -> Self {
        let address = free_address();
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["upstream", &address.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { address, process }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where nobody listens now.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
