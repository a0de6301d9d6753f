//! `ndas`: rows, and how they are found.

mod lists;
mod moves;

#[cfg(test)]
pub(super) use lists::page;
pub use lists::{Side, counts, ending, list, median_answer_seconds, open_of_pitch, overdue, unanswered};
pub use moves::{Offer, Signature, approve, expire, reject, remind, revoke, sign, warn, withdraw};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{NdaId, PitchId, UserId};
use serde_json::Value;
use uuid::Uuid;

use crate::schema::{ndas, pitch_versions as versions};
use crate::words::{Agreement, NdaStatus};

/// How long a request may stay unanswered.
pub const ANSWER_WITHIN: TimeDelta = TimeDelta::days(14);
/// How long an approved one may stay unsigned.
pub const SIGN_WITHIN: TimeDelta = TimeDelta::days(30);

/// A row, without the document itself and the signer's address.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = ndas)]
pub struct Nda {
    pub id: i32,
    pub pitch_id: i32,
    pub requester_id: i32,
    pub owner_id: i32,
    pub nda_type: Agreement,
    pub status: NdaStatus,
    pub request_message: Option<String>,
    pub reject_reason: Option<String>,
    pub signed_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub pitch_version: i32,
    pub hold_key: Option<Uuid>,
    pub terms: Option<String>,
    pub expiry_days: Option<i32>,
    pub document_hash: Option<String>,
    pub approved_at: Option<DateTime<Utc>>,
    pub approved_by: Option<i32>,
    /// The owner's own agreement, as it was when access was asked for.
    pub custom_file_id: Option<i32>,
    pub rejected_at: Option<DateTime<Utc>>,
    pub signer_name: Option<String>,
    pub signer_title: Option<String>,
    pub signer_company: Option<String>,
    pub receipt: Option<Value>,
    pub signed_copy_hash: Option<String>,
    pub revoked_by: Option<i32>,
    pub revoke_reason: Option<String>,
    /// Whether the pitch is still there for who signed: neither deleted nor hidden by a moderator.
    #[diesel(select_expression = sql(PITCH_OPEN), select_expression_type = SqlLiteral<Bool>)]
    pub pitch_open: bool,
}

const PITCH_OPEN: &str = "(SELECT pitches.deleted_at IS NULL AND pitches.hidden_by IS DISTINCT FROM 'moderator' FROM pitches WHERE pitches.id = ndas.pitch_id)";

impl Nda {
    pub const fn id(&self) -> NdaId {
        NdaId(self.id)
    }

    pub const fn pitch(&self) -> PitchId {
        PitchId(self.pitch_id)
    }

    pub const fn owner(&self) -> UserId {
        UserId(self.owner_id)
    }

    pub const fn requester(&self) -> UserId {
        UserId(self.requester_id)
    }

    /// Whether the owner approved it, not a policy.
    pub const fn approved_by_hand(&self) -> bool {
        self.approved_by.is_some()
    }

    /// Where it stands at `now`: time ends it whether or not the sweep has come by.
    pub fn status_at(&self, now: DateTime<Utc>) -> NdaStatus {
        let over = match self.status {
            NdaStatus::Pending => self.created_at + ANSWER_WITHIN <= now,
            NdaStatus::Approved => self.approved_at.is_some_and(|at| at + SIGN_WITHIN <= now),
            NdaStatus::Signed => self.expires_at.is_some_and(|at| at <= now),
            _ => false,
        };
        if over { NdaStatus::Expired } else { self.status }
    }
}

/// A new request.
#[derive(Insertable)]
#[diesel(table_name = ndas)]
pub struct New<'a> {
    pub pitch_id: i32,
    pub requester_id: i32,
    pub owner_id: i32,
    pub nda_type: Agreement,
    pub request_message: Option<&'a str>,
    pub pitch_version: i32,
    pub hold_key: Option<Uuid>,
    pub custom_file_id: Option<i32>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Inserts a request; an active one of the same pair violates `ndas_active_key`.
pub async fn insert(tx: &mut Tx, new: &New<'_>) -> QueryResult<Nda> {
    diesel::insert_into(ndas::table).values(new).returning(Nda::as_returning()).get_result(tx).await
}

/// The row, if the acting user may see it.
pub async fn find(tx: &mut Tx, id: NdaId) -> QueryResult<Option<Nda>> {
    ndas::table.find(id.0).select(Nda::as_select()).first(tx).await.optional()
}

