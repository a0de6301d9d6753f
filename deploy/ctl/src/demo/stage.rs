//! The gateway as a person sees it, with an eye on the events.

use std::time::{Duration, Instant};

use pitchey_bus::{Seen, Tap};
use pitchey_config::Trust;
use reqwest::{Certificate, Client, Method};
use serde_json::Value;

use super::PATIENCE;
use super::person::Person;
use super::print::Paper;
use crate::Failure;

pub(super) struct Stage {
    gateway: String,
    http: Client,
    tap: Tap,
    pub(super) paper: Paper,
}

/// Who asks for what.
pub(super) struct Ask<'a> {
    who: Option<&'a Person>,
    method: Method,
    path: String,
    body: Option<Value>,
    status: u16,
    events: &'static [&'static str],
}

impl<'a> Ask<'a> {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { who: None, method: Method::GET, path: path.into(), body: None, status: 200, events: &[] }
    }

    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }

    pub(super) fn by(self, person: &'a Person) -> Self {
        Self { who: Some(person), ..self }
    }

    /// Which status is right; 200 if nothing is said.
    pub(super) fn gives(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The events that have to follow.
    pub(super) fn causes(self, events: &'static [&'static str]) -> Self {
        Self { events, ..self }
    }
}

/// What came back.
pub(super) struct Reply {
    pub(super) json: Value,
    pub(super) bytes: Vec<u8>,
}

impl Stage {
    pub(super) fn new(gateway: &str, tap: Tap, trust: &Trust) -> Result<Self, Failure> {
        let failed = |error: reqwest::Error| Failure::Failed(error.to_string());
        let mut http = Client::builder().no_proxy().timeout(PATIENCE);
        // Without, the gateway is one that the whole world can know.
        if let Ok(pem) = trust.pem() {
            http = http.tls_certs_merge(Certificate::from_pem_bundle(pem).map_err(failed)?);
        }
        let http = http.build().map_err(failed)?;
        Ok(Self { gateway: gateway.trim_end_matches('/').to_owned(), http, tap, paper: Paper::new() })
    }

    /// Asks, prints request and answer, waits for the events, and fails if any of it is not as it should be.
    pub(super) async fn ask(&mut self, ask: Ask<'_>) -> Result<Reply, Failure> {
        let line = format!("{} {}", ask.method, ask.path);
        let (status, reply, took) = self.send(&ask).await?;
        self.paper.request(&line, status, took, status == ask.status);
        if status != ask.status {
            let text = String::from_utf8_lossy(&reply.bytes).into_owned();
            return Err(Failure::Failed(format!("{line}: {status} instead of {}: {text}", ask.status)));
        }
        self.wait_for(ask.events).await?;
        Ok(reply)
    }

    /// Asks without a word.
    pub(super) async fn send(&self, ask: &Ask<'_>) -> Result<(u16, Reply, Duration), Failure> {
        let mut request = self.http.request(ask.method.clone(), format!("{}{}", self.gateway, ask.path));
        if let Some(person) = ask.who {
            request = request.bearer_auth(&person.token);
        }
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        let begun = Instant::now();
        let failed = |error: reqwest::Error| {
            Failure::Failed(format!(
                "{} {}: {error}. Is the platform running? make run",
                ask.method, ask.path
            ))
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(failed)?.to_vec();
        let took = begun.elapsed();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok((status, Reply { json, bytes }, took))
    }

    /// Prints what goes by until every expected event has.
    async fn wait_for(&mut self, expected: &[&str]) -> Result<(), Failure> {
        let mut missing = expected.to_vec();
        while !missing.is_empty() {
            let seen: Seen = match tokio::time::timeout(PATIENCE, self.tap.next()).await {
                Ok(seen) => seen?,
                Err(_) => {
                    return Err(Failure::Failed(format!(
                        "these events did not come: {}",
                        missing.join(", ")
                    )));
                }
            };
            if let Some(found) = missing.iter().position(|event| *event == seen.event_type) {
                missing.remove(found);
            }
            self.paper.event(&seen);
        }
        Ok(())
    }
}
