//! `pitches`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{PitchId, UserId};
use serde_json::Value;

use crate::content::Content;
use crate::schema::{follows, pitch_comments, pitch_likes, pitch_share_links, pitches};
use crate::words::{Agreement, Format, Genre, HiddenBy, PitchStatus};

/// What lists show of a pitch, and what decides who may see more. It cannot be written as JSON: only the projection can do that.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = pitches)]
pub struct Card {
    pub id: i32,
    pub user_id: i32,
    pub title: String,
    pub logline: String,
    pub genre: Genre,
    pub format: Format,
    pub format_category: Option<String>,
    pub short_synopsis: Option<String>,
    pub target_audience: Option<String>,
    pub themes: Option<Value>,
    pub comparables: Option<Value>,
    pub why_now: Option<String>,
    pub thumbnail_url: Option<String>,
    pub media_files: Option<Value>,
    pub budget: Option<String>,
    pub estimated_budget: Option<String>,
    pub stage: Option<String>,
    pub seeking_investment: bool,
    pub requires_nda: bool,
    pub nda_type: Option<Agreement>,
    pub custom_nda_url: Option<String>,
    pub status: PitchStatus,
    pub hidden_by: Option<HiddenBy>,
    pub status_before_archive: Option<PitchStatus>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub views: i32,
    pub like_count: i32,
    pub nda_count: i32,
    pub comment_count: i32,
    pub promoted_until: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub published_at: Option<DateTime<Utc>>,
}

impl Card {
    pub const fn id(&self) -> PitchId {
        PitchId(self.id)
    }

    pub const fn owner(&self) -> UserId {
        UserId(self.user_id)
    }
}

/// The protected group.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = pitches)]
pub struct Protected {
    pub long_synopsis: Option<String>,
    pub opener: Option<String>,
    pub premise: Option<String>,
    pub key_talent: Option<Value>,
    pub personal_connection: Option<String>,
    pub description: Option<String>,
    pub characters: Option<Value>,
    pub world_description: Option<String>,
    pub completion_percentage: Option<i32>,
}

/// The pitch, unless it was deleted.
pub async fn card(tx: &mut Tx, id: PitchId) -> QueryResult<Option<Card>> {
    living(id).select(Card::as_select()).first(tx).await.optional()
}

/// Those of `ids` that are not deleted.
pub async fn cards(tx: &mut Tx, ids: &[i32]) -> QueryResult<Vec<Card>> {
    pitches::table
        .filter(pitches::id.eq_any(ids))
        .filter(pitches::deleted_at.is_null())
        .select(Card::as_select())
        .load(tx)
        .await
}

/// Whose the pitch is or was, deleted or not.
pub async fn owner(tx: &mut Tx, id: PitchId) -> QueryResult<Option<UserId>> {
    let owner: Option<i32> = pitches::table.find(id.0).select(pitches::user_id).first(tx).await.optional()?;
    Ok(owner.map(UserId))
}

/// The pitch with its protected group, unless it was deleted.
pub async fn whole(tx: &mut Tx, id: PitchId) -> QueryResult<Option<(Card, Protected)>> {
    living(id).select((Card::as_select(), Protected::as_select())).first(tx).await.optional()
}

/// The pitch with its content, unless it was deleted; locked against other writers.
pub async fn locked(tx: &mut Tx, id: PitchId) -> QueryResult<Option<(Card, Content)>> {
    living(id)
        .select((Card::as_select(), Content::as_select()))
        .for_no_key_update()
        .first(tx)
        .await
        .optional()
}

#[diesel::dsl::auto_type(no_type_alias)]
fn living(id: PitchId) -> _ {
    let id: i32 = id.0;
    pitches::table.filter(pitches::id.eq(id)).filter(pitches::deleted_at.is_null())
}

/// A new draft.
pub async fn insert(
    tx: &mut Tx,
    owner: UserId,
    content: &Content,
    now: DateTime<Utc>,
) -> QueryResult<(Card, Protected)> {
    diesel::insert_into(pitches::table)
        .values((
            content,
            pitches::user_id.eq(owner.0),
            pitches::completion_percentage.eq(content.completion()),
            pitches::created_at.eq(now),
            pitches::updated_at.eq(now),
        ))
        .returning((Card::as_select(), Protected::as_select()))
        .get_result(tx)
        .await
}

/// Replaces the content.
pub async fn write(
    tx: &mut Tx,
    id: PitchId,
    content: &Content,
    now: DateTime<Utc>,
) -> QueryResult<(Card, Protected)> {
    diesel::update(pitches::table.find(id.0))
        .set((
            content,
            pitches::completion_percentage.eq(content.completion()),
            pitches::updated_at.eq(now),
            pitches::version.eq(pitches::version + 1),
        ))
        .returning((Card::as_select(), Protected::as_select()))
        .get_result(tx)
        .await
}

/// What a move through the life cycle sets.
#[derive(AsChangeset)]
#[diesel(table_name = pitches, treat_none_as_null = true)]
pub struct Stand {
    pub status: PitchStatus,
    pub hidden_by: Option<HiddenBy>,
    pub status_before_archive: Option<PitchStatus>,
    pub published_at: Option<DateTime<Utc>>,
}

