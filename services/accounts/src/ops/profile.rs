//! A user's own profile.

use pitchey_db::Tx;
use pitchey_db::audit::{self, Entry, Origin};
use pitchey_events::UserId;
use pitchey_seal::Sealer;
use pitchey_web::Refusal;
use serde_json::json;

use super::users::announce;
use crate::error::Error;
use crate::state::AppState;
use crate::store::company_verifications;
use crate::store::users::{self, Profile, User};
use crate::view::{COMPANY_ADDRESS, OwnUser, PHONE, place};

/// A change of one value that may be absent: `None` leaves it, `Some(None)` clears it.
pub type Edit = Option<Option<String>>;

/// What a user wants to be different.
#[derive(Default)]
pub struct Changes {
    pub username: Option<String>,
    pub first_name: Edit,
    pub last_name: Edit,
    pub phone: Edit,
    pub location: Edit,
    pub bio: Edit,
    pub profile_image: Edit,
    pub avatar_url: Edit,
    pub company_name: Edit,
    pub company_number: Edit,
    pub company_website: Edit,
    pub website: Edit,
    pub company_address: Edit,
}

/// Applies `changes`; without any real one nothing is written.
pub async fn update(
    tx: &mut Tx,
    state: &AppState,
    id: UserId,
    changes: Changes,
    origin: &Origin,
) -> Result<OwnUser, Error> {
    let (user, _) = users::lock(tx, id).await?.ok_or(Refusal::Unauthenticated)?;
    let before = profile_of(&user);
    let mut after = applied(&before, id, changes, &state.sealer)?;
    let changed = changed_fields(&before, &after);
    // What an admin checked was this name and number.
    after.company_verified = before.company_verified && !changed.iter().any(|field| COMPANY.contains(field));
    if changed.is_empty() {
        return OwnUser::of(user, &state.sealer);
    }
    let user = users::set_profile(tx, id, after, state.clock.now()).await?;
    let entry = Entry {
        actor: Some(id),
        action: "user.profile_changed",
        entity_type: Some("user"),
        entity_id: Some(id.0.into()),
        // Names only: the audit log is no second copy of personal data.
        new_values: Some(json!({ "fields": changed })),
        ..Entry::default()
    };
    audit::record(tx, origin, entry);
    let lost = before.company_verified && !user.company_verified;
    if lost {
        let entry = Entry {
            actor: Some(id),
            action: "company.verification_lost",
            entity_type: Some("user"),
            entity_id: Some(id.0.into()),
            ..Entry::default()
        };
        audit::record(tx, origin, entry);
    }
    if changed.iter().any(|field| COMPANY.contains(field)) {
        company_verifications::supersede(tx, id).await?;
    }
    if lost || changed.iter().any(|field| !PRIVATE.contains(field)) {
        announce(tx, &user)?;
    }
    OwnUser::of(user, &state.sealer)
}

/// What the verification of a company is about.
const COMPANY: [&str; 2] = ["company_name", "company_number"];

/// Fields nobody else sees.
const PRIVATE: [&str; 3] = [PHONE, "company_number", COMPANY_ADDRESS];

fn profile_of(user: &User) -> Profile {
    Profile {
        username: user.username.clone(),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        phone: user.phone.clone(),
        location: user.location.clone(),
        bio: user.bio.clone(),
        profile_image: user.profile_image.clone(),
        company_name: user.company_name.clone(),
        company_number: user.company_number.clone(),
        company_website: user.company_website.clone(),
        company_address: user.company_address.clone(),
        company_verified: user.company_verified,
    }
}

fn applied(before: &Profile, id: UserId, changes: Changes, sealer: &Sealer) -> Result<Profile, Error> {
    let edited = |edit: Edit, before: &Option<String>| edit.map_or_else(|| before.clone(), not_blank);
    // A client that sends back all it got changes one of the two names of a value and leaves the other.
    let either = |one: Edit, other: Edit, before: &Option<String>| {
        let differs = |edit: &Edit| edit.as_ref().is_some_and(|value| not_blank(value.clone()) != *before);
        edited(if differs(&one) || other.is_none() { one } else { other }, before)
    };
    let sealed = |edit: Edit, before: &Option<String>, column| -> Result<Option<String>, Error> {
        let Some(edit) = edit else { return Ok(before.clone()) };
        let Some(text) = not_blank(edit) else { return Ok(None) };
        let place = place(column, id);
        match before {
            Some(sealed) if sealer.open(&place, sealed)? == text => Ok(before.clone()),
            _ => Ok(Some(sealer.seal(&place, &text)?)),
        }
    };
    Ok(Profile {
        username: changes.username.unwrap_or_else(|| before.username.clone()),
        first_name: edited(changes.first_name, &before.first_name),
        last_name: edited(changes.last_name, &before.last_name),
        phone: sealed(changes.phone, &before.phone, PHONE)?,
        location: edited(changes.location, &before.location),
        bio: edited(changes.bio, &before.bio),
        profile_image: either(changes.profile_image, changes.avatar_url, &before.profile_image),
        company_name: edited(changes.company_name, &before.company_name),
        company_number: edited(changes.company_number, &before.company_number),
        company_website: either(changes.company_website, changes.website, &before.company_website),
        company_address: sealed(changes.company_address, &before.company_address, COMPANY_ADDRESS)?,
        company_verified: before.company_verified,
    })
}

fn not_blank(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn changed_fields(before: &Profile, after: &Profile) -> Vec<&'static str> {
    let pairs = [
        ("first_name", &before.first_name, &after.first_name),
        ("last_name", &before.last_name, &after.last_name),
        (PHONE, &before.phone, &after.phone),
        ("location", &before.location, &after.location),
        ("bio", &before.bio, &after.bio),
        ("profile_image", &before.profile_image, &after.profile_image),
        ("company_name", &before.company_name, &after.company_name),
        ("company_number", &before.company_number, &after.company_number),
        ("company_website", &before.company_website, &after.company_website),
        (COMPANY_ADDRESS, &before.company_address, &after.company_address),
    ];
    let username = (before.username != after.username).then_some("username");
    username
        .into_iter()
        .chain(pairs.into_iter().filter(|(_, b, a)| b != a).map(|(field, ..)| field))
        .collect()
}
