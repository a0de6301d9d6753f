//! What clients send about a pitch, and the rules it has to keep.

use garde::Validate;
use pitchey_web::{FieldError, Refusal};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::Error;
use crate::words::{Agreement, Format, Genre};

/// A key of a merged object: not there, null, or a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Given<T> {
    /// Not there: stays as it is.
    #[default]
    Absent,
    /// Null: is cleared.
    Null,
    /// A value: replaces.
    Value(T),
}

impl<T> Given<T> {
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// This one, or `other` where this is not given: for a key with two names.
    pub fn or<'a>(&'a self, other: &'a Self) -> &'a Self {
        if self.is_absent() { other } else { self }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

/// A budget: a band in words, or a number.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Amount {
    /// `"1-5 million"`.
    Words(String),
    /// `5000000`.
    Number(serde_json::Number),
}

/// A comparable work: its title, or more about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Comparable {
    /// The title.
    Title(String),
    /// More about it.
    Work {
        /// Title.
        title: String,
        /// Year of release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        year: Option<i32>,
        /// What is comparable.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
}

/// Somebody attached to the project, or wanted for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Talent {
    /// Name.
    pub name: String,
    /// As what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Has said yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<bool>,
}

/// Somebody in the story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Character {
    /// Name.
    pub name: String,
    /// Who that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A pitch as its owner sends it. To create it needs title, logline, genre and format; an edit merges the given keys, and null clears.
/// Enumerations are text here because aliases are understood: `series`, and the formats `documentary` and `animation`.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct PitchInput {
    /// 3 to 200 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub title: Given<String>,
    /// 10 to 500 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub logline: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub genre: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub format: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub format_category: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub short_synopsis: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub long_synopsis: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub opener: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub premise: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub description: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub target_audience: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub themes: Given<Vec<String>>,
    #[serde(default)]
    #[schema(value_type = Option<Vec<Comparable>>)]
    pub comparables: Given<Vec<Comparable>>,
    #[serde(default)]
    #[schema(value_type = Option<Vec<Talent>>)]
    pub key_talent: Given<Vec<Talent>>,
    #[serde(default)]
    #[schema(value_type = Option<Vec<Character>>)]
    pub characters: Given<Vec<Character>>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub world_description: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub why_now: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub personal_connection: Given<String>,
    /// http or https.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub thumbnail_url: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub budget: Given<Amount>,
    /// The same as `budget`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub budget_range: Given<Amount>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub estimated_budget: Given<Amount>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub stage: Given<String>,
    /// The same as `stage`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub production_stage: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub seeking_investment: Given<bool>,
    #[serde(rename = "requiresNDA")]
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub requires_nda: Given<bool>,
    /// The same as `requiresNDA`.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub require_nda: Given<bool>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub nda_type: Given<String>,
}

/// Entries that a list may have.
const LIST_LENGTH: usize = 100;

/// Writes given values into a content, and remembers what is wrong with them.
#[derive(Default)]
pub struct Writer(Vec<FieldError>);

impl Writer {
    fn wrong(&mut self, field: &str, code: &str, message: impl Into<String>) {
        self.0.push(FieldError::new(field, code, message));
    }

    pub fn required(&mut self, field: &str, absent: bool) {
        if absent {
            self.wrong(field, "required", "This field is required.");
        }
    }

    fn checked(&mut self, field: &str, text: &str, min: usize, max: usize) -> Option<String> {
        let text = text.trim();
        match fault(text, min, max) {
            None => Some(text.to_owned()),
            Some((code, message)) => {
                self.wrong(field, code, message);
                None
            }
        }
    }

    pub fn mandatory(&mut self, field: &str, given: &Given<String>, min: usize, max: usize, to: &mut String) {
        match given {
            Given::Absent => {}
            Given::Null => self.required(field, true),
            Given::Value(text) => *to = self.checked(field, text, min, max).unwrap_or_default(),
        }
    }

    pub fn text(&mut self, field: &str, given: &Given<String>, max: usize, to: &mut Option<String>) {
        match given {
            Given::Absent => {}
            Given::Null => *to = None,
            Given::Value(text) => *to = self.checked(field, text, 0, max).filter(|text| !text.is_empty()),
        }
    }

    pub fn url(&mut self, field: &str, given: &Given<String>, to: &mut Option<String>) {
        self.text(field, given, 2_000, to);
        if let (Given::Value(_), Some(url)) = (given, to.as_ref())
            && !["http://", "https://", "/"].iter().any(|start| url.starts_with(start))
        {
            self.wrong(field, "invalid", "This must be an http or https address.");
        }
    }