/// Moves the pitch, if it still stands at `from`. `None`: somebody else moved it.
pub async fn stand(
    tx: &mut Tx,
    id: PitchId,
    from: PitchStatus,
    to: Stand,
    now: DateTime<Utc>,
) -> QueryResult<Option<(Card, Protected)>> {
    diesel::update(pitches::table.find(id.0).filter(pitches::status.eq(from)))
        .set((to, pitches::updated_at.eq(now), pitches::version.eq(pitches::version + 1)))
        .returning((Card::as_select(), Protected::as_select()))
        .get_result(tx)
        .await
        .optional()
}

/// Removes a pitch that was never published.
pub async fn remove(tx: &mut Tx, id: PitchId) -> QueryResult<()> {
    diesel::delete(pitches::table.find(id.0)).execute(tx).await?;
    Ok(())
}

/// The pitches of a user whose account is deleted, that are not.
pub async fn of_deleted_user(tx: &mut Tx, owner: UserId) -> QueryResult<Vec<i32>> {
    pitches::table
        .filter(pitches::user_id.eq(owner.0))
        .filter(pitches::deleted_at.is_null())
        .select(pitches::id)
        .order(pitches::id)
        .load(tx)
        .await
}

/// Turns a pitch into a tombstone, and returns its version then. What others said and followed of it goes.
pub async fn bury(tx: &mut Tx, id: PitchId, now: DateTime<Utc>) -> QueryResult<i64> {
    diesel::delete(follows::table.filter(follows::pitch_id.eq(id.0))).execute(tx).await?;
    diesel::delete(pitch_likes::table.filter(pitch_likes::pitch_id.eq(id.0))).execute(tx).await?;
    diesel::delete(pitch_comments::table.filter(pitch_comments::pitch_id.eq(id.0))).execute(tx).await?;
    diesel::delete(pitch_share_links::table.filter(pitch_share_links::pitch_id.eq(id.0))).execute(tx).await?;
    diesel::update(pitches::table.find(id.0))
        .set((
            Content::erased(),
            pitches::completion_percentage.eq(0),
            pitches::status.eq(PitchStatus::Draft),
            pitches::status_before_archive.eq(None::<PitchStatus>),
            pitches::promoted_until.eq(None::<DateTime<Utc>>),
            pitches::like_count.eq(0),
            pitches::comment_count.eq(0),
            pitches::deleted_at.eq(now),
            pitches::updated_at.eq(now),
            pitches::version.eq(pitches::version + 1),
        ))
        .returning(pitches::version)
        .get_result(tx)
        .await
}

diesel::define_sql_function! {
    fn greatest(one: Integer, other: Integer) -> Integer;
}

/// Adds `by` to the count of signed NDAs: not a change of the pitch. Lock order: the NDA first. A count that was wrong keeps no NDA from ending.
pub async fn count_signed(tx: &mut Tx, id: i32, by: i32) -> QueryResult<()> {
    diesel::update(pitches::table.find(id))
        .set(pitches::nda_count.eq(greatest(pitches::nda_count + by, 0)))
        .execute(tx)
        .await?;
    Ok(())
}

/// What is counted on a pitch by the transaction of what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Likes,
    Comments,
}

/// Adds `by` to a count, and returns it: not a change of the pitch. Everybody who likes the pitch waits here for everybody else, so it comes last
/// before the commit. A pitch that is gone counts nothing.
pub async fn count(tx: &mut Tx, id: i32, what: Count, by: i32) -> QueryResult<i32> {
    let counted = match what {
        Count::Likes => {
            diesel::update(pitches::table.find(id))
                .set(pitches::like_count.eq(greatest(pitches::like_count + by, 0)))
                .returning(pitches::like_count)
                .get_result(tx)
                .await
        }
        Count::Comments => {
            diesel::update(pitches::table.find(id))
                .set(pitches::comment_count.eq(greatest(pitches::comment_count + by, 0)))
                .returning(pitches::comment_count)
                .get_result(tx)
                .await
        }
    };
    Ok(counted.optional()?.unwrap_or(0))
}

/// Shows the published pitch among the featured until `until`, unless it is now already. `None`: it is, or it is not published.
pub async fn promote(
    tx: &mut Tx,
    id: PitchId,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<Option<(Card, Protected)>> {
    let promotable = pitches::table
        .find(id.0)
        .filter(pitches::status.eq(PitchStatus::Published))
        .filter(pitches::promoted_until.is_null().or(pitches::promoted_until.le(now)));
    diesel::update(promotable)
        .set((pitches::promoted_until.eq(until), pitches::version.eq(pitches::version + 1)))
        .returning((Card::as_select(), Protected::as_select()))
        .get_result(tx)
        .await
        .optional()
}

/// Keeps requests for an NDA of this pitch out until the transaction ends: for its deletion.
pub fn gate(tx: &mut Tx, id: PitchId) {
    tx.lock(&format!("pitches/ndas_of/{id}"));
}

/// Waits for a deletion of this pitch, and keeps it out until the transaction ends.
pub fn pass_gate(tx: &mut Tx, id: PitchId) {
    tx.lock_shared(&format!("pitches/ndas_of/{id}"));
}
