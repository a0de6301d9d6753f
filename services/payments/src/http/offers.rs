//! What can be bought: for everybody.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use pitchey_web::{Listed, Paging};

use crate::error::Error;
use crate::offer::{Package, Plan};
use crate::state::AppState;

/// The plans.
#[utoipa::path(tag = "payments", params(("page" = Option<i64>, Query), ("limit" = Option<i64>, Query)), responses((status = 200, body = Listed<Plan>)))]
#[get("/api/payments/plans")]
pub async fn plans(state: Data<AppState>, paging: Paging) -> Result<HttpResponse, Error> {
    Ok(HttpResponse::Ok().json(Listed::of_all(&paging, state.offer.plans().to_vec())))
}

/// The packages of credits.
#[utoipa::path(tag = "payments", params(("page" = Option<i64>, Query), ("limit" = Option<i64>, Query)), responses((status = 200, body = Listed<Package>)))]
#[get("/api/payments/packages")]
pub async fn packages(state: Data<AppState>, paging: Paging) -> Result<HttpResponse, Error> {
    Ok(HttpResponse::Ok().json(Listed::of_all(&paging, state.offer.packages().to_vec())))
}