    pub fn amount(&mut self, field: &str, given: &Given<Amount>, to: &mut Option<String>) {
        let given = match given {
            Given::Absent => Given::Absent,
            Given::Null => Given::Null,
            Given::Value(Amount::Words(words)) => Given::Value(words.clone()),
            Given::Value(Amount::Number(number)) => Given::Value(number.to_string()),
        };
        self.text(field, &given, 100, to);
    }

    pub fn flag(&mut self, given: &Given<bool>, to: &mut bool) {
        match given {
            Given::Absent => {}
            Given::Null => *to = false,
            Given::Value(flag) => *to = *flag,
        }
    }

    pub fn genre(&mut self, given: &Given<String>, to: &mut Genre) {
        match given {
            Given::Absent => {}
            Given::Null => self.required("genre", true),
            Given::Value(word) => match parse_genre(word) {
                Some(genre) => *to = genre,
                None => self.wrong("genre", "unknown_value", "This is not one of our genres."),
            },
        }
    }

    pub fn format(&mut self, given: &Given<String>, to: &mut Format, category: &mut Option<String>) {
        match given {
            Given::Absent => {}
            Given::Null => self.required("format", true),
            Given::Value(word) => match parse_format(word) {
                Some((format, kept)) => {
                    *to = format;
                    *category = kept.map(str::to_owned);
                }
                None => self.wrong("format", "unknown_value", "This is not one of our formats."),
            },
        }
    }

    pub fn agreement(&mut self, given: &Given<String>, to: &mut Option<Agreement>) {
        match given {
            Given::Absent => {}
            Given::Null => *to = None,
            Given::Value(word) => match Agreement::parse(word) {
                Some(agreement) => *to = Some(agreement),
                None => self.wrong("ndaType", "unknown_value", "This must be basic, enhanced or custom."),
            },
        }
    }

    pub fn list<T: Serialize>(
        &mut self,
        field: &str,
        given: &Given<Vec<T>>,
        max: usize,
        to: &mut Option<Value>,
    ) {
        match given {
            Given::Absent => {}
            Given::Null => *to = None,
            Given::Value(list) if list.len() > LIST_LENGTH => {
                self.wrong(field, "too_long", format!("At most {LIST_LENGTH} entries."));
            }
            Given::Value(list) => match serde_json::to_value(list) {
                Ok(value) if texts_of(&value).all(|text| fault(text, 0, max).is_none()) => {
                    *to = Some(value);
                }
                _ => self.wrong(
                    field,
                    "invalid",
                    format!("Texts in it have at most {max} characters, none of them NUL."),
                ),
            },
        }
    }

    /// `content`, if nothing was wrong.
    pub fn finish<T>(self, content: T) -> Result<T, Error> {
        if self.0.is_empty() { Ok(content) } else { Err(Refusal::Invalid(self.0).into()) }
    }
}

/// All texts in a list of texts or of flat objects.
fn texts_of(value: &Value) -> impl Iterator<Item = &str> {
    let entries = value.as_array().into_iter().flatten();
    entries.flat_map(|entry| match entry {
        Value::Object(fields) => fields.values().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect::<Vec<_>>(),
    })
}

/// What is wrong with a text of `min` to `max` characters, if anything is. Postgres can't store NUL.
pub fn fault(text: &str, min: usize, max: usize) -> Option<(&'static str, String)> {
    let length = text.chars().count();
    if text.contains('\0') {
        Some(("invalid", "This may not contain the character NUL.".to_owned()))
    } else if length > max {
        Some(("too_long", format!("At most {max} characters; these are {length}.")))
    } else if length < min {
        Some(("too_short", format!("At least {min} characters; these are {length}.")))
    } else {
        None
    }
}

/// For garde: a text without NUL of at most `max` characters.
pub fn plain(max: usize) -> impl FnOnce(&Option<String>, &()) -> garde::Result {
    move |text, ()| match text.as_deref().and_then(|text| fault(text.trim(), 0, max)) {
        None => Ok(()),
        Some((_, message)) => Err(garde::Error::new(message)),
    }
}

/// For garde: a text without NUL of 1 to `max` characters.
pub fn written(max: usize) -> impl FnOnce(&String, &()) -> garde::Result {
    move |text, ()| match fault(text.trim(), 1, max) {
        None => Ok(()),
        Some((_, message)) => Err(garde::Error::new(message)),
    }
}

/// A genre by its name.
pub fn parse_genre(word: &str) -> Option<Genre> {
    match word {
        "sci-fi" => Some(Genre::Scifi),
        word => Genre::parse(word),
    }
}

/// A format by its name or alias, and what is kept of the alias.
pub fn parse_format(word: &str) -> Option<(Format, Option<&'static str>)> {
    match word {
        "series" => Some((Format::Tv, None)),
        "documentary" => Some((Format::Other, Some("documentary"))),
        "animation" => Some((Format::Other, Some("animation"))),
        word => Format::parse(word).map(|format| (format, None)),
    }
}
