//! Own numbers as a file. It is read in pieces, each in a transaction of its own, while it is sent: of any size, at the same cost.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use async_stream::try_stream;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use garde::Validate;
use pitchey_db::audit;
use pitchey_events::{PitchId, UserId};
use pitchey_web::{Actor, Origin, Timestamp, ValidatedJson};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::Error;
use crate::owners;
use crate::state::Door;
use crate::store::{events, rollups, tracked_pitches, views};
use crate::words::{Grain, Timeframe};

/// Rows read at a time.
const ROWS: i64 = 1_000;

/// What to export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
enum What {
    /// Every counted view of the own pitches.
    #[default]
    Views,
    /// Their sums by day.
    Days,
    /// What the own client reported, and what was noted of the caller.
    Activity,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Csv,
    Json,
}

/// Nothing is required: the views of all own pitches in 30 days, as CSV.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Wanted {
    #[serde(rename = "type")]
    #[garde(skip)]
    what: What,
    #[garde(skip)]
    format: Format,
    #[garde(skip)]
    timeframe: Timeframe,
    /// Only of this pitch.
    #[garde(skip)]
    pitch_id: Option<i32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ViewRow {
    at: Timestamp,
    pitch_id: i32,
    viewer_id: Option<i32>,
    viewer_type: Option<String>,
    source: Option<String>,
    seconds: Option<i32>,
    protected: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DayRow {
    day: String,
    pitch_id: i32,
    viewer_type: String,
    source: String,
    views: i64,
    protected_views: i64,
    timed_views: i64,
    seconds: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ActivityRow {
    at: Timestamp,
    event_type: String,
    event_category: Option<String>,
    event_action: Option<String>,
    event_label: Option<String>,
    event_value: Option<i32>,
    /// JSON.
    event_data: Option<String>,
    session_id: Option<String>,
    pitch_id: Option<i32>,
    origin: String,
}

/// Streams own numbers as CSV or JSON.
#[utoipa::path(tag = "analytics", request_body = Wanted, responses((status = 200, body = String, content_type = "text/csv"),
    (status = 401), (status = 403), (status = 404)))]
#[post("/api/export")]
pub(super) async fn export(
    door: Data<Door>,
    actor: Actor,
    origin: Origin,
    ValidatedJson(wanted): ValidatedJson<Wanted>,
) -> Result<HttpResponse, Error> {
    if let Some(id) = wanted.pitch_id {
        owners::require(&door, &actor, PitchId(id)).await?;
    }
    let mut tx = door.databases.user.begin(Some(actor.id)).await?;
    let pitches = match wanted.pitch_id {
        Some(id) => vec![PitchId(id)],
        None => {
            let own = tracked_pitches::of_owner(&mut tx, actor.id).await?;
            own.into_iter().map(|pitch| PitchId(pitch.pitch_id)).collect()
        }
    };
    let entry = audit::Entry {
        actor: Some(actor.id),
        action: "analytics.exported",
        new_values: Some(
            json!({ "type": wanted.what, "format": wanted.format, "timeframe": wanted.timeframe }),
        ),
        ..Default::default()
    };
    audit::record(&mut tx, &origin, entry);
    tx.commit().await?;
    let since = wanted.timeframe.since(door.clock.now());
    let (media_type, extension) = match wanted.format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Json => ("application/json", "json"),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, media_type))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"pitchey-export.{extension}\"")))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .streaming(Box::pin(file(door, actor.id, (wanted.what, wanted.format), pitches, since))))
}

/// The file. One that breaks off is sent without its end, so that nobody takes it for whole.
fn file(
    door: Data<Door>,
    user: UserId,
    (what, format): (What, Format),
    pitches: Vec<PitchId>,
    since: DateTime<Utc>,
) -> impl Stream<Item = Result<Bytes, Error>> {
    try_stream! {
        let mut writer = Writer::new(format);
        match what {
            What::Views => for pitch in pitches {
                let mut after = None;
                loop {
                    let mut tx = door.databases.user.begin(Some(user)).await?;
                    let rows = views::of_pitch(&mut tx, pitch, since, after, ROWS).await?;
                    tx.commit().await?;
                    let Some(last) = rows.last() else { break };
                    after = Some((last.created_at, last.id));
                    yield writer.write(rows.into_iter().map(ViewRow::from))?;
                }
            },
            What::Days => for pitch in pitches {
                let mut tx = door.databases.user.begin(Some(user)).await?;
                let sums = rollups::of_pitch(&mut tx, pitch, Grain::Days, since).await?;
                tx.commit().await?;
                yield writer.write(sums.into_iter().map(|sum| DayRow::of(pitch, sum)))?;
            },
            What::Activity => {
                let mut after = (since, 0);
                loop {
                    let mut tx = door.databases.user.begin(Some(user)).await?;
                    let rows = events::of_user(&mut tx, user, after, ROWS).await?;
                    tx.commit().await?;
                    let Some(last) = rows.last() else { break };
                    after = (last.created_at, last.id);
                    yield writer.write(rows.into_iter().map(ActivityRow::from))?;
                }
            }
        }
        yield writer.end();
    }
}

/// Rows in the format asked for.
struct Writer {
    format: Format,
    any: bool,
}

impl Writer {
    const fn new(format: Format) -> Self {
        Self { format, any: false }
    }

    fn write<T: Serialize>(&mut self, rows: impl Iterator<Item = T>) -> Result<Bytes, Error> {
        let mut out = Vec::new();
        match self.format {
            Format::Json => {
                for row in rows {
                    out.push(if self.any { b',' } else { b'[' });
                    self.any = true;
                    serde_json::to_writer(&mut out, &row).map_err(unwritable)?;
                }
            }
            Format::Csv => {
                let mut csv = csv::WriterBuilder::new().has_headers(!self.any).from_writer(&mut out);
                for row in rows {
                    self.any = true;
                    csv.serialize(row).map_err(unwritable)?;
                }
                csv.flush().map_err(unwritable)?;
            }
        }
        Ok(out.into())
    }

    fn end(&self) -> Bytes {
        Bytes::from_static(match (self.format, self.any) {
            (Format::Json, true) => b"]",
            (Format::Json, false) => b"[]",
            (Format::Csv, _) => b"",
        })
    }
}

fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Unwritable(Box::new(error))
}

impl From<views::View> for ViewRow {
    fn from(row: views::View) -> Self {
        Self {
            at: row.created_at.into(),
            pitch_id: row.pitch_id,
            viewer_id: row.viewer_id,
            viewer_type: row.viewer_type,
            source: row.source,
            seconds: row.duration,
            protected: row.protected,
        }
    }
}

impl DayRow {
    fn of(pitch: PitchId, sum: rollups::Sum) -> Self {
        Self {
            day: sum.at.date_naive().to_string(),
            pitch_id: pitch.0,
            viewer_type: sum.viewer_type,
            source: sum.source,
            views: sum.views,
            protected_views: sum.protected_views,
            timed_views: sum.timed_views,
            seconds: sum.seconds,
        }
    }
}

impl From<events::Own> for ActivityRow {
    fn from(row: events::Own) -> Self {
        Self {
            at: row.created_at.into(),
            event_type: harmless(row.event_type),
            event_category: row.event_category.map(harmless),
            event_action: row.event_action.map(harmless),
            event_label: row.event_label.map(harmless),
            event_value: row.event_value,
            event_data: row.metadata.map(|data| data.to_string()),
            session_id: row.session_id.map(harmless),
            pitch_id: row.pitch_id,
            origin: row.origin,
        }
    }
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}