/// Rows of `ids` that the acting user may see, in the order of their ids.
pub async fn find_all(tx: &mut Tx, ids: &[i32]) -> QueryResult<Vec<Nda>> {
    ndas::table.filter(ndas::id.eq_any(ids)).order(ndas::id).select(Nda::as_select()).load(tx).await
}

/// The titles in the versions that these NDAs name, by the ids of the NDAs; none where the content was erased.
pub async fn titles(tx: &mut Tx, ids: &[i32]) -> QueryResult<Vec<(i32, Option<String>)>> {
    let named = versions::pitch_id.eq(ndas::pitch_id).and(versions::number.eq(ndas::pitch_version));
    ndas::table
        .inner_join(versions::table.on(named))
        .filter(ndas::id.eq_any(ids))
        .select((ndas::id, sql::<Nullable<Text>>("pitch_versions.content::json ->> 'title'")))
        .load(tx)
        .await
}

/// What `requester` ever asked for `pitches`, newest first.
pub async fn of_requester(tx: &mut Tx, requester: UserId, pitches: &[i32]) -> QueryResult<Vec<Nda>> {
    for_pitches(requester, pitches).load(tx).await
}

#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn for_pitches(requester: UserId, pitches: &[i32]) -> _ {
    let requester: i32 = requester.0;
    let pitches: Vec<i32> = pitches.to_vec();
    let row: diesel::dsl::AsSelect<Nda, Pg> = Nda::as_select();
    ndas::table
        .filter(ndas::requester_id.eq(requester))
        .filter(ndas::pitch_id.eq_any(pitches))
        .order(ndas::id.desc())
        .select(row)
}

/// Makes requests of one user wait for each other until the transaction ends, and returns the times of those since `since`, oldest first.
pub async fn requests_since(
    tx: &mut Tx,
    requester: UserId,
    since: DateTime<Utc>,
) -> QueryResult<Vec<DateTime<Utc>>> {
    tx.lock(&format!("pitches/requests_of/{requester}"));
    request_times(tx, requester, since).await
}

/// The times of the requests of a user since `since`, oldest first.
pub async fn request_times(
    tx: &mut Tx,
    requester: UserId,
    since: DateTime<Utc>,
) -> QueryResult<Vec<DateTime<Utc>>> {
    ndas::table
        .filter(ndas::requester_id.eq(requester.0))
        .filter(ndas::created_at.gt(since))
        .order(ndas::created_at)
        .select(ndas::created_at)
        .load(tx)
        .await
}

/// The document that was offered, if it was made here, with the media type and hash of what was offered.
pub async fn document(tx: &mut Tx, id: NdaId) -> QueryResult<Option<(Option<Vec<u8>>, String, String)>> {
    ndas::table
        .find(id.0)
        .filter(ndas::document_hash.is_not_null())
        .select((
            ndas::document,
            ndas::document_media_type.assume_not_null(),
            ndas::document_hash.assume_not_null(),
        ))
        .first(tx)
        .await
        .optional()
}

/// Those that `requester`, whose account is deleted, has at `status`.
pub async fn of_deleted_user(tx: &mut Tx, requester: UserId, status: NdaStatus) -> QueryResult<Vec<i32>> {
    ndas::table
        .filter(ndas::requester_id.eq(requester.0))
        .filter(ndas::status.eq(status))
        .select(ndas::id)
        .order(ndas::id)
        .load(tx)
        .await
}

/// Erases what `requester` wrote to owners with the requests.
pub async fn forget_messages(tx: &mut Tx, requester: UserId) -> QueryResult<()> {
    diesel::update(ndas::table.filter(ndas::requester_id.eq(requester.0)))
        .filter(ndas::request_message.is_not_null())
        .set(ndas::request_message.eq(None::<String>))
        .execute(tx)
        .await?;
    Ok(())
}

/// The text of the document that was offered. `None`: it is the owner's own.
pub async fn agreement(tx: &mut Tx, id: NdaId) -> QueryResult<Option<String>> {
    let (text, document): (Option<String>, Option<Vec<u8>>) =
        ndas::table.find(id.0).select((ndas::agreement, ndas::document)).first(tx).await?;
    // Before there were PDFs the document was its text.
    Ok(text.or_else(|| String::from_utf8(document?).ok()))
}

/// The sealed copy of a signed one.
pub async fn signed_copy(tx: &mut Tx, id: NdaId) -> QueryResult<Option<String>> {
    let copy =
        ndas::table.find(id.0).select(ndas::signed_copy).first::<Option<String>>(tx).await.optional()?;
    Ok(copy.flatten())
}
