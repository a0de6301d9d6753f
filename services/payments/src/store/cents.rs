//! Amounts of money: `decimal(10,2)` in the database, whole minor units everywhere else.

use diesel::dsl::AsExprOf;
use diesel::expression::{SqlLiteral, UncheckedBind};
use diesel::sql_types::{BigInt, Numeric};

/// What `cents` is in SQL.
pub fn numeric(cents: i64) -> UncheckedBind<SqlLiteral<Numeric>, AsExprOf<i64, BigInt>> {
    diesel::dsl::sql::<Numeric>("").bind::<BigInt, _>(cents)
}

/// A column of money, read as whole minor units.
pub fn read(column: &str) -> SqlLiteral<BigInt> {
    diesel::dsl::sql::<BigInt>(&format!("{column}::bigint"))
}
