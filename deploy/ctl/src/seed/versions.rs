//! Pitches and the first version of each, as the service makes them.

use serde_json::{Value, json};

use super::data::{Demo, Pitch};
use crate::Failure;

/// The rows of `pitches`.
pub(super) fn pitches(demo: &Demo) -> Result<Value, Failure> {
    demo.pitches
        .iter()
        .map(|pitch| {
            Ok(json!({
                "id": pitch.id,
                "owner": pitch.owner,
                "content": patched(&pitch.content),
                "completion": 50,
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
pub(super) fn first(demo: &Demo) -> Result<Value, Failure> {
    demo.pitches
        .iter()
        .map(|pitch| {
            Ok(json!({
                "pitch_id": pitch.id,
                "content": pitch.content,
                "content_sha256": "0".repeat(64),
                "author_id": pitch.owner,
                "created": pitch.created,
            }))
        })
        .collect()
}

fn patched(content: &serde_json::Map<String, Value>) -> Value {
    let mut c = content.clone();
    for k in ["requiresNDA", "seekingInvestment"] {
        c.entry(k).or_insert(json!(false));
    }
    json!(c)
}
