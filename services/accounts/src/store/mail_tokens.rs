use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_db::Tx;
use pitchey_events::{MailRequestId, UserId};
use uuid::Uuid;

use super::users::User;
use crate::mail_tokens::Purpose;
use crate::schema::{mail_tokens, users};

/// A row to be.
#[derive(Insertable)]
#[diesel(table_name = mail_tokens)]
pub struct NewMailToken<'a> {
    pub user_id: i32,
    pub purpose: &'static str,
    pub nonce: &'a [u8],
    pub digest: &'a [u8],
    pub expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub requested_from: Option<&'a str>,
}

/// A promised mail.
#[derive(Queryable, Selectable)]
#[diesel(table_name = mail_tokens, check_for_backend(Pg))]
pub struct MailToken {
    pub purpose: String,
    pub nonce: Vec<u8>,
    pub expires_at: DateTime<Utc>,
}

pub async fn insert(tx: &mut Tx, token: NewMailToken<'_>) -> QueryResult<MailRequestId> {
    let id: Uuid = diesel::insert_into(mail_tokens::table)
        .values(token)
        .returning(mail_tokens::id)
        .get_result(tx)
        .await?;
    Ok(MailRequestId(id))
}

/// When tokens were promised to the user after `since`, newest first, at most `most`.
pub async fn promised_since(
    tx: &mut Tx,
    user: UserId,
    purpose: Purpose,
    since: DateTime<Utc>,
    most: i64,
) -> QueryResult<Vec<DateTime<Utc>>> {
    mail_tokens::table
        .filter(mail_tokens::user_id.eq(user.0))
        .filter(mail_tokens::purpose.eq(purpose.as_str()))
        .filter(mail_tokens::created_at.gt(since))
        .order(mail_tokens::created_at.desc())
        .limit(most)
        .select(mail_tokens::created_at)
        .load(tx)
        .await
}

/// Lets one transaction at a time promise mails on the word of a stranger at `place`; how many were promised after `since`.
pub async fn lock_and_count(tx: &mut Tx, place: &str, since: DateTime<Utc>) -> QueryResult<i64> {
    tx.lock(&format!("mail_tokens/{place}"));
    mail_tokens::table
        .filter(mail_tokens::requested_from.eq(place))
        .filter(mail_tokens::created_at.gt(since))
        .count()
        .get_result(tx)
        .await
}

/// Makes all but the newest `keep` of the user's tokens of this purpose worthless: a stranger who asks in the user's name can't make the user's own mail
/// worthless at once.
pub async fn invalidate_older(
    tx: &mut Tx,
    user: UserId,
    purpose: Purpose,
    keep: i64,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let unused = || {
        mail_tokens::table
            .filter(mail_tokens::user_id.eq(user.0))
            .filter(mail_tokens::purpose.eq(purpose.as_str()))
            .filter(mail_tokens::used_at.is_null())
    };
    let newest = unused()
        .order((mail_tokens::created_at.desc(), mail_tokens::id))
        .limit(keep)
        .select(mail_tokens::id)
        .load::<Uuid>(tx)
        .await?;
    diesel::update(mail_tokens::table)
        .filter(mail_tokens::user_id.eq(user.0))
        .filter(mail_tokens::purpose.eq(purpose.as_str()))
        .filter(mail_tokens::used_at.is_null())
        .filter(mail_tokens::id.ne_all(newest))
        .set(mail_tokens::used_at.eq(at))
        .execute(tx)
        .await?;
    Ok(())
}

/// Makes the user's tokens of this purpose worthless.
pub async fn invalidate(tx: &mut Tx, user: UserId, purpose: Purpose, at: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(mail_tokens::table)
        .filter(mail_tokens::user_id.eq(user.0))
        .filter(mail_tokens::purpose.eq(purpose.as_str()))
        .filter(mail_tokens::used_at.is_null())
        .set(mail_tokens::used_at.eq(at))
        .execute(tx)
        .await?;
    Ok(())
}

/// Whose token this is, if it is one.
pub async fn owner(tx: &mut Tx, digest: &[u8], purpose: Purpose) -> QueryResult<Option<UserId>> {
    let user: Option<i32> = mail_tokens::table
        .filter(mail_tokens::digest.eq(digest))
        .filter(mail_tokens::purpose.eq(purpose.as_str()))
        .select(mail_tokens::user_id)
        .get_result(tx)
        .await
        .optional()?;
    Ok(user.map(UserId))
}

/// Uses the token up; whether it still worked. The user's row must be locked: everybody takes it before those of tokens.
pub async fn consume(tx: &mut Tx, digest: &[u8], purpose: Purpose, at: DateTime<Utc>) -> QueryResult<bool> {
    let used = diesel::update(mail_tokens::table)
        .filter(mail_tokens::digest.eq(digest))
        .filter(mail_tokens::purpose.eq(purpose.as_str()))
        .filter(mail_tokens::used_at.is_null())
        .filter(mail_tokens::expires_at.gt(at))
        .set(mail_tokens::used_at.eq(at))
        .execute(tx)
        .await?;
    Ok(used == 1)
}

/// Whether the token would work now.
pub async fn works(
    connection: &mut AsyncPgConnection,
    digest: &[u8],
    purpose: Purpose,
    at: DateTime<Utc>,
) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        mail_tokens::table
            .filter(mail_tokens::digest.eq(digest))
            .filter(mail_tokens::purpose.eq(purpose.as_str()))
            .filter(mail_tokens::used_at.is_null())
            .filter(mail_tokens::expires_at.gt(at)),
    ))
    .get_result(connection)
    .await
}

/// Whose token this is, if it works now.
pub async fn works_for(
    tx: &mut Tx,
    digest: &[u8],
    purpose: Purpose,
    at: DateTime<Utc>,
) -> QueryResult<Option<UserId>> {
    let user: Option<i32> = mail_tokens::table
        .filter(mail_tokens::digest.eq(digest))
        .filter(mail_tokens::purpose.eq(purpose.as_str()))
        .filter(mail_tokens::used_at.is_null())
        .filter(mail_tokens::expires_at.gt(at))
        .select(mail_tokens::user_id)
        .get_result(tx)
        .await
        .optional()?;
    Ok(user.map(UserId))
}

/// A promised mail whose token still works, and to whom it goes.
pub async fn promised(
    connection: &mut AsyncPgConnection,
    id: MailRequestId,
    at: DateTime<Utc>,
) -> QueryResult<Option<(MailToken, User)>> {
    mail_tokens::table
        .inner_join(users::table)
        .filter(mail_tokens::id.eq(id.0))
        .filter(mail_tokens::used_at.is_null())
        .filter(mail_tokens::expires_at.gt(at))
        .select((MailToken::as_select(), User::as_select()))
        .first(connection)
        .await
        .optional()
}

/// Forgets the user's tokens: the user is gone.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::delete(mail_tokens::table.filter(mail_tokens::user_id.eq(user.0))).execute(tx).await?;
    Ok(())
}

/// Forgets tokens that stopped working before `before`, and from where those of before `yesterday` were asked for.
pub async fn sweep(
    connection: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    yesterday: DateTime<Utc>,
) -> QueryResult<usize> {
    let old = mail_tokens::table.filter(mail_tokens::expires_at.lt(before));
    let forgotten = diesel::delete(old).execute(connection).await?;
    let addresses = diesel::update(mail_tokens::table)
        .filter(mail_tokens::requested_from.is_not_null())
        .filter(mail_tokens::created_at.lt(yesterday))
        .set(mail_tokens::requested_from.eq(None::<String>))
        .execute(connection)
        .await?;
    Ok(forgotten + addresses)
}
