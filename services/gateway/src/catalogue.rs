//! `GET /api/config/all`: what a client needs to know to draw its forms.

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::header;
use pitchey_events::NdaType;
use serde::{Deserialize, Serialize};

use crate::body::Bytes;

/// Prices and plans; payments reads the same file.
const FILE: &str = include_str!("../../../deploy/config/catalogue.toml");

/// What a client needs to know.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all(serialize = "camelCase"), deny_unknown_fields)]
pub struct Choices {
    /// A pitch's genres.
    genres: Vec<String>,
    /// A pitch's formats.
    formats: Vec<String>,
    #[serde(default)]
    nda_types: Vec<String>,
    plans: Vec<Plan>,
    packages: Vec<Package>,
    limits: Limits,
}

/// A subscription.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all(serialize = "camelCase"), deny_unknown_fields)]
struct Plan {
    tier: String,
    name: String,
    credits_a_month: u32,
    currency: String,
    /// In minor units.
    price_a_month: u32,
    /// In minor units.
    price_a_year: u32,
}

/// Credits to buy.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all(serialize = "camelCase"), deny_unknown_fields)]
struct Package {
    credits: u32,
    currency: String,
    /// In minor units.
    price: u32,
}

/// Lengths, in characters if not said otherwise.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all(serialize = "camelCase"), deny_unknown_fields)]
struct Limits {
    title_min: u32,
    title_max: u32,
    logline_min: u32,
    logline_max: u32,
    text_max: u32,
    comment_max: u32,
    message_max: u32,
    password_min: u32,
    page_size_default: u32,
    page_size_max: u32,
    /// In bytes.
    #[serde(default)]
    upload_max: usize,
}

/// The page, written once.
pub struct Catalogue(Bytes);

impl Catalogue {
    /// From the file in this program.
    ///
    /// # Errors
    /// The file is not what it should be.
    pub fn load(upload_bytes: usize) -> Result<Self, pitchey_launch::Failed> {
        let mut choices: Choices = toml::from_str(FILE)?;
        choices.nda_types = NdaType::ALL.iter().map(NdaType::to_string).collect();
        choices.limits.upload_max = upload_bytes;
        Ok(Self(serde_json::to_vec(&choices)?.into()))
    }

    /// The page.
    pub fn answer(&self) -> HttpResponse<BoxBody> {
        HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, "application/json"))
            .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
            .body(self.0.clone())
    }
}
