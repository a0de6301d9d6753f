//! All SQL of accounts, a file a table.

pub mod audit_log;
pub mod authentication;
pub mod company_verifications;
pub mod data_requests;
pub mod feature_flags;
pub mod login_attempts;
pub mod mail_tokens;
pub mod people;
pub mod plans;
pub mod sessions;
pub mod user_blocks;
pub mod user_consents;
pub mod user_preferences;
pub mod user_totp;
pub mod users;
pub mod words;

use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;

diesel::define_sql_function! {
    /// Lower case by the database's rules, which are those of the unique indexes.
    fn lower(text: Text) -> Text;
}

/// Goes on as `user`, who has just proved to be it: row level security shows the user's rows until the transaction ends.
pub async fn act_as(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::sql_query("SELECT set_config('app.uid', $1::text, true)")
        .bind::<Integer, _>(user.0)
        .execute(tx)
        .await?;
    Ok(())
}
