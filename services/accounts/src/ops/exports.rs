//! A copy of everything that the platform keeps about a user: collected from all services into an archive that can be fetched for a week.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::TimeDelta;
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit::{self, Entry, Origin};
use pitchey_events::{DataExportReady, UserId};
use pitchey_web::Refusal;

use super::mail;
use crate::archive::Archive;
use crate::error::Error;
use crate::mail_tokens::Purpose;
use crate::own_data;
use crate::state::AppState;
use crate::store::data_requests::{self, DataRequest, Kind, Status};
use crate::store::users;

/// How long an archive can be fetched.
const KEPT: TimeDelta = TimeDelta::days(7);
/// An archive that is younger is given again instead of a new one.
const FRESH: TimeDelta = TimeDelta::days(1);
/// An export is ready within a day, or has failed.
const DUE: TimeDelta = TimeDelta::days(1);
/// A worker that has not ended by then is taken for dead.
const PATIENCE: TimeDelta = TimeDelta::minutes(15);
/// Bytes of a piece of the archive.
const CHUNK: usize = 192 * 1024;
/// How often a worker looks for what no bell told it of.
const LOOK: Duration = Duration::from_secs(30);

/// Asks for a copy: (the request, whether it is new).
pub async fn request(
    tx: &mut Tx,
    state: &AppState,
    user: UserId,
    origin: &Origin,
) -> Result<(DataRequest, bool), Error> {
    let now = state.clock.now();
    users::lock(tx, user).await?.ok_or(Refusal::Unauthenticated)?;
    if let Some(last) = data_requests::newest(tx, user, Kind::Export).await? {
        let fresh = last.status == Status::Completed && last.created_at > now - FRESH;
        if fresh || matches!(last.status, Status::Pending | Status::Processing) {
            return Ok((last, false));
        }
    }
    let new = data_requests::insert(tx, user, Kind::Export, None, now).await?;
    let request = new.ok_or_else(|| Error::ExportNotReady(Status::Pending))?;
    audit::record(tx, origin, entry("user.export_requested", user, request.id));
    tx.ring_after_commit(&state.exports_asked);
    Ok((request, true))
}

/// Makes the copies that were asked for, until it is dropped. Every replica does, each another one.
pub async fn make_them(state: AppState) {
    loop {
        match make_next(&state).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "exports have to wait"),
        }
        let _ = tokio::time::timeout(LOOK, state.exports_asked.notified()).await;
    }
}

/// Whether there was one to make.
async fn make_next(state: &AppState) -> Result<bool, Error> {
    let now = state.clock.now();
    let mut tx = state.databases.system.begin().await?;
    let taken = data_requests::claim(&mut tx, now, now + PATIENCE).await?;
    tx.commit().await?;
    let Some(taken) = taken else { return Ok(false) };
    if let Err(error) = make(state, &taken).await {
        tracing::warn!(%error, request = taken.id, attempt = taken.attempts, "an export was not made");
        put_back(state, &taken).await?;
    }
    Ok(true)
}

/// Collects without a transaction, then keeps the archive, promises the mail and tells, in one.
async fn make(state: &AppState, taken: &DataRequest) -> Result<(), Error> {
    let user = UserId(taken.user_id);
    let mut archive = Archive::begin(&format!("Pitchey: the data of user {user}, export {}.\n", taken.id));
    own_data::collect(state, user, &mut archive).await?;
    for service in &state.keepers {
        archive.collect(service, user).await?;
    }
    let mut archive = archive.finish().await?;

    let now = state.clock.now();
    let expires_at = now + KEPT;
    let mut tx = state.databases.system.begin().await?;
    let (row, _) = users::lock(&mut tx, user).await?.ok_or(Refusal::NotFound)?;
    if !row.may_log_in() {
        data_requests::settle(&mut tx, taken, Status::Cancelled, now, None).await?;
        tx.commit().await?;
        return Ok(());
    }
    let ready = Some((now, expires_at, archive.size()));
    if !data_requests::settle(&mut tx, taken, Status::Completed, now, ready).await? {
        // Another worker has taken it over, or the user has closed the account.
        return Ok(());
    }
    let mut number = 0;
    while let Some(piece) = archive.next(CHUNK).await? {
        let sealed = state.sealer.seal(&place(taken.id, number), &STANDARD_NO_PAD.encode(piece))?;
        data_requests::add_chunk(&mut tx, taken, number, &sealed).await?;
        number += 1;
    }
    let mail_request_id = mail::promise(&mut tx, &state.mail_tokens, user, Purpose::DataExport, now).await?;
    audit::record(&mut tx, &Origin::default(), entry("user.exported", user, taken.id));
    let event = DataExportReady { user_id: user, export_id: taken.id, mail_request_id, expires_at };
    outbox::append(&mut tx, &event)?;
    tx.commit().await?;
    Ok(())
}

/// Later, and later each time; not for ever.
async fn put_back(state: &AppState, taken: &DataRequest) -> Result<(), Error> {
    let now = state.clock.now();
    let late = now - taken.created_at > DUE;
    let status = if late { Status::Failed } else { Status::Pending };
    if late {
        tracing::error!(request = taken.id, "an export could not be made within a day");
    }
    let pause = TimeDelta::seconds(30 << taken.attempts.clamp(0, 6));
    let mut tx = state.databases.system.begin().await?;
    data_requests::settle(&mut tx, taken, status, now + pause, None).await?;
    tx.commit().await?;
    Ok(())
}

/// An archive that can be fetched now.
pub async fn ready(tx: &mut Tx, state: &AppState, user: UserId, id: i64) -> Result<DataRequest, Error> {
    let request = data_requests::get(tx, user, id).await?.filter(|request| request.kind == Kind::Export);
    let request = request.ok_or(Refusal::NotFound)?;
    let over = request.expires_at.is_some_and(|at| at <= state.clock.now());
    match request.status {
        Status::Completed if !over => Ok(request),
        Status::Completed | Status::Expired | Status::Cancelled => Err(Refusal::NotFound.into()),
        status => Err(Error::ExportNotReady(status)),
    }
}

/// Leaves a row for an archive that is fetched.
pub fn fetched(tx: &mut Tx, user: UserId, id: i64, origin: &Origin) {
    audit::record(tx, origin, entry("user.export_fetched", user, id));
}

/// A piece of an archive; `None` after the last.
pub async fn piece(state: &AppState, user: UserId, id: i64, number: i32) -> Result<Option<Vec<u8>>, Error> {
    let mut tx = state.databases.user.begin(Some(user)).await?;
    let sealed = data_requests::chunk(&mut tx, id, number).await?;
    tx.commit().await?;
    let Some(sealed) = sealed else { return Ok(None) };
    let text = state.sealer.open(&place(id, number), &sealed)?;
    Ok(Some(STANDARD_NO_PAD.decode(text).map_err(|_| pitchey_seal::Error::Malformed)?))
}

fn place(id: i64, number: i32) -> String {
    format!("data_export_chunks|{id}|{number}")
}

fn entry(action: &str, user: UserId, request: i64) -> Entry<'_> {
    Entry {
        actor: Some(user),
        action,
        entity_type: Some("data_request"),
        entity_id: Some(request),
        ..Entry::default()
    }
}
