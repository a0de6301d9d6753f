//! Lists: `{"data": [...], "meta": {...}}`, by page number or by cursor.

use std::future::{Ready, ready};
use std::num::IntErrorKind;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{FieldError, Refusal};

/// Up to this many rows are counted; beyond, `total` is this number and a minimum.
pub const COUNTED: i64 = 1_000;
const DEFAULT_LIMIT: i64 = 20;
const MAX_LIMIT: i64 = 100;

/// Which part of a list is asked for: `?page=2&limit=50`, or `?cursor=...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: i64,
    /// Rows a page, 1 to 100.
    pub limit: i64,
    /// Where the page before ended; then `page` means nothing.
    pub cursor: Option<Cursor>,
}

/// A place in a list, opaque to clients: the sort key of the last row shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    /// The place after the row with this sort key.
    pub fn after(key: &impl Serialize) -> Self {
        Self(URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default()))
    }

    /// The sort key in it.
    ///
    /// # Errors
    /// 400: nobody here made this cursor for this list.
    pub fn key<K: DeserializeOwned>(&self) -> Result<K, Refusal> {
        let key =
            URL_SAFE_NO_PAD.decode(&self.0).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
        key.filter(is_storable).and_then(|key| serde_json::from_value(key).ok()).ok_or_else(|| {
            Refusal::Invalid(vec![FieldError::new("cursor", "invalid", "This is not a cursor of this list.")])
        })
    }
}

/// Whether every time in a sort key is one that Postgres knows: ours all are.
fn is_storable(key: &Value) -> bool {
    match key {
        Value::Array(parts) => parts.iter().all(is_storable),
        Value::String(text) => text
            .parse::<DateTime<Utc>>()
            .map_or(!text.contains('\0'), |at| (1970..10_000).contains(&at.year())),
        _ => true,
    }
}

impl Paging {
    /// Rows to skip. Clamped: beyond it lists go on by cursor.
    pub const fn offset(&self) -> i64 {
        (self.page - 1).saturating_mul(self.limit)
    }

    fn parse(query: &str) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        struct Raw {
            page: Option<String>,
            limit: Option<String>,
            cursor: Option<String>,
        }
        let raw = actix_web::web::Query::<Raw>::from_query(query)
            .map_err(|error| {
                Refusal::Invalid(vec![FieldError::new("query", "wrong_type", error.to_string())])
            })?
            .into_inner();
        let mut wrong = Vec::new();
        let mut positive =
            |field: &str, text: Option<String>, default| match text.map(|text| text.parse::<i64>()) {
                None => default,
                Some(Ok(number)) if number >= 1 => number,
                Some(Err(error)) if *error.kind() == IntErrorKind::PosOverflow => i64::MAX,
                Some(_) => {
                    wrong.push(FieldError::new(field, "invalid", "This must be a number from 1."));
                    default
                }
            };
        let page = positive("page", raw.page, 1).min(i64::from(i32::MAX));
        let limit = positive("limit", raw.limit, DEFAULT_LIMIT).min(MAX_LIMIT);
        let cursor = raw.cursor.filter(|text| !text.is_empty()).map(Cursor);
        if wrong.is_empty() { Ok(Self { page, limit, cursor }) } else { Err(Refusal::Invalid(wrong)) }
    }
}

impl FromRequest for Paging {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()))
    }
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Listed<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where they stand in the list.
    pub meta: Meta,
}

/// Where a page stands in its list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// From 1.
    pub page: i64,
    /// Rows a page.
    pub limit: i64,
    /// Rows in all; exact up to 1,000.
    pub total: i64,
    /// `total` was not counted to the end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub total_is_minimum: bool,
    /// Pages in all, by `total`.
    pub total_pages: i64,
    /// There is more.
    pub has_next: bool,
    /// There was something before.
    pub has_previous: bool,
    /// Pass it as `cursor` to go on from here at constant cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<T> Listed<T> {
    /// The page asked for, from the rows at its place, of which the store was asked for one more than the limit, to see whether there is
    /// more; `counted` is the count up to [`COUNTED`] + 1; `cursor` makes the place after a row.
    pub fn page(paging: &Paging, mut rows: Vec<T>, counted: i64, cursor: impl FnOnce(&T) -> Cursor) -> Self {
        let limit = usize::try_from(paging.limit).unwrap_or(usize::MAX);
        let has_next = rows.len() > limit;
        rows.truncate(limit);
        let total = counted.min(COUNTED);
        let meta = Meta {
            page: paging.page,
            limit: paging.limit,
            total,
            total_is_minimum: counted > COUNTED,
            total_pages: (total + paging.limit - 1) / paging.limit,
            has_next,
            has_previous: paging.page > 1 || paging.cursor.is_some(),
            next_cursor: rows.last().filter(|_| has_next).map(|row| cursor(row).0),
        };
        Self { data: rows, meta }
    }

    /// The page asked for of a list so short that all of it was read: by page only.
    pub fn of_all(paging: &Paging, all: Vec<T>) -> Self {
        let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let skip = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
        let rows = all.into_iter().skip(skip).collect();
        let mut listed = Self::page(paging, rows, total, |_| Cursor(String::new()));
        listed.meta.next_cursor = None;
        listed
    }

    /// The same page with other rows: the entities for the rows of the store.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Listed<U> {
        Listed { data: self.data.into_iter().map(view).collect(), meta: self.meta }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cursors_that_were_made_here_are_followed() {
        let at: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(Cursor::after(&(at, 7)).key::<(DateTime<Utc>, i64)>().unwrap(), (at, 7));
        let forged = |key: &str| Cursor(URL_SAFE_NO_PAD.encode(key)).key::<(DateTime<Utc>, i64)>();
        for key in [r#"["-200000-01-01T00:00:00Z",1]"#, r#"["2026-01-01T00:00:00Z"]"#, "7", "", "\u{0}"] {
            assert!(forged(key).is_err(), "{key}");
        }
        assert!(Cursor("not base64".to_owned()).key::<i64>().is_err());
    }

    #[test]
    fn a_short_list_is_paged_without_cursors() {
        let page = |page| Listed::of_all(&Paging { page, limit: 2, cursor: None }, vec![1, 2, 3]);
        assert_eq!((page(1).data, page(1).meta.has_next, page(1).meta.next_cursor), (vec![1, 2], true, None));
        assert_eq!((page(2).data, page(2).meta.has_next, page(2).meta.total), (vec![3], false, 3));
        assert!(page(9).data.is_empty());
    }
}
