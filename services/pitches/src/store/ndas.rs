//! `ndas`. Each transition is one conditional UPDATE on the expected status; no row means that it was another.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{NdaId, PitchId, UserId};
use serde_json::Value;
use uuid::Uuid;

use super::counted::Counted;
use super::pitches::{Place, lock};
use crate::schema::{ndas, pitches};
use crate::words::{Agreement, NdaStatus, PitchStatus};

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
    pub rejected_at: Option<DateTime<Utc>>,
    pub signer_name: Option<String>,
    pub signer_title: Option<String>,
    pub signer_company: Option<String>,
    pub receipt: Option<Value>,
    pub revoked_by: Option<i32>,
    pub revoke_reason: Option<String>,
}

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

/// What `requester` ever asked for `pitches`, newest first.
pub async fn of_requester(tx: &mut Tx, requester: UserId, pitches: &[i32]) -> QueryResult<Vec<Nda>> {
    ndas::table
        .filter(ndas::requester_id.eq(requester.0))
        .filter(ndas::pitch_id.eq_any(pitches))
        .order(ndas::id.desc())
        .select(Nda::as_select())
        .load(tx)
        .await
}

/// Makes requests of one user wait for each other until the transaction ends, and returns the times of those since `since`, oldest first.
pub async fn requests_since(
    tx: &mut Tx,
    requester: UserId,
    since: DateTime<Utc>,
) -> QueryResult<Vec<DateTime<Utc>>> {
    lock(tx, &format!("pitches/requests_of/{requester}")).await?;
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

/// The document that is offered to the signer, frozen at approval.
pub struct Offer<'a> {
    pub terms: Option<&'a str>,
    pub expiry_days: Option<i32>,
    pub document: &'a [u8],
    pub media_type: &'a str,
    pub hash: &'a str,
}

/// pending -> approved, while the pitch is published and the request is not too old.
pub async fn approve(
    tx: &mut Tx,
    id: NdaId,
    offer: &Offer<'_>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Nda>> {
    let published = pitches::table
        .filter(pitches::id.eq(ndas::pitch_id))
        .filter(pitches::status.eq(PitchStatus::Published))
        .filter(pitches::deleted_at.is_null());
    diesel::update(
        ndas::table
            .find(id.0)
            .filter(ndas::status.eq(NdaStatus::Pending))
            .filter(ndas::created_at.gt(now - ANSWER_WITHIN))
            .filter(diesel::dsl::exists(published)),
    )
    .set((
        ndas::status.eq(NdaStatus::Approved),
        ndas::approved_at.eq(now),
        ndas::terms.eq(offer.terms),
        ndas::expiry_days.eq(offer.expiry_days),
        ndas::document.eq(offer.document),
        ndas::document_media_type.eq(offer.media_type),
        ndas::document_hash.eq(offer.hash),
        ndas::updated_at.eq(now),
        ndas::version.eq(ndas::version + 1),
    ))
    .returning(Nda::as_returning())
    .get_result(tx)
    .await
    .optional()
}

/// pending -> rejected.
pub async fn reject(
    tx: &mut Tx,
    id: NdaId,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Nda>> {
    diesel::update(
        ndas::table
            .find(id.0)
            .filter(ndas::status.eq(NdaStatus::Pending))
            .filter(ndas::created_at.gt(now - ANSWER_WITHIN)),
    )
    .set((
        ndas::status.eq(NdaStatus::Rejected),
        ndas::rejected_at.eq(now),
        ndas::reject_reason.eq(reason),
        ndas::updated_at.eq(now),
        ndas::version.eq(ndas::version + 1),
    ))
    .returning(Nda::as_returning())
    .get_result(tx)
    .await
    .optional()
}

/// pending -> withdrawn.
pub async fn withdraw(tx: &mut Tx, id: NdaId, now: DateTime<Utc>) -> QueryResult<Option<Nda>> {
    diesel::update(
        ndas::table
            .find(id.0)
            .filter(ndas::status.eq(NdaStatus::Pending))
            .filter(ndas::created_at.gt(now - ANSWER_WITHIN)),
    )
    .set((
        ndas::status.eq(NdaStatus::Withdrawn),
        ndas::withdrawn_at.eq(now),
        ndas::updated_at.eq(now),
        ndas::version.eq(ndas::version + 1),
    ))
    .returning(Nda::as_returning())
    .get_result(tx)
    .await
    .optional()
}

/// What a signature leaves behind. Address and user agent are sealed.
#[derive(AsChangeset)]
#[diesel(table_name = ndas)]
pub struct Signature<'a> {
    pub signed_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub signer_name: &'a str,
    pub signer_title: Option<&'a str>,
    pub signer_company: Option<&'a str>,
    pub ip_address: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub receipt: &'a Value,
}

