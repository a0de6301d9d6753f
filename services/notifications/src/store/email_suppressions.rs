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

/// Nothing is sent to `address` any more: the mail called `email` was refused for good.
pub(crate) async fn hard_bounce(
    tx: &mut Tx,
    address: &str,
    email: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let bounce = (
        email_suppressions::reason.eq("hard_bounce"),
        email_suppressions::keep_transactional.eq(false),
        email_suppressions::email_id.eq(email),
        email_suppressions::created_at.eq(now),
    );
    diesel::insert_into(email_suppressions::table)
        .values((email_suppressions::email.eq(address.to_lowercase()), bounce))
        .on_conflict(email_suppressions::email)
        .do_update()
        .set(bounce)
        .execute(tx)
        .await?;
    Ok(())
}
