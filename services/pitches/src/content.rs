//! What an owner writes: the content of a pitch, from the client's input to the canonical form that is hashed.

use diesel::prelude::*;
use pitchey_web::FieldError;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::input::{PitchInput, Writer};
use crate::schema::pitches;
use crate::words::{Agreement, Format, Genre};

/// Everything that a version of a pitch consists of. Serialised it is what gets hashed, so a field is never renamed; a new one that is
/// empty must not be written, or unchanged pitches would change their hash.
#[derive(Clone, Debug, PartialEq, Serialize, Queryable, Selectable, AsChangeset, Insertable)]
#[diesel(table_name = pitches, treat_none_as_null = true)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    pub title: String,
    pub logline: String,
    pub genre: Genre,
    pub format: Format,
    pub format_category: Option<String>,
    pub short_synopsis: Option<String>,
    pub long_synopsis: Option<String>,
    pub opener: Option<String>,
    pub premise: Option<String>,
    pub description: Option<String>,
    pub target_audience: Option<String>,
    pub themes: Option<Value>,
    pub comparables: Option<Value>,
    pub key_talent: Option<Value>,
    pub characters: Option<Value>,
    pub world_description: Option<String>,
    pub why_now: Option<String>,
    pub personal_connection: Option<String>,
    pub thumbnail_url: Option<String>,
    pub media_files: Option<Value>,
    pub budget: Option<String>,
    pub estimated_budget: Option<String>,
    pub stage: Option<String>,
    pub seeking_investment: bool,
    #[serde(rename = "requiresNDA")]
    pub requires_nda: bool,
    pub nda_type: Option<Agreement>,
    #[serde(rename = "customNDAUrl")]
    pub custom_nda_url: Option<String>,
    pub custom_nda_sha256: Option<String>,
}

impl Content {
    /// The content of a new pitch.
    pub fn new(input: &PitchInput) -> Result<Self, Error> {
        let mut missing = Writer::default();
        missing.required("title", input.title.is_absent());
        missing.required("logline", input.logline.is_absent());
        missing.required("genre", input.genre.is_absent());
        missing.required("format", input.format.is_absent());
        Self::erased().write(input, missing)
    }

    /// What is left of a deleted pitch: nothing.
    pub fn erased() -> Self {
        Self {
            title: "Deleted pitch".to_owned(),
            logline: "This pitch was deleted.".to_owned(),
            genre: Genre::Other,
            format: Format::Other,
            format_category: None,
            short_synopsis: None,
            long_synopsis: None,
            opener: None,
            premise: None,
            description: None,
            target_audience: None,
            themes: None,
            comparables: None,
            key_talent: None,
            characters: None,
            world_description: None,
            why_now: None,
            personal_connection: None,
            thumbnail_url: None,
            media_files: None,
            budget: None,
            estimated_budget: None,
            stage: None,
            seeking_investment: false,
            requires_nda: false,
            nda_type: None,
            custom_nda_url: None,
            custom_nda_sha256: None,
        }
    }

    /// This content with what `input` says: given keys replace, null clears, the others stay.
    pub fn merged(self, input: &PitchInput) -> Result<Self, Error> {
        self.write(input, Writer::default())
    }

    fn write(mut self, input: &PitchInput, mut writer: Writer) -> Result<Self, Error> {
        writer.mandatory("title", &input.title, 3, 200, &mut self.title);
        writer.mandatory("logline", &input.logline, 10, 500, &mut self.logline);
        writer.genre(&input.genre, &mut self.genre);
        writer.format(&input.format, &mut self.format, &mut self.format_category);
        writer.text("formatCategory", &input.format_category, 100, &mut self.format_category);
        for (name, given, field) in [
            ("shortSynopsis", &input.short_synopsis, &mut self.short_synopsis),
            ("longSynopsis", &input.long_synopsis, &mut self.long_synopsis),
            ("opener", &input.opener, &mut self.opener),
            ("premise", &input.premise, &mut self.premise),
            ("description", &input.description, &mut self.description),
            ("targetAudience", &input.target_audience, &mut self.target_audience),
            ("worldDescription", &input.world_description, &mut self.world_description),
            ("whyNow", &input.why_now, &mut self.why_now),
            ("personalConnection", &input.personal_connection, &mut self.personal_connection),
        ] {
            writer.text(name, given, 50_000, field);
        }
        // Both are searched, and what is searched of a pitch has to fit a tsvector.
        writer.list("themes", &input.themes, 200, &mut self.themes);
        writer.list("comparables", &input.comparables, 200, &mut self.comparables);
        writer.list("keyTalent", &input.key_talent, 2_000, &mut self.key_talent);
        writer.list("characters", &input.characters, 2_000, &mut self.characters);
        writer.url("thumbnailUrl", &input.thumbnail_url, &mut self.thumbnail_url);
        writer.amount("budget", input.budget.or(&input.budget_range), &mut self.budget);
        writer.amount("estimatedBudget", &input.estimated_budget, &mut self.estimated_budget);
        writer.text("stage", input.stage.or(&input.production_stage), 50, &mut self.stage);
        writer.flag(&input.seeking_investment, &mut self.seeking_investment);
        writer.flag(input.requires_nda.or(&input.require_nda), &mut self.requires_nda);
        writer.agreement(&input.nda_type, &mut self.nda_type);
        if self.requires_nda && self.nda_type.is_none() {
            self.nda_type = Some(Agreement::Basic);
        }
        writer.finish(self)
    }

    /// What publishing needs and is not there.
    pub fn missing_for_publication(&self) -> Vec<FieldError> {
        let filled = |text: &str| !text.trim().is_empty();
        [
            ("title", filled(&self.title)),
            ("logline", filled(&self.logline)),
            ("shortSynopsis", self.short_synopsis.as_deref().is_some_and(filled)),
        ]
        .into_iter()
        .filter(|(_, there)| !there)
        .map(|(name, _)| FieldError::new(name, "required", "Publishing needs this field."))
        .collect()
    }

    /// How much of a pitch is written, in percent: each of twenty parts counts the same.
    pub fn completion(&self) -> i32 {
        let text = |field: &Option<String>| field.as_deref().is_some_and(|text| !text.trim().is_empty());
        let list = |field: &Option<Value>| {
            field.as_ref().and_then(Value::as_array).is_some_and(|list| !list.is_empty())
        };
        let parts = [
            !self.title.is_empty(),
            !self.logline.is_empty(),
            true, // genre
            true, // format
            text(&self.short_synopsis),
            text(&self.long_synopsis),
            text(&self.opener),
            text(&self.premise),
            text(&self.description),
            text(&self.target_audience),
            list(&self.themes),
            list(&self.comparables),
            list(&self.key_talent),
            list(&self.characters),
            text(&self.world_description),
            text(&self.why_now),
            text(&self.personal_connection),
            text(&self.stage),
            text(&self.budget) || text(&self.estimated_budget),
            text(&self.thumbnail_url),
        ];
        let filled = parts.into_iter().filter(|filled| *filled).count();
        i32::try_from(filled * 100 / parts.len()).unwrap_or(100)
    }

    /// The bytes that are hashed, and their SHA-256 in hex.
    pub fn canonical(&self) -> Result<(String, String), Error> {
        let text = canonical(self)?;
        let hash = sha256(text.as_bytes());
        Ok((text, hash))
    }
}

/// `value` as canonical JSON (RFC 8785): the same bytes for the same content, on any machine.
pub fn canonical(value: &impl Serialize) -> Result<String, Error> {
    serde_json_canonicalizer::to_string(value).map_err(|error| Error::Internal(error.into()))
}

/// SHA-256 of `bytes`, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
