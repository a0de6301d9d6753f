use std::ops::Index;

use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What came back. Assertions on it say what was asked and what was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body; null if it was not JSON.
    pub json: Value,
    /// The body as it came.
    pub bytes: Vec<u8>,
    request: String,
}

impl Answer {
    pub(crate) async fn read(request: String, response: reqwest::Response) -> Result<Self, String> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes =
            response.bytes().await.map_err(|error| format!("{request}: {status}, then {error}"))?.to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Self { status, headers, json, bytes, request })
    }

    /// The JSON of a success (2xx).
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self}");
        self.json
    }

    /// The JSON of a success as a `T`.
    #[track_caller]
    pub fn ok_as<T: DeserializeOwned>(self) -> T {
        let what = self.to_string();
        serde_json::from_value(self.ok()).unwrap_or_else(|error| panic!("{error} in the answer to {what}"))
    }

    /// Itself, if the status is `status`.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Itself, if it is an error of `status` with `code`.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{self}");
        self
    }

    /// Itself, if it is a 400 that finds exactly `fields` wrong.
    #[track_caller]
    pub fn invalid(self, fields: &[&str]) -> Self {
        assert_eq!(self.status, 400, "{self}");
        let errors = self.json["validation_errors"].as_array().cloned().unwrap_or_default();
        let mut found: Vec<_> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
        found.sort_unstable();
        let mut fields = fields.to_vec();
        fields.sort_unstable();
        assert_eq!(found, fields, "{self}");
        self
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A part of the JSON: `answer["data"]`.
impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        &self.json[key]
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} {}", self.request, self.status, String::from_utf8_lossy(&self.bytes))
    }
}
