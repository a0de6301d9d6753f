//! `credits`: what each user has.

use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;

use crate::schema::{credit_holds as holds, credits};

/// What a user has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = credits, check_for_backend(diesel::pg::Pg))]
pub struct Credits {
    /// Can be spent.
    pub balance: i32,
    /// Of these, granted; spent first.
    pub granted: i32,
    /// Of these, from the last monthly grant; spent before the others.
    pub monthly: i32,
    /// Bought.
    pub purchased: i32,
    pub lifetime_purchased: i32,
    pub lifetime_used: i32,
}

/// `user`'s, if there ever were any.
pub async fn find(tx: &mut Tx, user: UserId) -> QueryResult<Option<Credits>> {
    credits::table.filter(credits::user_id.eq(user.0)).select(Credits::as_select()).first(tx).await.optional()
}

/// `user`'s, locked until the end of the transaction; an empty row is made where there was none.
pub async fn lock(tx: &mut Tx, user: UserId) -> QueryResult<Credits> {
    open(tx, user).await?;
    credits::table
        .filter(credits::user_id.eq(user.0))
        .select(Credits::as_select())
        .for_update()
        .first(tx)
        .await
}

/// Makes an empty row where there is none.
pub async fn open(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    let row = credits::user_id.eq(user.0);
    diesel::insert_into(credits::table).values(row).on_conflict_do_nothing().execute(tx).await?;
    Ok(())
}

/// How many credits of `user` are set aside.
pub async fn held(tx: &mut Tx, user: UserId) -> QueryResult<i64> {
    let sum: Option<i64> = open_holds(user).select(diesel::dsl::sum(holds::amount)).first(tx).await?;
    Ok(sum.unwrap_or(0))
}

/// Spelled as the index is, so that it serves.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn open_holds(user: UserId) -> _ {
    let user: i32 = user.0;
    let open: SqlLiteral<Bool> = diesel::dsl::sql("status IN ('tentative', 'firm')");
    holds::table.filter(holds::user_id.eq(user)).filter(open)
}
