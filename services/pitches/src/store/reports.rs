//! `content_reports`: what users tell the moderators.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::{Counted, Tx};
use pitchey_events::{PitchId, UserId};

use super::Place;
use crate::schema::content_reports as reports;
use crate::schema::pitches;
use crate::words::{Reason, ReportStatus};

/// A report.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = reports)]
pub struct Report {
    pub id: i64,
    pub reporter_id: i32,
    pub pitch_id: i32,
    pub reason: Reason,
    pub description: Option<String>,
    pub status: ReportStatus,
    pub created_at: DateTime<Utc>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub resolved_by: Option<i32>,
    pub note: Option<String>,
}

/// A new report. `None`: this user has an open one on this pitch.
pub async fn insert(
    tx: &mut Tx,
    reporter: UserId,
    pitch: PitchId,
    reason: Reason,
    description: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Report>> {
    diesel::insert_into(reports::table)
        .values((
            reports::reporter_id.eq(reporter.0),
            reports::pitch_id.eq(pitch.0),
            reports::reason.eq(reason),
            reports::description.eq(description),
            reports::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .returning(Report::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// The open report of `reporter` on `pitch`.
pub async fn open(tx: &mut Tx, reporter: UserId, pitch: PitchId) -> QueryResult<Option<Report>> {
    reports::table
        .filter(reports::reporter_id.eq(reporter.0))
        .filter(reports::pitch_id.eq(pitch.0))
        .filter(reports::status.eq(ReportStatus::Open))
        .select(Report::as_select())
        .first(tx)
        .await
        .optional()
}

/// One report.
pub async fn find(tx: &mut Tx, id: i64) -> QueryResult<Option<Report>> {
    reports::table.find(id).select(Report::as_select()).first(tx).await.optional()
}

/// Decides an open report. `None`: it is not open.
pub async fn resolve(
    tx: &mut Tx,
    id: i64,
    admin: UserId,
    outcome: ReportStatus,
    note: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Report>> {
    diesel::update(reports::table.find(id).filter(reports::status.eq(ReportStatus::Open)))
        .set((
            reports::status.eq(outcome),
            reports::resolved_by.eq(admin.0),
            reports::resolved_at.eq(now),
            reports::note.eq(note),
        ))
        .returning(Report::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// Reports with the titles of what they are about, newest first: one page and one more, and how many there are.
pub async fn list(
    tx: &mut Tx,
    status: Option<ReportStatus>,
    place: Place<i64>,
) -> QueryResult<(Vec<(Report, String)>, i64)> {
    let counted =
        Counted(all(status).select(reports::id).limit(pitchey_web::COUNTED + 1)).get_result(tx).await?;
    let mut page = all(status);
    if let Some((at, id)) = place.after {
        page =
            page.filter(reports::created_at.le(at)).filter(reports::created_at.lt(at).or(reports::id.lt(id)));
    }
    let rows = page
        .inner_join(pitches::table.on(reports::pitch_id.eq(pitches::id)))
        .select((Report::as_select(), pitches::title))
        .order((reports::created_at.desc(), reports::id.desc()))
        .offset(place.offset)
        .limit(place.limit + 1)
        .load(tx)
        .await?;
    Ok((rows, counted))
}

fn all<'a>(status: Option<ReportStatus>) -> reports::BoxedQuery<'a, Pg> {
    let all = reports::table.into_boxed();
    match status {
        Some(status) => all.filter(reports::status.eq(status)),
        None => all,
    }
}

/// Erases what `user` wrote to the moderators; that something was reported stays.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::update(reports::table.filter(reports::reporter_id.eq(user.0)))
        .set(reports::description.eq(None::<String>))
        .execute(tx)
        .await?;
    Ok(())
}
