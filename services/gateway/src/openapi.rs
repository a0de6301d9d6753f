//! `GET /api/openapi.json`: one description of the API, from those of the services and the gateway's own.

use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::header;
use futures_util::future::join_all;
use pitchey_events::Service;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use utoipa::OpenApi as _;

use crate::body::Bytes;
use crate::catalogue::Choices;
use crate::health::Healthy;
use crate::proxy::Worker;

/// How long a service may take to describe itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a description is used again; one that is not complete for a shorter time.
const KEPT: Duration = Duration::from_secs(60);
const KEPT_INCOMPLETE: Duration = Duration::from_secs(2);
/// Longest description of a service, in bytes.
const MAX_DESCRIPTION: usize = 4 * 1024 * 1024;
const SAYS: &str = "The public API of Pitchey.";

/// Describes the API as the services that run do.
#[derive(Default)]
pub struct OpenApi {
    last: Mutex<Option<(Instant, Duration, Bytes)>>,
}

/// What the gateway serves itself.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Pitchey", version = env!("CARGO_PKG_VERSION")),
    paths(paths::health, paths::openapi, paths::docs, paths::config),
    components(schemas(pitchey_web::ErrorBody, Healthy, Choices))
)]
struct Own;

/// Only described: they are answered without a handler each.
mod paths {
    #[utoipa::path(get, path = "/health", tag = "gateway", description = "How the platform is: 200 or 503.",
        responses((status = 200, body = super::Healthy), (status = 503, body = super::Healthy)))]
    #[expect(dead_code, reason = "described")]
    pub(super) fn health() {}

    #[utoipa::path(get, path = "/api/openapi.json", tag = "gateway", description = "This document.",
        responses((status = 200)))]
    #[expect(dead_code, reason = "described")]
    pub(super) fn openapi() {}

    #[utoipa::path(get, path = "/api/docs", tag = "gateway", description = "A viewer of this document.",
        responses((status = 200)))]
    #[expect(dead_code, reason = "described")]
    pub(super) fn docs() {}

    #[utoipa::path(get, path = "/api/config/all", tag = "gateway",
        description = "What a client needs to know to draw its forms.",
        responses((status = 200, body = super::Choices)))]
    #[expect(dead_code, reason = "described")]
    pub(super) fn config() {}
}

impl OpenApi {
    /// The merged document.
    pub async fn answer(&self, worker: &Worker) -> HttpResponse<BoxBody> {
        let mut last = self.last.lock().await;
        let document = match &*last {
            Some((at, kept, document)) if at.elapsed() < *kept => document.clone(),
            _ => {
                let (complete, document) = self.merge(worker).await;
                let document = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
                let kept = if complete { KEPT } else { KEPT_INCOMPLETE };
                *last = Some((Instant::now(), kept, document.clone()));
                document
            }
        };
        drop(last);
        HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(document)
    }

    async fn merge(&self, worker: &Worker) -> (bool, Value) {
        let descriptions = worker.state.upstreams.all().map(|upstream| async move {
            for location in upstream.locations() {
                let asking = worker.forwarder.get(&location, "/openapi.json", MAX_DESCRIPTION);
                if let Ok(Some((status, body))) = tokio::time::timeout(PATIENCE, asking).await
                    && status.is_success()
                    && let Ok(description) = serde_json::from_slice::<Value>(&body)
                {
                    return (upstream.service, Some(description));
                }
            }
            (upstream.service, None)
        });
        let (mut known, mut missing) = (Vec::new(), Vec::new());
        for (service, description) in join_all(descriptions).await {
            match description {
                Some(description) => known.push((service, description)),
                None => missing.push(service.as_str()),
            }
        }
        let mut document = merged(known);
        if !missing.is_empty() {
            document["info"]["description"] =
                format!("{SAYS} Not described, because not reachable now: {}.", missing.join(", ")).into();
        }
        (missing.is_empty(), document)
    }
}

/// One description of the API: the gateway's own part, and what services describe.
pub fn merged(services: Vec<(Service, Value)>) -> Value {
    let mut document = serde_json::to_value(Own::openapi()).unwrap_or_else(|_| json!({}));
    document["info"]["description"] = SAYS.into();
    document["components"]["securitySchemes"] = json!({ "bearer": { "type": "http", "scheme": "bearer" } });
    document["security"] = json!([{}, { "bearer": [] }]);
    for (service, description) in services {
        add(&mut document, service, description);
    }
    document
}

/// Adds what `service` describes. Two services may use one name for two schemas: the second is then called after its service as well.
fn add(document: &mut Value, service: Service, mut description: Value) {
    let schemas = description["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let taken = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let clashing = |name: &&String| taken.get(*name).is_some_and(|other| other != &schemas[*name]);
    let renamed: Map<String, Value> =
        schemas.keys().filter(clashing).map(|name| (name.clone(), prefixed(service, name).into())).collect();
    rename(&mut description, &renamed);
    for part in ["schemas", "responses", "parameters", "securitySchemes"] {
        let Some(entries) = description["components"][part].as_object_mut().map(std::mem::take) else {
            continue;
        };
        for (name, entry) in entries {
            let name = renamed.get(&name).and_then(Value::as_str).map_or(name.clone(), str::to_owned);
            document["components"][part][name] = entry;
        }
    }
    let paths = description["paths"].as_object_mut().map(std::mem::take).unwrap_or_default();
    for (path, mut operations) in paths {
        for operation in operations.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if let Some(operation) = operation.as_object_mut() {
                operation.insert("tags".to_owned(), json!([service.as_str()]));
            }
        }
        document["paths"][path] = operations;
    }
}

fn prefixed(service: Service, name: &str) -> String {
    let service = service.as_str();
    let (first, rest) = service.split_at(1);
    format!("{}{rest}{name}", first.to_uppercase())
}

fn rename(value: &mut Value, renamed: &Map<String, Value>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get_mut("$ref")
                && let Some(name) = reference.strip_prefix("#/components/schemas/")
                && let Some(Value::String(other)) = renamed.get(name)
            {
                *reference = format!("#/components/schemas/{other}");
            }
            fields.values_mut().for_each(|value| rename(value, renamed));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename(value, renamed)),
        _ => {}
    }
}
