//! What accounts itself keeps about a user, for the user's own copy.

use pitchey_events::UserId;
use pitchey_web::{Refusal, Timestamp};
use serde_json::json;

use crate::archive::Archive;
use crate::error::Error;
use crate::state::AppState;
use crate::store::{
    audit_log, company_verifications, data_requests, feature_flags, sessions, user_blocks, user_consents,
    user_preferences, users,
};
use crate::view::OwnUser;

/// Rows read at once.
const PAGE: i64 = 500;

/// Puts all of it into `archive`.
pub async fn collect(state: &AppState, user: UserId, archive: &mut Archive) -> Result<(), Error> {
    let mut tx = state.databases.system.begin().await?;
    let row = users::get(&mut tx, user).await?.ok_or(Refusal::NotFound)?;
    let sessions = sessions::all(&mut tx, user).await?;
    let preferences = user_preferences::get(&mut tx, user).await?;
    let consents = user_consents::all(&mut tx, user).await?;
    let requests = data_requests::of_user(&mut tx, user).await?;
    let companies = company_verifications::of_user(&mut tx, user).await?;
    let flags = feature_flags::of_user(&mut tx, user).await?;
    tx.commit().await?;

    archive.add("profile", &[OwnUser::of(row, &state.sealer)?]).await?;
    let sessions: Vec<_> = sessions
        .into_iter()
        .map(|session| {
            json!({
                "id": session.id, "ipAddress": session.ip_address, "userAgent": session.user_agent,
                "createdAt": Timestamp(session.created_at), "lastActivityAt": Timestamp(session.last_activity_at),
                "endedAt": session.ended_at.map(Timestamp),
            })
        })
        .collect();
    archive.add("sessions", &sessions).await?;
    archive.add("preferences", &Vec::from_iter(preferences)).await?;
    let consents: Vec<_> = consents
        .into_iter()
        .map(|consent| {
            json!({
                "purpose": consent.purpose, "documentVersion": consent.document_version,
                "granted": consent.granted, "ipAddress": consent.ip_address,
                "createdAt": Timestamp(consent.created_at),
            })
        })
        .collect();
    archive.add("consents", &consents).await?;
    let requests: Vec<_> = requests
        .into_iter()
        .map(|request| {
            json!({
                "id": request.id, "type": request.kind, "status": request.status,
                "createdAt": Timestamp(request.created_at), "completedAt": request.completed_at.map(Timestamp),
            })
        })
        .collect();
    archive.add("data_requests", &requests).await?;
    let companies: Vec<_> = companies
        .into_iter()
        .map(|asked| {
            json!({
                "id": asked.id, "companyName": asked.company_name, "companyNumber": asked.company_number,
                "companyWebsite": asked.company_website, "note": asked.note, "status": asked.status,
                "reason": asked.reason, "createdAt": Timestamp(asked.created_at),
                "decidedAt": asked.decided_at.map(Timestamp),
            })
        })
        .collect();
    archive.add("company_verifications", &companies).await?;
    let flags: Vec<_> =
        flags.into_iter().map(|(flag, enabled)| json!({ "flag": flag, "enabled": enabled })).collect();
    archive.add("feature_flags", &flags).await?;
    blocks(state, user, archive).await?;
    audit(state, user, archive).await
}

async fn blocks(state: &AppState, user: UserId, archive: &mut Archive) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let mut tx = state.databases.system.begin().await?;
        let blocked = user_blocks::blocked(&mut tx, user, after, 0, PAGE).await?;
        tx.commit().await?;
        let rows: Vec<_> =
            blocked.iter().map(|other| json!({ "userId": other.id, "username": other.username })).collect();
        archive.add("blocked", &rows).await?;
        match blocked.last() {
            Some(last) => after = last.id,
            None => return Ok(()),
        }
    }
}

async fn audit(state: &AppState, user: UserId, archive: &mut Archive) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let mut tx = state.databases.system.begin().await?;
        let logged = audit_log::of_user(&mut tx, user, after, PAGE).await?;
        tx.commit().await?;
        let rows: Vec<_> = logged
            .iter()
            .map(|row| {
                json!({
                    "action": row.action, "entityType": row.entity_type, "entityId": row.entity_id,
                    "entityKey": row.entity_key, "ipAddress": row.ip_address, "userAgent": row.user_agent,
                    "createdAt": Timestamp(row.created_at),
                })
            })
            .collect();
        archive.add("activity", &rows).await?;
        match logged.last() {
            Some(last) => after = last.id,
            None => return Ok(()),
        }
    }
}
