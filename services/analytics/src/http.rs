//! The contents page.

mod dashboards;
mod export;
mod one_or_many;
mod overview;
mod pitches;
mod track;

use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::words::Timeframe;

/// Every route.
pub fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(track::events)
        .service(track::views)
        .service(dashboards::user)
        .service(dashboards::creator)
        .service(dashboards::production)
        .service(dashboards::investor)
        .service(pitches::analytics)
        .service(pitches::views)
        .service(overview::overview)
        .service(export::export);
}

/// Of which time.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// `24h`, `7d`, `30d` (the default), `90d` or `12m`.
    #[serde(default)]
    #[garde(skip)]
    #[param(inline)]
    timeframe: Timeframe,
}