/// approved -> signed, of the very document that was offered and in time.
pub async fn sign(tx: &mut Tx, id: NdaId, hash: &str, signature: &Signature<'_>) -> QueryResult<Option<Nda>> {
    let now = signature.signed_at;
    diesel::update(
        ndas::table
            .find(id.0)
            .filter(ndas::status.eq(NdaStatus::Approved))
            .filter(ndas::document_hash.eq(hash))
            .filter(ndas::approved_at.gt(now - SIGN_WITHIN)),
    )
    .set((
        signature,
        ndas::status.eq(NdaStatus::Signed),
        ndas::updated_at.eq(now),
        ndas::version.eq(ndas::version + 1),
    ))
    .returning(Nda::as_returning())
    .get_result(tx)
    .await
    .optional()
}

/// `from` -> revoked; `from` is approved or signed.
pub async fn revoke(
    tx: &mut Tx,
    id: NdaId,
    from: NdaStatus,
    by: UserId,
    reason: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<Nda>> {
    diesel::update(ndas::table.find(id.0).filter(ndas::status.eq(from)))
        .set((
            ndas::status.eq(NdaStatus::Revoked),
            ndas::revoked_at.eq(now),
            ndas::revoked_by.eq(by.0),
            ndas::revoke_reason.eq(reason),
            ndas::updated_at.eq(now),
            ndas::version.eq(ndas::version + 1),
        ))
        .returning(Nda::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// `from` -> expired, of these rows those that still are `from`.
pub async fn expire(tx: &mut Tx, ids: &[i32], from: NdaStatus, now: DateTime<Utc>) -> QueryResult<Vec<Nda>> {
    diesel::update(ndas::table.filter(ndas::id.eq_any(ids)).filter(ndas::status.eq(from)))
        .set((
            ndas::status.eq(NdaStatus::Expired),
            ndas::updated_at.eq(now),
            ndas::version.eq(ndas::version + 1),
        ))
        .returning(Nda::as_returning())
        .get_results(tx)
        .await
}

/// Notes that the owner is reminded now, unless it happened after `unless_after`. `None`: it did, or nothing is open any more.
pub async fn remind(
    tx: &mut Tx,
    id: NdaId,
    unless_after: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Nda>> {
    diesel::update(
        ndas::table
            .find(id.0)
            .filter(ndas::status.eq(NdaStatus::Pending))
            .filter(ndas::created_at.gt(now - ANSWER_WITHIN))
            .filter(ndas::reminded_at.is_null().or(ndas::reminded_at.le(unless_after))),
    )
    .set((ndas::reminded_at.eq(now), ndas::version.eq(ndas::version + 1)))
    .returning(Nda::as_returning())
    .get_result(tx)
    .await
    .optional()
}

/// Up to `limit` rows whose time as `status` is over, locked in the order of their ids; rows that somebody works on are left out.
pub async fn overdue(
    tx: &mut Tx,
    status: NdaStatus,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<i32>> {
    let mut query = ndas::table.filter(ndas::status.eq(status)).select(ndas::id).limit(limit).into_boxed();
    query = match status {
        NdaStatus::Pending => query.filter(ndas::created_at.le(now - ANSWER_WITHIN)).order(ndas::created_at),
        NdaStatus::Approved => query.filter(ndas::approved_at.le(now - SIGN_WITHIN)).order(ndas::approved_at),
        _ => query.filter(ndas::expires_at.le(now)).order(ndas::expires_at),
    };
    let ids: Vec<i32> = query.load(tx).await?;
    ndas::table
        .filter(ndas::id.eq_any(ids))
        .order(ndas::id)
        .select(ndas::id)
        .for_update()
        .skip_locked()
        .load(tx)
        .await
}

/// Up to `limit` requests that have waited for `waited` and of which the owner was never reminded.
pub async fn unanswered(
    tx: &mut Tx,
    waited: TimeDelta,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<i32>> {
    ndas::table
        .filter(ndas::status.eq(NdaStatus::Pending))
        .filter(ndas::created_at.le(now - waited))
        .filter(ndas::created_at.gt(now - ANSWER_WITHIN))
        .filter(ndas::reminded_at.is_null())
        .order(ndas::created_at)
        .select(ndas::id)
        .limit(limit)
        .for_update()
        .skip_locked()
        .load(tx)
        .await
}

/// Active rows of a pitch that are not signed yet, in the order of their ids, locked.
pub async fn open_of_pitch(tx: &mut Tx, pitch: PitchId) -> QueryResult<Vec<(i32, NdaStatus)>> {
    ndas::table
        .filter(ndas::pitch_id.eq(pitch.0))
        .filter(ndas::status.eq_any([NdaStatus::Pending, NdaStatus::Approved]))
        .order(ndas::id)
        .select((ndas::id, ndas::status))
        .for_update()
        .load(tx)
        .await
}

/// Which side of an agreement a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// As the owner of the pitch.
    Incoming(UserId),
    /// As the requester.
    Outgoing(UserId),
    /// As either.
    Both(UserId),
}

type Boxed<'a> = ndas::BoxedQuery<'a, Pg>;

/// One side's NDAs, newest first: one page and one more, and how many there are.
pub async fn list(
    tx: &mut Tx,
    side: Side,
    status: Option<NdaStatus>,
    place: Place,
) -> QueryResult<(Vec<Nda>, i64)> {
    let counted = Counted(of_side(side, status).select(ndas::id).limit(pitchey_web::COUNTED + 1))
        .get_result(tx)
        .await?;
    let mut query = of_side(side, status);
    if let Some((at, id)) = place.after {
        query = query.filter(ndas::created_at.le(at)).filter(ndas::created_at.lt(at).or(ndas::id.lt(id)));
    }
    let rows = query
        .order((ndas::created_at.desc(), ndas::id.desc()))
        .offset(place.offset)
        .limit(place.limit + 1)
        .select(Nda::as_select())
        .load(tx)
        .await?;
    Ok((rows, counted))
}

fn of_side<'a>(side: Side, status: Option<NdaStatus>) -> Boxed<'a> {
    let query = ndas::table.into_boxed();
    let query = match side {
        Side::Incoming(owner) => query.filter(ndas::owner_id.eq(owner.0)),
        Side::Outgoing(requester) => query.filter(ndas::requester_id.eq(requester.0)),
        Side::Both(user) => query.filter(ndas::owner_id.eq(user.0).or(ndas::requester_id.eq(user.0))),
    };
    match status {
        Some(status) => query.filter(ndas::status.eq(status)),
        None => query,
    }
}

/// How many NDAs of one side stand where.
pub async fn counts(tx: &mut Tx, side: Side) -> QueryResult<Vec<(NdaStatus, i64)>> {
    let query = ndas::table.group_by(ndas::status).select((ndas::status, diesel::dsl::count_star()));
    match side {
        Side::Incoming(owner) => query.filter(ndas::owner_id.eq(owner.0)).load(tx).await,
        Side::Outgoing(requester) => query.filter(ndas::requester_id.eq(requester.0)).load(tx).await,
        Side::Both(user) => {
            query.filter(ndas::owner_id.eq(user.0).or(ndas::requester_id.eq(user.0))).load(tx).await
        }
    }
}

/// The median time from request to answer of one side's requests, in seconds. `None` without answers.
pub async fn median_answer_seconds(tx: &mut Tx, side: Side) -> QueryResult<Option<f64>> {
    use diesel::sql_types::{Double, Integer, Nullable};
    #[derive(QueryableByName)]
    struct Median {
        #[diesel(sql_type = Nullable<Double>)]
        seconds: Option<f64>,
    }
    let (whose, user) = match side {
        Side::Incoming(owner) => ("owner_id = $1", owner),
        Side::Outgoing(requester) => ("requester_id = $1", requester),
        Side::Both(user) => ("(owner_id = $1 OR requester_id = $1)", user),
    };
    let sql = format!(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM coalesce(approved_at, rejected_at) - created_at)::float8) AS seconds
         FROM ndas WHERE {whose} AND coalesce(approved_at, rejected_at) IS NOT NULL"
    );
    let median: Median = diesel::sql_query(sql).bind::<Integer, _>(user.0).get_result(tx).await?;
    Ok(median.seconds)
}

/// The document that was offered, with its media type and hash.
pub async fn document(tx: &mut Tx, id: NdaId) -> QueryResult<Option<(Vec<u8>, String, String)>> {
    ndas::table
        .find(id.0)
        .filter(ndas::document.is_not_null())
        .select((
            ndas::document.assume_not_null(),
            ndas::document_media_type.assume_not_null(),
            ndas::document_hash.assume_not_null(),
        ))
        .first(tx)
        .await
        .optional()
}
