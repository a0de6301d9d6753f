//! Prepared statements that diesel would throw away.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// A query whose prepared statement is kept by its text. Diesel prepares every UPDATE, every insert of several rows and every insert with a default
/// anew, because the text of such a query depends on its values: a round trip and a plan more, each time. Ours have few texts each.
pub(crate) struct Kept<Q>(pub Q);

/// Whether diesel keeps the prepared statement by itself.
pub(crate) fn is_kept_anyway(query: &impl QueryFragment<Pg>) -> bool {
    query.is_safe_to_cache_prepared(&Pg).unwrap_or(true)
}

impl<Q: Query> Query for Kept<Q> {
    type SqlType = Q::SqlType;
}

// Without an id the text and the types of the parameters are the key.
impl<Q> QueryId for Kept<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Kept<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}
