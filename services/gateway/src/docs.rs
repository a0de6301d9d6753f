//! `GET /api/docs`: Swagger UI, from this program; nothing is fetched from elsewhere.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderValue};
use utoipa_swagger_ui::Config;

use crate::error::Error;

const ROOT: &str = "/api/docs";
/// The viewer's own scripts only; it sets styles inline.
static POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

static CONFIG: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::from("/api/openapi.json").try_it_out_enabled(true)));

/// The page, or one of its files.
pub fn answer(path: &str) -> Result<HttpResponse<BoxBody>, Error> {
    let file = match path.strip_prefix(ROOT).unwrap_or_default() {
        // The page names its files relative to a folder.
        "" => {
            return Ok(HttpResponse::PermanentRedirect()
                .insert_header((header::LOCATION, "/api/docs/"))
                .finish());
        }
        file => file.trim_start_matches('/'),
    };
    let found = utoipa_swagger_ui::serve(file, Arc::clone(&CONFIG)).map_err(|error| {
        tracing::error!(%error, "the viewer of the API is broken");
        Error::NotFound
    })?;
    let found = found.ok_or(Error::NotFound)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, found.content_type));
    response.insert_header((header::CONTENT_SECURITY_POLICY, POLICY.clone()));
    response.insert_header((header::CACHE_CONTROL, "public, max-age=3600"));
    Ok(match found.bytes {
        Cow::Borrowed(bytes) => response.body(bytes),
        Cow::Owned(bytes) => response.body(bytes),
    })
}
