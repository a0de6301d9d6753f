//! What was seen, mailed and logged.

use chrono::TimeDelta;
use serde_json::Value;

use super::mending::{Mending, default, is_null, number, set, text, time, times};
use super::table::{Key, Row, Table};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "pitch_views",
        from: None,
        key: Key::Number,
        columns: "id, pitch_id, viewer_id, viewer_type, duration, source, ip_address, user_agent, created_at",
        mend: view,
        beside: None,
    },
    Table {
        name: "analytics_events",
        from: None,
        key: Key::Number,
        columns: "id, user_id, event_type, event_category, event_action, event_label, event_value, metadata,
            session_id, created_at",
        mend: event,
        beside: None,
    },
    Table {
        name: "email_preferences",
        from: None,
        key: Key::Number,
        columns: "id, user_id, nda_requests, messages, pitch_views, weekly_digest, marketing, updated_at",
        mend: preferences,
        beside: None,
    },
    Table {
        name: "email_queue",
        from: None,
        key: Key::Number,
        columns: "id, to_email, from_email, subject, html_content, text_content, status, priority, attempts, sent_at,
            error, metadata, scheduled_for, created_at, template, dedupe_key, message_id",
        mend: mail,
        beside: None,
    },
    Table {
        name: "email_events",
        from: None,
        key: Key::Number,
        columns: "id, email_id, event, \"timestamp\", metadata",
        mend: mail_event,
        beside: None,
    },
    Table {
        name: "audit_log",
        from: None,
        key: Key::Number,
        columns: "id, user_id, action, entity_type, entity_id, old_values, new_values, ip_address, user_agent, created_at",
        mend: logged,
        beside: None,
    },
];

const RAW_ADDRESSES: TimeDelta = TimeDelta::days(30);
const EVENTS: TimeDelta = TimeDelta::days(25 * 31);
const BODIES: TimeDelta = TimeDelta::days(30);
const LOGGED_ADDRESSES: TimeDelta = TimeDelta::days(13 * 31);

fn older(mending: &Mending, row: &Row, than: TimeDelta) -> bool {
    time(row, "created_at").is_none_or(|at| at < mending.now - than)
}

fn view(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    times(row);
    if !matches!(
        text(row, "viewer_type"),
        Some("creator" | "production" | "investor" | "viewer" | "anonymous")
    ) {
        let nobody = is_null(row, "viewer_id");
        set(row, "viewer_type", if nobody { Value::from("anonymous") } else { Value::Null });
    }
    if let Some(duration) = number(row, "duration").filter(|seconds| !(0..=7_200).contains(seconds)) {
        set(row, "duration", duration.clamp(0, 7_200));
        mending.mended("a duration beyond two hours is two hours");
    }
    if older(mending, row, RAW_ADDRESSES) {
        set(row, "ip_address", Value::Null);
        set(row, "user_agent", Value::Null);
    }
    Ok(())
}

fn event(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    times(row);
    if older(mending, row, EVENTS) { Err("older than they are kept".to_owned()) } else { Ok(()) }
}

fn preferences(_: &mut Mending, row: &mut Row) -> Result<(), String> {
    for (column, value) in [
        ("nda_requests", "instant"),
        ("messages", "instant"),
        ("pitch_views", "daily"),
        ("marketing", "weekly"),
    ] {
        default(row, column, value);
    }
    default(row, "weekly_digest", true);
    default(row, "updated_at", "2000-01-01T00:00:00Z");
    Ok(())
}

/// Nothing is sent that the former platform had not sent.
fn mail(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    let id = number(row, "id").ok_or("no id")?;
    times(row);
    default(row, "attempts", 0);
    default(row, "status", "pending");
    let priority = number(row, "priority").unwrap_or(5);
    set(row, "priority", priority.clamp(1, 10));
    if text(row, "status") == Some("pending") {
        set(row, "status", "failed");
        set(row, "error", "not sent before the move");
        mending.mended("a mail that was not sent is not sent any more");
    }
    let created_at = row["created_at"].clone();
    default(row, "scheduled_for", created_at);
    if older(mending, row, BODIES) {
        set(row, "html_content", Value::Null);
        set(row, "text_content", Value::Null);
    }
    set(row, "template", "imported");
    set(row, "dedupe_key", format!("import/{id}"));
    set(row, "message_id", format!("<import.{id}@pitchey.invalid>"));
    Ok(())
}

fn mail_event(_: &mut Mending, row: &mut Row) -> Result<(), String> {
    default(row, "timestamp", "2000-01-01T00:00:00Z");
    Ok(())
}

fn logged(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    times(row);
    if older(mending, row, LOGGED_ADDRESSES) {
        set(row, "ip_address", Value::Null);
        set(row, "user_agent", Value::Null);
    }
    Ok(())
}
