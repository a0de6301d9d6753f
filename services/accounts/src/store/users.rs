use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_db::Tx;
use pitchey_events::{Tier, UserId, UserType};

use super::lower;
use super::words::{TierWord, TypeWord};
use crate::error::Error;
use crate::schema::users;

/// A row, without what only a log-in needs.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(Pg))]
pub struct User {
    pub id: i32,
    pub email: String,
    pub username: String,
    #[diesel(deserialize_as = TypeWord)]
    pub user_type: UserType,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// Sealed.
    pub phone: Option<String>,
    pub location: Option<String>,
    pub bio: Option<String>,
    pub profile_image: Option<String>,
    pub company_name: Option<String>,
    pub company_number: Option<String>,
    pub company_website: Option<String>,
    /// Sealed.
    pub company_address: Option<String>,
    pub email_verified: bool,
    pub company_verified: bool,
    pub is_active: bool,
    #[diesel(deserialize_as = TierWord)]
    pub subscription_tier: Tier,
    pub last_login_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub is_admin: bool,
    pub suspended_at: Option<DateTime<Utc>>,
    pub banned_at: Option<DateTime<Utc>>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub anonymised_at: Option<DateTime<Utc>>,
    pub version: i64,
}

impl User {
    pub const fn id(&self) -> UserId {
        UserId(self.id)
    }

    /// May have a session.
    pub const fn may_log_in(&self) -> bool {
        self.is_active && self.banned_at.is_none() && self.deleted_at.is_none()
    }

    /// May do more than read.
    pub const fn may_act(&self) -> bool {
        self.may_log_in() && self.suspended_at.is_none()
    }

    /// Asked for deletion, and may still come back.
    pub const fn is_closing(&self) -> bool {
        self.is_active
            && self.banned_at.is_none()
            && self.deleted_at.is_some()
            && self.anonymised_at.is_none()
    }
}

/// A row to be.
#[derive(Insertable)]
#[diesel(table_name = users)]
pub struct NewUser<'a> {
    pub email: &'a str,
    pub username: &'a str,
    pub password_hash: &'a str,
    #[diesel(serialize_as = TypeWord)]
    pub user_type: TypeWord,
    pub first_name: Option<&'a str>,
    pub last_name: Option<&'a str>,
    pub company_name: Option<&'a str>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What a user may change of the own row; all of it is written.
#[derive(Clone, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
pub struct Profile {
    pub username: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// Sealed.
    pub phone: Option<String>,
    pub location: Option<String>,
    pub bio: Option<String>,
    pub profile_image: Option<String>,
    pub company_name: Option<String>,
    pub company_number: Option<String>,
    pub company_website: Option<String>,
    /// Sealed.
    pub company_address: Option<String>,
    pub company_verified: bool,
}

/// Which of the two names was taken, if that is what went wrong.
fn taken(error: DieselError) -> Error {
    let constraint = match &error {
        DieselError::DatabaseError(_, info) => info.constraint_name(),
        _ => None,
    };
    match constraint {
        Some("users_email_key") => Error::EmailTaken,
        Some("users_username_key") => Error::UsernameTaken,
        _ => error.into(),
    }
}

pub async fn insert(tx: &mut Tx, user: NewUser<'_>) -> Result<User, Error> {
    diesel::insert_into(users::table)
        .values(user)
        .returning(User::as_returning())
        .get_result(tx)
        .await
        .map_err(taken)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn with_email<'a>(email: &'a str) -> _ {
    users::table.filter(lower(users::email).eq(lower(email)))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn with_username<'a>(name: &'a str) -> _ {
    users::table.filter(lower(users::username).eq(lower(name)))
}

/// The user of this e-mail address, whatever its case, with the password's hash.
pub async fn by_email(tx: &mut Tx, email: &str) -> QueryResult<Option<(User, String)>> {
    // Folded as the throttle of log-ins folds it: two spellings that Postgres takes for one would otherwise have two counters.
    let email = email.to_lowercase();
    with_email(&email).select((User::as_select(), users::password_hash)).first(tx).await.optional()
}

/// The row, locked against changes until the transaction ends, with the password's hash.
pub async fn lock(tx: &mut Tx, id: UserId) -> QueryResult<Option<(User, String)>> {
    users::table
        .find(id.0)
        .select((User::as_select(), users::password_hash))
        .for_no_key_update()
        .first(tx)
        .await
        .optional()
}

pub async fn by_id(connection: &mut AsyncPgConnection, id: UserId) -> QueryResult<Option<User>> {
    users::table.find(id.0).select(User::as_select()).first(connection).await.optional()
}

/// [`by_id`], in a transaction.
pub async fn get(tx: &mut Tx, id: UserId) -> QueryResult<Option<User>> {
    users::table.find(id.0).select(User::as_select()).first(tx).await.optional()
}

/// Whatever the case.
pub async fn by_username(connection: &mut AsyncPgConnection, name: &str) -> QueryResult<Option<User>> {
    with_username(name).select(User::as_select()).first(connection).await.optional()
}

pub async fn by_ids(connection: &mut AsyncPgConnection, ids: &[i32]) -> QueryResult<Vec<User>> {
    users::table.filter(users::id.eq_any(ids)).select(User::as_select()).load(connection).await
}

/// Not by an array: Postgres would plan it anew each time.
pub async fn both(mut connection: &AsyncPgConnection, one: UserId, other: UserId) -> QueryResult<Vec<User>> {
    let either = users::id.eq(one.0).or(users::id.eq(other.0));
    users::table.filter(either).select(User::as_select()).load(&mut connection).await
}

