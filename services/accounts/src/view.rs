//! Users as the API shows them.

use pitchey_events::UserId;
use pitchey_rpc::{PublicUser, Recipient};
use pitchey_seal::Sealer;
use pitchey_web::Timestamp;
use serde::Serialize;

use crate::error::Error;
use crate::store::users::User;

/// A user as only the user sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnUser {
    /// What anybody sees.
    #[serde(flatten)]
    pub public: PublicUser,
    /// The address to log in with.
    pub email: String,
    /// Telephone number.
    pub phone: Option<String>,
    /// The company's number in its register.
    pub company_number: Option<String>,
    /// The company's postal address.
    pub company_address: Option<String>,
    /// The log-in before this answer.
    pub last_login_at: Option<Timestamp>,
}

impl OwnUser {
    /// Opens what is sealed: for the user only.
    pub fn of(user: User, sealer: &Sealer) -> Result<Self, Error> {
        let open = |column, sealed: Option<&str>| {
            sealed.map(|sealed| sealer.open(&place(column, user.id()), sealed)).transpose()
        };
        Ok(Self {
            phone: open(PHONE, user.phone.as_deref())?,
            company_address: open(COMPANY_ADDRESS, user.company_address.as_deref())?,
            email: user.email.clone(),
            company_number: user.company_number.clone(),
            last_login_at: user.last_login_at.map(Timestamp),
            public: public(user),
        })
    }
}

/// Sealed columns of `users`.
pub const PHONE: &str = "phone";
pub const COMPANY_ADDRESS: &str = "company_address";

/// Where a sealed column of a user's row is.
pub fn place(column: &str, user: UserId) -> String {
    format!("users|{column}|{user}")
}

/// What anybody may know of a user.
pub fn public(user: User) -> PublicUser {
    PublicUser {
        id: user.id(),
        is_active: user.may_act(),
        user_type: user.user_type,
        username: user.username,
        first_name: user.first_name,
        last_name: user.last_name,
        location: user.location,
        bio: user.bio,
        avatar_url: user.profile_image.clone(),
        profile_image: user.profile_image,
        company_name: user.company_name,
        website: user.company_website.clone(),
        company_website: user.company_website,
        email_verified: user.email_verified,
        company_verified: user.company_verified,
        subscription_tier: user.subscription_tier,
        created_at: user.created_at,
        updated_at: user.updated_at,
    }
}

/// Where to send mail to a user.
pub fn recipient(user: User) -> Recipient {
    Recipient {
        user_id: user.id(),
        active: user.may_log_in(),
        closing: user.is_closing(),
        name: user.first_name.filter(|name| !name.is_empty()).unwrap_or(user.username),
        email: user.email,
    }
}
