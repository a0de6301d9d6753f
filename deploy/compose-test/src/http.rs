//! A client of the published port.

use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde_json::Value;

use crate::Result;

/// How long one try may take: longer than the gateway lets a request wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody's, or nobody's.
#[derive(Clone)]
pub struct Http {
    client: Client,
    gateway: String,
}

/// A request that may be sent again and again.
pub struct Request<'a> {
    /// GET, if `write` says nothing.
    pub method: Method,
    /// With its query.
    pub path: &'a str,
    /// Of somebody's session.
    pub token: Option<&'a str>,
    /// A key that makes repetitions one, with the body.
    pub write: Option<(&'a str, &'a Value)>,
}

impl Http {
    /// Of the gateway at this URL.
    pub fn new(gateway: &str) -> Result<Self> {
        let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { client, gateway: gateway.to_owned() })
    }

    /// Sends it once.
    pub async fn send(&self, request: &Request<'_>) -> reqwest::Result<Response> {
        let mut sending =
            self.client.request(request.method.clone(), format!("{}{}", self.gateway, request.path));
        if let Some(token) = request.token {
            sending = sending.bearer_auth(token);
        }
        if let Some((key, body)) = request.write {
            sending = sending.header("Idempotency-Key", key).json(body);
        }
        sending.send().await
    }

    /// The JSON at `path`, whatever the status.
    pub async fn get(&self, path: &str) -> Option<(u16, Value)> {
        let answer =
            self.send(&Request { method: Method::GET, path, token: None, write: None }).await.ok()?;
        Some((answer.status().as_u16(), answer.json().await.ok()?))
    }

    /// What `/health` says, if that is 200.
    pub async fn health(&self) -> Option<Value> {
        self.get("/health").await.filter(|(status, _)| *status == 200).map(|(_, health)| health)
    }
}