pub async fn password_hash(
    connection: &mut AsyncPgConnection,
    id: UserId,
) -> QueryResult<Option<(String, String)>> {
    users::table.find(id.0).select((users::email, users::password_hash)).first(connection).await.optional()
}

/// The user's row must be locked.
pub async fn set_password_hash(tx: &mut Tx, id: UserId, hash: &str) -> QueryResult<()> {
    diesel::update(users::table.find(id.0)).set(users::password_hash.eq(hash)).execute(tx).await?;
    Ok(())
}

pub async fn set_last_login(tx: &mut Tx, id: UserId, at: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(users::table.find(id.0)).set(users::last_login_at.eq(at)).execute(tx).await?;
    Ok(())
}

pub async fn set_verification_digest(tx: &mut Tx, id: UserId, digest: &str) -> QueryResult<()> {
    diesel::update(users::table.find(id.0))
        .set(users::email_verification_token.eq(digest))
        .execute(tx)
        .await?;
    Ok(())
}

/// The e-mail address is proved. The row must be locked. Raises the version.
pub async fn set_email_verified(tx: &mut Tx, id: UserId, at: DateTime<Utc>) -> QueryResult<User> {
    diesel::update(users::table.find(id.0))
        .set((
            users::email_verified.eq(true),
            users::email_verified_at.eq(at),
            users::email_verification_token.eq(None::<String>),
            users::updated_at.eq(at),
            users::version.eq(users::version + 1),
        ))
        .returning(User::as_returning())
        .get_result(tx)
        .await
}

/// What an account may do. All of it is written.
#[derive(Clone, Copy, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
pub struct Standing {
    pub suspended_at: Option<DateTime<Utc>>,
    pub banned_at: Option<DateTime<Utc>>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub company_verified: bool,
}

impl Standing {
    pub const fn of(user: &User) -> Self {
        Self {
            suspended_at: user.suspended_at,
            banned_at: user.banned_at,
            deleted_at: user.deleted_at,
            company_verified: user.company_verified,
        }
    }
}

/// The row must be locked. Raises the version.
pub async fn set_standing(
    tx: &mut Tx,
    id: UserId,
    standing: Standing,
    at: DateTime<Utc>,
) -> QueryResult<User> {
    diesel::update(users::table.find(id.0))
        .set((standing, users::updated_at.eq(at), users::version.eq(users::version + 1)))
        .returning(User::as_returning())
        .get_result(tx)
        .await
}

/// Some users whose days of grace ended before `before`, locked; those that another replica has are left out.
pub async fn lock_overdue(tx: &mut Tx, before: DateTime<Utc>) -> QueryResult<Option<i32>> {
    users::table
        .filter(users::deleted_at.is_not_null())
        .filter(users::anonymised_at.is_null())
        .filter(users::deleted_at.lt(before))
        .order(users::deleted_at)
        .select(users::id)
        .for_no_key_update()
        .skip_locked()
        .first(tx)
        .await
        .optional()
}

/// Takes everything personal out of the row, which stays as a pseudonym. Its names can't be registered. Raises the version.
pub async fn anonymise(tx: &mut Tx, id: UserId, at: DateTime<Utc>) -> QueryResult<User> {
    diesel::update(users::table.find(id.0))
        .set((
            (
                users::email.eq(format!("deleted:{id}@invalid")),
                users::username.eq(format!("deleted:{id}")),
                users::password_hash.eq(""),
                users::first_name.eq(None::<String>),
                users::last_name.eq(None::<String>),
                users::phone.eq(None::<String>),
                users::location.eq(None::<String>),
                users::bio.eq(None::<String>),
                users::profile_image.eq(None::<String>),
            ),
            (
                users::company_name.eq(None::<String>),
                users::company_number.eq(None::<String>),
                users::company_website.eq(None::<String>),
                users::company_address.eq(None::<String>),
                users::company_verified.eq(false),
                users::email_verified.eq(false),
                users::email_verified_at.eq(None::<DateTime<Utc>>),
                users::email_verification_token.eq(None::<String>),
                users::stripe_customer_id.eq(None::<String>),
                users::stripe_subscription_id.eq(None::<String>),
            ),
            users::last_login_at.eq(None::<DateTime<Utc>>),
            users::is_active.eq(false),
            users::anonymised_at.eq(at),
            users::updated_at.eq(at),
            users::version.eq(users::version + 1),
        ))
        .returning(User::as_returning())
        .get_result(tx)
        .await
}

/// The row must be locked. Raises the version.
pub async fn set_profile(
    tx: &mut Tx,
    id: UserId,
    profile: Profile,
    at: DateTime<Utc>,
) -> Result<User, Error> {
    diesel::update(users::table.find(id.0))
        .set((profile, users::updated_at.eq(at), users::version.eq(users::version + 1)))
        .returning(User::as_returning())
        .get_result(tx)
        .await
        .map_err(taken)
}

#[cfg(test)]
mod tests {
    use pitchey_testkit::{Plan, TestDatabase};

    use super::*;

    #[tokio::test]
    async fn names_are_looked_up_by_the_unique_indexes() {
        let db = TestDatabase::create().await;
        let mut connection = db.connect_as("pitchey_accounts").await;
        let by_email = Plan::of(&mut connection, with_email("a@b.test").select(users::id)).await;
        by_email.assert_uses_index("users_email_key");
        let by_name = Plan::of(&mut connection, with_username("ada").select(users::id)).await;
        by_name.assert_uses_index("users_username_key");
    }
}
