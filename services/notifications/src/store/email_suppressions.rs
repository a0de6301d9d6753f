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
