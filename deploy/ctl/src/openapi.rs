//! `ctl openapi`: docs/openapi.json from the routes of all services.

use std::path::PathBuf;

use clap::Args;
use pitchey_events::Service;
use pitchey_gateway::openapi::merged;
use pitchey_web::openapi;

use crate::Failure;

/// Where to.
#[derive(Debug, Args)]
pub struct OpenApi {
    /// The file to write.
    #[arg(long, default_value = "docs/openapi.json", value_name = "FILE")]
    to: PathBuf,
}

pub(crate) fn run(arguments: &OpenApi) -> Result<(), Failure> {
    let document = document().map_err(|error| Failure::Failed(error.to_string()))?;
    std::fs::write(&arguments.to, document)
        .map_err(|error| Failure::Failed(format!("{}: {error}", arguments.to.display())))
}

/// The description that the gateway serves when all services run, except for the pages of the development mode.
///
/// # Errors
/// A description is not JSON.
pub fn document() -> serde_json::Result<String> {
    let described = [
        (Service::Accounts, openapi(Service::Accounts, pitchey_accounts::routes)),
        (Service::Pitches, openapi(Service::Pitches, pitchey_pitches::routes)),
        (Service::Messaging, openapi(Service::Messaging, pitchey_messaging::routes)),
        (Service::Payments, openapi(Service::Payments, pitchey_payments::routes)),
        (Service::Analytics, openapi(Service::Analytics, pitchey_analytics::routes)),
        (Service::Notifications, openapi(Service::Notifications, pitchey_notifications::routes)),
    ];
    let described = described.into_iter().map(|(service, it)| Ok((service, serde_json::to_value(it)?)));
    let document = merged(described.collect::<serde_json::Result<_>>()?);
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}
