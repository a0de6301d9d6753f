use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_db::Tx;

use crate::schema::login_attempts;

/// One account tried from one address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub account_digest: Vec<u8>,
    pub ip: String,
}

/// Lets one transaction at a time count and add attempts of `key`; the others wait for its end.
pub fn lock(tx: &mut Tx, key: &Key) {
    tx.lock(&format!("login_attempts/{}/{}", crate::tokens::hex(&key.account_digest), key.ip));
}

#[diesel::dsl::auto_type(no_type_alias)]
fn recent<'a>(account_digest: &'a [u8], ip: &'a str, since: DateTime<Utc>, most: i64) -> _ {
    login_attempts::table
        .filter(login_attempts::account_digest.eq(account_digest))
        .filter(login_attempts::ip_address.eq(ip))
        .filter(login_attempts::failed_at.gt(since))
        .order(login_attempts::failed_at.desc())
        .limit(most)
        .select(login_attempts::failed_at)
}

/// When the last `most` attempts since `since` were, newest first.
pub async fn since(
    tx: &mut Tx,
    key: &Key,
    since: DateTime<Utc>,
    most: i64,
) -> QueryResult<Vec<DateTime<Utc>>> {
    recent(&key.account_digest, &key.ip, since, most).load(tx).await
}

pub async fn insert(tx: &mut Tx, key: &Key, at: DateTime<Utc>) -> QueryResult<i64> {
    diesel::insert_into(login_attempts::table)
        .values((
            login_attempts::account_digest.eq(&key.account_digest),
            login_attempts::ip_address.eq(&key.ip),
            login_attempts::failed_at.eq(at),
        ))
        .returning(login_attempts::id)
        .get_result(tx)
        .await
}

/// Forgets one attempt.
pub async fn remove(tx: &mut Tx, key: &Key, id: i64) -> QueryResult<()> {
    diesel::delete(login_attempts::table)
        .filter(login_attempts::account_digest.eq(&key.account_digest))
        .filter(login_attempts::ip_address.eq(&key.ip))
        .filter(login_attempts::id.eq(id))
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets all attempts of `key`: the right password was given.
pub async fn clear(tx: &mut Tx, key: &Key) -> QueryResult<()> {
    diesel::delete(login_attempts::table)
        .filter(login_attempts::account_digest.eq(&key.account_digest))
        .filter(login_attempts::ip_address.eq(&key.ip))
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets what does not count any more.
pub async fn sweep(connection: &mut AsyncPgConnection, before: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(login_attempts::table)
        .filter(login_attempts::failed_at.lt(before))
        .execute(connection)
        .await
}

#[cfg(test)]
mod tests {
    use pitchey_testkit::{Plan, TestDatabase};

    use super::*;

    #[tokio::test]
    async fn the_count_is_one_range_of_the_key() {
        let db = TestDatabase::create().await;
        let mut connection = db.connect_as("pitchey_accounts").await;
        let now = pitchey_clock::Clock::system().now();
        let plan = Plan::of(&mut connection, recent(&[0; 32], "127.0.0.1", now, 5)).await;
        plan.assert_uses_index("login_attempts_pkey");
        plan.assert_never_sorts();
    }
}
