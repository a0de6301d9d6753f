//! Rules of input fields.

use serde::{Deserialize, Deserializer};

/// A text that may not have been given.
pub trait Given {
    fn given(&self) -> Option<&str>;
}

impl Given for String {
    fn given(&self) -> Option<&str> {
        Some(self)
    }
}

impl Given for Option<String> {
    fn given(&self) -> Option<&str> {
        self.as_deref()
    }
}

impl Given for Option<Option<String>> {
    fn given(&self) -> Option<&str> {
        self.as_ref()?.as_deref()
    }
}

/// Tells a key that was given as null from one that was not given: with `#[serde(default, deserialize_with = "nullable")]`.
pub fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn check(ok: bool, message: impl FnOnce() -> String) -> garde::Result {
    if ok { Ok(()) } else { Err(garde::Error::new(message())) }
}

/// At most `max` characters in one line. Control characters mean nothing in it, and Postgres refuses NUL.
pub fn line<T: Given>(max: usize) -> impl FnOnce(&T, &()) -> garde::Result {
    move |value, ()| {
        let Some(text) = value.given() else { return Ok(()) };
        check(text.chars().count() <= max, || format!("At most {max} characters."))?;
        check(!text.chars().any(char::is_control), || "No control characters.".to_owned())
    }
}

/// At most `max` characters in lines.
pub fn lines<T: Given>(max: usize) -> impl FnOnce(&T, &()) -> garde::Result {
    move |value, ()| {
        let Some(text) = value.given() else { return Ok(()) };
        check(text.chars().count() <= max, || format!("At most {max} characters."))?;
        let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        check(!text.chars().any(strange), || "No control characters.".to_owned())
    }
}

/// An address in the web; a blank one clears.
pub fn web_address<T: Given>(value: &T, _: &()) -> garde::Result {
    line(2_000)(value, &())?;
    let text = value.given().unwrap_or_default().trim();
    let web = url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    check(text.is_empty() || web, || "A web address that begins with https:// or http://.".to_owned())
}

/// [`web_address`], or a path on this site.
pub fn picture_address<T: Given>(value: &T, context: &()) -> garde::Result {
    let text = value.given().unwrap_or_default();
    if text.starts_with('/') && !text.starts_with("//") {
        return line(2_000)(value, context);
    }
    web_address(value, context)
}

/// 3 to 50 letters, digits, dots, dashes and underscores, the first a letter or digit: it is part of addresses.
pub fn username<T: Given>(value: &T, _: &()) -> garde::Result {
    let Some(text) = value.given() else { return Ok(()) };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let ok = (3..=50).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(allowed);
    check(ok, || {
        "3 to 50 letters, digits, dots, dashes and underscores, beginning with a letter or digit.".to_owned()
    })
}
