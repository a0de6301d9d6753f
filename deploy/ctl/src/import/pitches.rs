//! Pitches, each with its first version, NDAs and follows.

use serde_json::{Value, json};

use super::mending::{Mending, default, is_null, number, set, text, times};
use super::table::{Key, Row, Table};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "pitches",
        from: None,
        key: Key::Number,
        columns: "id, user_id, title, logline, genre, format, short_synopsis, long_synopsis, opener, premise,
            description, target_audience, budget, comparables, key_talent, themes, why_now, personal_connection,
            thumbnail_url, status, views, requires_nda, nda_type, custom_nda_url, stage, completion_percentage,
            created_at, updated_at, published_at, hidden_by, status_before_archive",
        mend: pitch,
        beside: Some(
            "INSERT INTO pitch_versions (pitch_id, number, content, content_sha256, author_id, created_at)
             SELECT id, 1, version_content, version_hash, user_id, created_at
             FROM jsonb_to_recordset($1) AS p (
                 id integer, version_content text, version_hash text, user_id integer, created_at timestamptz)
             WHERE EXISTS (SELECT FROM pitches WHERE pitches.id = p.id)
             ON CONFLICT DO NOTHING",
        ),
    },
    Table {
        name: "ndas",
        from: None,
        key: Key::Number,
        columns: "id, pitch_id, requester_id, owner_id, nda_type, status, request_message, reject_reason, signed_at,
            expires_at, document_url, ip_address, user_agent, created_at, updated_at, pitch_version, approved_at,
            rejected_at",
        mend: nda,
        beside: None,
    },
    Table {
        name: "follows",
        from: None,
        key: Key::Number,
        columns: "id, follower_id, following_id, pitch_id, created_at",
        mend: follow,
        beside: None,
    },
];

/// (column, name in the API) of what an owner writes and need not.
const OPTIONAL: [(&str, &str); 16] = [
    ("short_synopsis", "shortSynopsis"),
    ("long_synopsis", "longSynopsis"),
    ("opener", "opener"),
    ("premise", "premise"),
    ("description", "description"),
    ("target_audience", "targetAudience"),
    ("budget", "budget"),
    ("comparables", "comparables"),
    ("key_talent", "keyTalent"),
    ("themes", "themes"),
    ("why_now", "whyNow"),
    ("personal_connection", "personalConnection"),
    ("thumbnail_url", "thumbnailUrl"),
    ("stage", "stage"),
    ("nda_type", "ndaType"),
    ("custom_nda_url", "customNDAUrl"),
];

fn pitch(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    times(row);
    default(row, "status", "draft");
    default(row, "requires_nda", false);
    row.insert("description".to_owned(), Value::Null);
    names(mending, row);
    lists(row);
    life(mending, row);
    let views = number(row, "views").unwrap_or(0);
    if views < 0 {
        mending.mended("a negative count of views is none");
    }
    set(row, "views", views.max(0));

    // The content is written as if its owner sent it now; what would be refused is left out.
    let mut input = json!({
        "title": row["title"], "logline": row["logline"], "genre": row["genre"], "format": row["format"],
        "requiresNDA": row["requires_nda"],
    });
    let required = input.clone();
    pitchey_pitches::seeding::write(required.clone()).map_err(|error| format!("not a pitch: {error}"))?;
    for (column, name) in OPTIONAL {
        let Some(value) = row.get(column).filter(|value| !value.is_null()).cloned() else { continue };
        let mut alone = required.clone();
        alone[name] = value.clone();
        if pitchey_pitches::seeding::write(alone).is_ok() {
            input[name] = value;
        } else {
            set(row, column, Value::Null);
            mending.mended(column_refused(column));
        }
    }
    let written = pitchey_pitches::seeding::write(input).map_err(|error| format!("not a pitch: {error}"))?;
    set(row, "completion_percentage", written.completion);
    set(row, "version_content", written.canonical);
    set(row, "version_hash", written.hash);
    Ok(())
}

fn column_refused(column: &str) -> &'static str {
    match column {
        "comparables" | "key_talent" | "themes" => "a list of no shape that is known was left out",
        "thumbnail_url" | "custom_nda_url" => "an address that is none was left out",
        _ => "a text that is too long, or has characters that are none, was left out",
    }
}

