//! Companies that ask to be checked, and what admins find.

use pitchey_db::Tx;
use pitchey_db::audit::{self, Entry, Origin};
use pitchey_events::{UserId, UserType};
use pitchey_web::{FieldError, Refusal};
use serde_json::json;

use super::users::announce;
use crate::error::Error;
use crate::state::AppState;
use crate::store::company_verifications::{self, NewVerification, Status, Verification};
use crate::store::users::{self, Standing};

/// Asks for the company in the profile to be checked. (the request, whether it is new).
pub async fn request(
    tx: &mut Tx,
    state: &AppState,
    id: UserId,
    note: Option<&str>,
    origin: &Origin,
) -> Result<(Verification, bool), Error> {
    let (user, _) = users::lock(tx, id).await?.ok_or(Refusal::Unauthenticated)?;
    if user.user_type == UserType::Viewer {
        return Err(Refusal::Forbidden.into());
    }
    if !user.email_verified {
        return Err(Error::EmailNotVerified);
    }
    if user.company_verified {
        return Err(Error::CompanyVerified);
    }
    let Some(company_name) = user.company_name.as_deref().filter(|name| !name.trim().is_empty()) else {
        let missing = FieldError::new("companyName", "required", "Please name your company in your profile.");
        return Err(Refusal::Invalid(vec![missing]).into());
    };
    let new = NewVerification {
        user_id: id.0,
        company_name,
        company_number: user.company_number.as_deref(),
        company_website: user.company_website.as_deref(),
        note,
        created_at: state.clock.now(),
    };
    let Some(verification) = company_verifications::insert(tx, new).await? else {
        let pending = company_verifications::newest_of(tx, id).await?.ok_or(Refusal::NotFound)?;
        return Ok((pending, false));
    };
    let entry = Entry {
        actor: Some(id),
        action: "company.verification_requested",
        entity_type: Some("company_verification"),
        entity_id: Some(verification.id.into()),
        ..Entry::default()
    };
    audit::record(tx, origin, entry);
    Ok((verification, true))
}

/// Decides a request; the same decision again changes nothing.
pub async fn decide(
    tx: &mut Tx,
    state: &AppState,
    id: i32,
    approved: bool,
    reason: Option<&str>,
    admin: UserId,
    origin: &Origin,
) -> Result<Verification, Error> {
    let now = state.clock.now();
    let asked = company_verifications::get(tx, id).await?.ok_or(Refusal::NotFound)?;
    let owner = UserId(asked.user_id);
    if owner == admin {
        return Err(Refusal::Forbidden.into());
    }
    // The user's row first, as everybody does who changes it: a profile that is being changed may supersede the request.
    let (user, _) = users::lock(tx, owner).await?.ok_or(Refusal::NotFound)?;
    let status = if approved { Status::Approved } else { Status::Rejected };
    let Some(decided) = company_verifications::decide(tx, id, status, reason, admin, now).await? else {
        let found = company_verifications::get(tx, id).await?.ok_or(Refusal::NotFound)?;
        let repeated = found.status == status && found.decided_by == Some(admin.0);
        return if repeated { Ok(found) } else { Err(Error::VerificationDecided(found.status)) };
    };
    if approved {
        let standing = Standing { company_verified: true, ..Standing::of(&user) };
        let user = users::set_standing(tx, owner, standing, now).await?;
        announce(tx, &user)?;
    }
    let entry = Entry {
        actor: Some(admin),
        action: if approved { "company.verified" } else { "company.rejected" },
        entity_type: Some("user"),
        entity_id: Some(owner.0.into()),
        new_values: Some(json!({ "request": id, "companyName": decided.company_name, "reason": reason })),
        ..Entry::default()
    };
    audit::record(tx, origin, entry);
    Ok(decided)
}
