//! Pitches and the first version of each, as the service writes them.

use std::collections::BTreeMap;

use pitchey_pitches::seeding::{self, Written};
use serde_json::{Value, json};

use super::data::{Demo, Pitch};
use crate::Failure;

/// What the service makes of each pitch's content, by the pitch's id.
pub(super) fn write(demo: &Demo) -> Result<BTreeMap<i32, Written>, Failure> {
    demo.pitches.iter().map(|pitch| Ok((pitch.id, written(pitch)?))).collect()
}

fn written(pitch: &Pitch) -> Result<Written, Failure> {
    let failed = |what: String| Failure::Failed(format!("demo data: pitch {}: {what}", pitch.id));
    let written = seeding::write(json!(pitch.content)).map_err(|error| failed(error.to_string()))?;
    // The API ignores keys it does not know; here one is a mistake.
    match pitch.content.keys().find(|key| written.content.get(key.as_str()).is_none()) {
        Some(unknown) => Err(failed(format!("{unknown}: no such field"))),
        None => Ok(written),
    }
}

/// The rows of `pitches`. Of a deleted one the content is gone.
pub(super) fn pitches(demo: &Demo, written: &BTreeMap<i32, Written>) -> Result<Value, Failure> {
    let erased = seeding::erased().map_err(|error| Failure::Failed(error.to_string()))?;
    let rows = demo.pitches.iter().filter_map(|pitch| Some((pitch, written.get(&pitch.id)?)));
    rows.map(|(pitch, written)| {
        let (content, completion) = match pitch.deleted {
            None => (written.content.clone(), written.completion),
            Some(_) => (erased.clone(), 0),
        };
        Ok(json!({
            "id": pitch.id,
            "owner": pitch.owner,
            "content": content,
            "completion": completion,
            "status": pitch.status,
            "hidden_by": pitch.hidden_by,
            "status_before_archive": pitch.status_before_archive,
            "created": pitch.created,
            "published": pitch.published,
            "updated": pitch.updated,
            "deleted": pitch.deleted,
        }))
    })
    .collect()
}

/// The rows of `pitch_versions`.
pub(super) fn first(demo: &Demo, written: &BTreeMap<i32, Written>) -> Value {
    let rows = demo.pitches.iter().filter_map(|pitch| Some((pitch, written.get(&pitch.id)?)));
    rows.map(|(pitch, written)| {
        json!({
            "pitch_id": pitch.id,
            "content": pitch.deleted.is_none().then_some(&written.canonical),
            "content_sha256": written.hash,
            "author_id": pitch.owner,
            "created": pitch.created,
        })
    })
    .collect()
}
