use chrono::{DateTime, Utc};
use diesel::prelude::*;

use diesel_async::RunQueryDsl;
use pitchey_db::Tx;

use crate::schema::email_suppressions;

/// An address to which not everything is sent any more.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = email_suppressions)]
pub(crate) struct Suppression {
    pub(crate) email: String,
    pub(crate) reason: String,
    pub(crate) keep_transactional: bool,
}

/// Those among `addresses`, which are in lower case.
pub(crate) async fn among(tx: &mut Tx, addresses: &[String]) -> QueryResult<Vec<Suppression>> {
    email_suppressions::table
        .filter(email_suppressions::email.eq_any(addresses))
        .select(Suppression::as_select())
        .load(tx)
        .await
}

/// Why an address is suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It does not exist.
    HardBounce,
    /// Three mails in a week did not get in.
    SoftBounces,
    /// Its reader called a mail spam.
    Complaint,
}

impl Reason {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::HardBounce => "hard_bounce",
            Self::SoftBounces => "soft_bounces",
            Self::Complaint => "complaint",
        }
    }
}

/// Suppresses `address` because of what became of the mail called `email`. What forbids everything stays when something milder comes later.
pub(crate) async fn suppress(
    tx: &mut Tx,
    address: &str,
    reason: Reason,
    email: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let suppression = (
        email_suppressions::reason.eq(reason.as_str()),
        email_suppressions::keep_transactional.eq(reason == Reason::Complaint),
        email_suppressions::email_id.eq(email),
        email_suppressions::created_at.eq(now),
    );
    let upsert = diesel::insert_into(email_suppressions::table)
        .values((email_suppressions::email.eq(address.to_lowercase()), suppression))
        .on_conflict(email_suppressions::email)
        .do_update()
        .set(suppression);
    // Of an upsert only this trait knows conditions.
    diesel::query_dsl::methods::FilterDsl::filter(upsert, email_suppressions::keep_transactional)
        .execute(tx)
        .await?;
    Ok(())
}
