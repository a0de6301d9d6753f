//! `media_files`.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{MediaId, PitchId};

use crate::schema::{media_files as media, ndas};
use crate::words::MediaKind;

/// A file or a link.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = media)]
pub struct Media {
    pub id: i32,
    pub pitch_id: i32,
    pub kind: MediaKind,
    pub title: String,
    pub public: bool,
    pub media_type: Option<String>,
    pub size: Option<i64>,
    pub sha256: Option<String>,
    pub object_key: Option<String>,
    pub link: Option<String>,
    pub created_at: DateTime<Utc>,
    pub replaced_at: Option<DateTime<Utc>>,
}

/// What is kept here of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored<'a> {
    pub key: &'a str,
    pub media_type: &'a str,
    pub size: u64,
    pub sha256: &'a str,
}

impl Media {
    pub const fn id(&self) -> MediaId {
        MediaId(self.id)
    }

    pub const fn pitch(&self) -> PitchId {
        PitchId(self.pitch_id)
    }

    /// The file; `None` is a link.
    pub fn stored(&self) -> Option<Stored<'_>> {
        Some(Stored {
            key: self.object_key.as_deref()?,
            media_type: self.media_type.as_deref()?,
            size: u64::try_from(self.size?).ok()?,
            sha256: self.sha256.as_deref()?,
        })
    }
}

/// A new row.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = media)]
pub struct New<'a> {
    pub pitch_id: i32,
    pub owner_id: i32,
    pub kind: MediaKind,
    pub title: &'a str,
    pub public: bool,
    pub media_type: Option<&'a str>,
    pub size: Option<i64>,
    pub sha256: Option<&'a str>,
    pub object_key: Option<&'a str>,
    pub link: Option<&'a str>,
    pub created_at: DateTime<Utc>,
}

/// Inserts it; the same content of the same pitch and kind violates `media_files_content_key`.
pub async fn insert(tx: &mut Tx, new: &New<'_>) -> QueryResult<Media> {
    diesel::insert_into(media::table).values(new).returning(Media::as_returning()).get_result(tx).await
}

/// The row.
pub async fn find(tx: &mut Tx, id: MediaId) -> QueryResult<Option<Media>> {
    media::table.find(id.0).select(Media::as_select()).first(tx).await.optional()
}

/// What a pitch has, in the order in which it came; not what was replaced.
pub async fn of_pitch(tx: &mut Tx, pitch: PitchId) -> QueryResult<Vec<Media>> {
    there(pitch).load(tx).await
}

/// The query of [`of_pitch`].
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn there(pitch: PitchId) -> _ {
    let pitch: i32 = pitch.0;
    let row: diesel::dsl::AsSelect<Media, Pg> = Media::as_select();
    media::table
        .filter(media::pitch_id.eq(pitch))
        .filter(media::replaced_at.is_null())
        .order(media::id)
        .select(row)
}

/// The owner's own agreement for a pitch.
pub async fn custom_nda(tx: &mut Tx, pitch: PitchId) -> QueryResult<Option<Media>> {
    media::table
        .filter(media::pitch_id.eq(pitch.0))
        .filter(media::kind.eq(MediaKind::CustomNda))
        .filter(media::replaced_at.is_null())
        .select(Media::as_select())
        .first(tx)
        .await
        .optional()
}

/// Takes rows of `ids` away: those that an NDA names stay, replaced; the others go.
pub async fn take_away(tx: &mut Tx, ids: &[i32], now: DateTime<Utc>) -> QueryResult<()> {
    let named: Vec<i32> = ndas::table
        .filter(ndas::custom_file_id.eq_any(ids))
        .select(ndas::custom_file_id.assume_not_null())
        .distinct()
        .load(tx)
        .await?;
    diesel::update(media::table.filter(media::id.eq_any(named)))
        .filter(media::replaced_at.is_null())
        .set(media::replaced_at.eq(now))
        .execute(tx)
        .await?;
    diesel::delete(media::table.filter(media::id.eq_any(ids)).filter(media::replaced_at.is_null()))
        .execute(tx)
        .await?;
    Ok(())
}

/// Those of `keys` under which a row has its bytes.
pub async fn known_keys(tx: &mut Tx, keys: &[String]) -> QueryResult<Vec<String>> {
    media::table
        .filter(media::object_key.eq_any(keys))
        .select(media::object_key.assume_not_null())
        .load(tx)
        .await
}