/// Title and logline have lengths now.
fn names(mending: &mut Mending, row: &mut Row) {
    let title = text(row, "title").unwrap_or_default().trim().to_owned();
    let title = if title.chars().count() < 3 {
        mending.mended("a title of less than 3 characters was completed");
        format!("{title} (untitled)").trim().to_owned()
    } else {
        title
    };
    let logline = text(row, "logline").unwrap_or_default().trim().to_owned();
    let length = logline.chars().count();
    let kept = if length < 10 {
        mending.mended("a logline of less than 10 characters was completed with the title");
        format!("{logline} ({title}: no logline)").trim().chars().take(500).collect()
    } else if length > 500 {
        mending.mended("a logline of more than 500 characters was cut; the whole is in the description");
        set(row, "description", logline.clone());
        logline.chars().take(499).chain(['…']).collect()
    } else {
        logline
    };
    set(row, "title", title);
    set(row, "logline", kept);
}

/// Lists have the shapes of the API; the former ones were whatever a form sent.
fn lists(row: &mut Row) {
    let array = |value: &Value| match value {
        Value::Null => None,
        Value::Array(items) => Some(items.clone()),
        Value::String(text) => {
            Some(text.split(',').map(|part| json!(part.trim())).filter(|part| part != "").collect())
        }
        other => Some(vec![other.clone()]),
    };
    for (column, object_key) in
        [("themes", None), ("comparables", Some("title")), ("key_talent", Some("name"))]
    {
        let Some(items) = array(&row[column]) else { continue };
        let items: Vec<_> = items
            .into_iter()
            .filter_map(|item| match (item, object_key, column) {
                (Value::String(text), Some(key), "key_talent") => Some(json!({ key: text })),
                (item @ Value::String(_), ..) => Some(item),
                (item @ Value::Object(_), Some(key), _) if item[key].is_string() => Some(item),
                (Value::Object(fields), None, _) => fields.get("name").or(fields.get("title")).cloned(),
                (Value::Number(number), None, _) => Some(json!(number.to_string())),
                _ => None,
            })
            .collect();
        set(row, column, Value::Array(items));
    }
}

/// Each status says more now.
fn life(mending: &mut Mending, row: &mut Row) {
    let was_published = !is_null(row, "published_at");
    match text(row, "status").unwrap_or_default() {
        "published" if !was_published => {
            let at = row["updated_at"].clone();
            set(row, "published_at", at);
            mending.mended("a published pitch without the time of it has that of its last change");
        }
        "hidden" => set(row, "hidden_by", "owner"),
        "archived" => set(row, "status_before_archive", if was_published { "published" } else { "draft" }),
        _ => {}
    }
}

fn nda(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    let id = number(row, "id").ok_or("no id")?;
    if row["requester_id"] == row["owner_id"] {
        return Err("of an owner with oneself".to_owned());
    }
    times(row);
    default(row, "nda_type", "basic");
    default(row, "status", "pending");
    set(row, "pitch_version", 1);
    let changed = row["updated_at"].clone();
    if mending.surplus_ndas.contains(&id) {
        set(row, "status", "expired");
        mending.mended("a second active one for the same pitch and person has expired");
    }
    match text(row, "status").unwrap_or_default() {
        "approved" => {
            // What is signed is the very document that was offered, and none was kept.
            set(row, "status", "pending");
            mending.mended(
                "approved, but the document that was offered is not known: waits for the owner again",
            );
        }
        "rejected" => set(row, "rejected_at", changed),
        "signed" => {
            set(row, "approved_at", row["created_at"].clone());
            if is_null(row, "signed_at") {
                set(row, "signed_at", changed);
                mending.mended("signed without the time of it: has that of its last change");
            }
        }
        _ => {}
    }
    mending.seal(row, "ip_address", &format!("ndas.ip_address/{id}"))?;
    mending.seal(row, "user_agent", &format!("ndas.user_agent/{id}"))
}

fn follow(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    times(row);
    if row["follower_id"] == row["following_id"] {
        return Err("of oneself".to_owned());
    }
    match (is_null(row, "following_id"), is_null(row, "pitch_id")) {
        (true, true) => Err("of nothing".to_owned()),
        (false, false) => {
            set(row, "pitch_id", Value::Null);
            mending.mended("of a user and a pitch at once: of the user");
            Ok(())
        }
        _ => Ok(()),
    }
}
