//! Input: read to the end, decoded, validated, or refused with the names of what is wrong.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use garde::Validate;
use serde::de::DeserializeOwned;

use crate::{FieldError, Refusal};

/// Longest JSON body that is read, in bytes. The longest pitch fits: eight texts of 50,000 characters.
pub(crate) const JSON_LIMIT: usize = 2 * 1024 * 1024;

/// A JSON body that is what it should be. No body counts as `{}`.
#[derive(Clone, Debug)]
pub struct ValidatedJson<T>(pub T);

impl<T> FromRequest for ValidatedJson<T>
where
    T: DeserializeOwned + Validate<Context = ()> + 'static,
{
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { decode(&read(&request, payload).await?).map(Self) })
    }
}

/// Query parameters that are what they should be.
#[derive(Clone, Debug)]
pub struct ValidatedQuery<T>(pub T);

impl<T> FromRequest for ValidatedQuery<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(query(request.query_string()).map(Self))
    }
}

/// The whole body, if it is JSON by its type and not too long.
pub(crate) async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Bytes, Refusal> {
    let mut body = actix_web::web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::Incomplete)?;
        if body.len() + chunk.len() > JSON_LIMIT {
            return Err(Refusal::TooLarge(JSON_LIMIT));
        }
        body.extend_from_slice(&chunk);
    }
    let content_type =
        request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || (essence.to_ascii_lowercase().starts_with("application/") && essence.ends_with("+json"));
    if !body.is_empty() && !is_json {
        return Err(Refusal::UnsupportedMediaType("application/json"));
    }
    Ok(body.freeze())
}

/// Whether a JSON text holds U+0000, which Postgres can't store. It can only be written as an escape, and only where the backslash is not itself
/// escaped.
fn holds_nul(json: &[u8]) -> bool {
    const ESCAPED: &[u8] = br"\u0000";
    // Counted at matches only: backslashes before two of them are never the same ones, so a body of nothing else costs no more.
    let escaping = |at: usize| json[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    json.windows(ESCAPED.len()).enumerate().any(|(at, window)| window == ESCAPED && !escaping(at))
}

/// `body`, which is JSON, as a valid `T`. For handlers that need its very bytes, such as those of signed reports; others take [`ValidatedJson`].
///
/// # Errors
/// 400, with the names of what is wrong.
pub fn decode<T>(body: &[u8]) -> Result<T, Refusal>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    if holds_nul(body) {
        return Err(Refusal::Invalid(vec![FieldError::new(
            "body",
            "invalid",
            "A text can't hold the character U+0000.",
        )]));
    }
    let body = if body.is_empty() { b"{}" } else { body };
    // What is ignored is not looked at by the decoder; JSON is UTF-8 all the same.
    let text = std::str::from_utf8(body).map_err(|error| Refusal::MalformedJson(error.to_string()))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let input: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // Its own category is no guide: serde_json calls a number in the place of an enumeration a syntax error.
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(_) => Refusal::Invalid(vec![of_data(&error.path().to_string(), error.inner())]),
            Err(syntax) => malformed(&syntax),
        }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    validate(input)
}

fn query<T>(text: &str) -> Result<T, Refusal>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    if text.contains("%00") {
        return Err(Refusal::Invalid(vec![FieldError::new(
            "query",
            "invalid",
            "A text can't hold the character U+0000.",
        )]));
    }
    let input = actix_web::web::Query::<T>::from_query(text)
        .map_err(|error| Refusal::Invalid(vec![FieldError::new("query", "wrong_type", error.to_string())]))?;
    validate(input.into_inner())
}

fn validate<T: Validate<Context = ()>>(input: T) -> Result<T, Refusal> {
    match input.validate() {
        Ok(()) => Ok(input),
        Err(report) => Err(Refusal::Invalid(
            report
                .iter()
                .map(|(path, error)| {
                    FieldError::new(camel_case(&path.to_string()), "invalid", error.message())
                })
                .collect(),
        )),
    }
}

fn malformed(error: &serde_json::Error) -> Refusal {
    Refusal::MalformedJson(format!("line {}, column {}", error.line(), error.column()))
}

/// serde's words for a missing or mistyped field, without the position, which means nothing to a form.
fn of_data(path: &str, error: &serde_json::Error) -> FieldError {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    match text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        Some(field) if path == "." => FieldError::new(field, "required", "This field is required."),
        Some(field) => FieldError::new(format!("{path}.{field}"), "required", "This field is required."),
        None => FieldError::new(if path == "." { "body" } else { path }, "wrong_type", text),
    }
}

/// garde names fields as Rust does; clients know them as JSON does.
fn camel_case(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut upper = false;
    for c in path.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.extend(c.to_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::holds_nul;

    #[test]
    fn only_the_character_itself_is_refused() {
        assert!(holds_nul(br#"{"a": "\u0000"}"#));
        assert!(holds_nul(br#"{"a": "\\\u0000"}"#));
        assert!(!holds_nul(br#"{"a": "\\u0000"}"#), "a backslash, then letters");
        assert!(!holds_nul(br#"{"a": "\u0001"}"#));
        assert!(!holds_nul(b""));
    }
}
