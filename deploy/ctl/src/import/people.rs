//! Users and their sessions.

use chrono::TimeDelta;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::mending::{Mending, default, number, set, text, time, times};
use super::table::{Key, Row, Table};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "users",
        from: None,
        key: Key::Number,
        columns: "id, email, username, password_hash, user_type, first_name, last_name, phone, location, bio,
            profile_image, company_name, company_number, company_website, company_address, email_verified,
            email_verified_at, company_verified, is_active, subscription_tier, subscription_start_date,
            subscription_end_date, stripe_customer_id, stripe_subscription_id, last_login_at, created_at, updated_at",
        mend: user,
        beside: None,
    },
    Table {
        name: "sessions",
        from: None,
        key: Key::Uuid,
        columns: "id, user_id, token, refresh_token, ip_address, user_agent, expires_at, access_expires_at,
            created_at, last_activity_at",
        mend: session,
        beside: None,
    },
];

/// bcrypt hashes come as they are: accounts verifies them and replaces them at the next log-in.
fn user(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    let id = number(row, "id").ok_or("no id")?;
    times(row);
    default(row, "password_hash", "");
    default(row, "user_type", "viewer");
    default(row, "email_verified", false);
    default(row, "company_verified", false);
    default(row, "is_active", true);
    default(row, "subscription_tier", "free");
    if row["email_verified"] == true {
        let created_at = row["created_at"].clone();
        set(row, "email_verified_at", created_at);
    }
    if text(row, "email_verification_token").is_some() {
        mending.mended("a verification link that was sent does not work any more");
    }
    if mending.same_email.contains(&id) {
        let email = text(row, "email").unwrap_or_default();
        let kept: String = format!("duplicate:{id}:{email}").chars().take(255).collect();
        set(row, "email", kept);
        mending
            .mended("an older user has the same e-mail address in another case; this one can't log in by it");
    }
    let name = text(row, "username").unwrap_or_default();
    if mending.same_username.contains(&id) || name.starts_with("deleted:") {
        let kept: String = name.chars().take(80).collect();
        set(row, "username", format!("{kept}-{id}"));
        mending.mended("an older user has the same name in another case; got the id behind it");
    }
    mending.seal(row, "phone", &format!("users|phone|{id}"))?;
    mending.seal(row, "company_address", &format!("users|company_address|{id}"))
}

/// Whoever is logged in stays so: the client's token is the same, only its digest is kept now.
fn session(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    let expires_at = time(row, "expires_at").ok_or("no end")?;
    if expires_at <= mending.now {
        return Err("over".to_owned());
    }
    let digest = |text: &str| {
        Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let token = text(row, "token").map(digest).ok_or("no token")?;
    let refresh_token = text(row, "refresh_token").map(digest);
    set(row, "token", token);
    set(row, "refresh_token", refresh_token.map_or(Value::Null, Value::String));
    let access = expires_at.min(mending.now + TimeDelta::hours(2));
    set(row, "access_expires_at", access.to_rfc3339());
    times(row);
    let created_at = row["created_at"].clone();
    default(row, "last_activity_at", created_at);
    Ok(())
}
