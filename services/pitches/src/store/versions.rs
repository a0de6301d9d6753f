//! `pitch_versions`: every content a pitch ever had.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::{Counted, Tx};
use pitchey_events::{PitchId, UserId};

use crate::schema::pitch_versions as versions;

/// A version, without what it says.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = versions)]
pub struct Version {
    pub number: i32,
    pub content_sha256: String,
    pub author_id: i32,
    pub created_at: DateTime<Utc>,
}

/// Adds version `number`; its content is already canonical.
pub async fn insert(
    tx: &mut Tx,
    pitch: PitchId,
    number: i32,
    (content, hash): (&str, &str),
    author: UserId,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(versions::table)
        .values((
            versions::pitch_id.eq(pitch.0),
            versions::number.eq(number),
            versions::content.eq(content),
            versions::content_sha256.eq(hash),
            versions::author_id.eq(author.0),
            versions::created_at.eq(now),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// The newest version. Under the lock of the pitch it stays the newest.
pub async fn newest(tx: &mut Tx, pitch: PitchId) -> QueryResult<Version> {
    versions::table
        .filter(versions::pitch_id.eq(pitch.0))
        .order(versions::number.desc())
        .select(Version::as_select())
        .first(tx)
        .await
}

/// One version with its content, which a tombstone has lost.
pub async fn find(
    tx: &mut Tx,
    pitch: PitchId,
    number: i32,
) -> QueryResult<Option<(Version, Option<String>)>> {
    versions::table
        .find((pitch.0, number))
        .select((Version::as_select(), versions::content))
        .first(tx)
        .await
        .optional()
}

/// Versions from `first` on, newest first: one page and one more, and how many there are.
pub async fn list(
    tx: &mut Tx,
    pitch: PitchId,
    first: i32,
    before: Option<i32>,
    offset: i64,
    limit: i64,
) -> QueryResult<(Vec<Version>, i64)> {
    let all = || versions::table.filter(versions::pitch_id.eq(pitch.0)).filter(versions::number.ge(first));
    let counted =
        Counted(all().select(versions::number).limit(pitchey_web::COUNTED + 1)).get_result(tx).await?;
    let rows = all()
        .filter(versions::number.lt(before.unwrap_or(i32::MAX)))
        .order(versions::number.desc())
        .offset(offset)
        .limit(limit + 1)
        .select(Version::as_select())
        .load(tx)
        .await?;
    Ok((rows, counted))
}

/// Erases what all versions of a pitch say. Their hashes stay.
pub async fn erase(tx: &mut Tx, pitch: PitchId) -> QueryResult<()> {
    diesel::update(versions::table.filter(versions::pitch_id.eq(pitch.0)))
        .set(versions::content.eq(None::<String>))
        .execute(tx)
        .await?;
    Ok(())
}
