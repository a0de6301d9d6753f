use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Json;
use diesel_async::{AsyncConnectionCore, RunQueryDsl, SimpleAsyncConnection};
use serde_json::Value;

/// How Postgres would answer a query. Of two indexes it takes the better one only when there are rows enough to tell: arrange some thousand and
/// `ANALYZE` before asserting which.
#[derive(Clone, Debug)]
pub struct Plan(Value);

/// `EXPLAIN` before any query of diesel's, with its values.
#[derive(Clone, Copy)]
struct Explain<Q> {
    options: &'static str,
    query: Q,
}

impl Plan {
    /// That of `query` on `connection`, where reading whole tables is made expensive: with a test's few rows it would always be the cheapest. An
    /// index that is not used now can't be.
    pub async fn of<C, Q>(connection: &mut C, query: Q) -> Self
    where
        C: AsyncConnectionCore<Backend = Pg> + SimpleAsyncConnection + Send,
        Q: QueryFragment<Pg> + Send,
    {
        connection.batch_execute("SET enable_seqscan = off").await.expect("SET");
        let explain = Explain { options: "FORMAT JSON", query };
        let plan = explain.get_result::<Value>(connection).await.expect("EXPLAIN");
        connection.batch_execute("RESET enable_seqscan").await.expect("RESET");
        Self(plan)
    }

    /// That of `query` on `connection` after it was run, as it would be for anybody: with the time it took.
    pub async fn run<C, Q>(connection: &mut C, query: Q) -> Self
    where
        C: AsyncConnectionCore<Backend = Pg> + Send,
        Q: QueryFragment<Pg> + Send,
    {
        let explain = Explain { options: "ANALYZE, TIMING OFF, FORMAT JSON", query };
        Self(explain.get_result::<Value>(connection).await.expect("EXPLAIN ANALYZE"))
    }

    /// How long planning and running took, of a plan that was run.
    pub fn milliseconds(&self) -> f64 {
        let took = |key: &str| self.0[0][key].as_f64().expect("a plan that was run");
        took("Planning Time") + took("Execution Time")
    }

    /// Fails unless the index called `name` is used.
    #[track_caller]
    pub fn assert_uses_index(&self, name: &str) {
        assert!(self.all("Index Name").contains(&name), "{name} is not used:\n{self}");
    }

    /// Fails if `table` is read from end to end.
    #[track_caller]
    pub fn assert_never_scans(&self, table: &str) {
        let scans = |node: &Value| node["Node Type"] == "Seq Scan" && node["Relation Name"] == table;
        assert!(!self.nodes().into_iter().any(scans), "{table} is read from end to end:\n{self}");
    }

    /// Fails if rows are sorted, where an index should have them in order.
    #[track_caller]
    pub fn assert_never_sorts(&self) {
        assert!(!self.all("Node Type").contains(&"Sort"), "rows are sorted:\n{self}");
    }

    fn all(&self, key: &str) -> Vec<&str> {
        self.nodes().into_iter().filter_map(|node| node[key].as_str()).collect()
    }

    /// Each step, from the last to the first.
    fn nodes(&self) -> Vec<&Value> {
        let mut nodes = vec![&self.0[0]["Plan"]];
        let mut next = 0;
        while let Some(node) = nodes.get(next).copied() {
            nodes.extend(node["Plans"].as_array().into_iter().flatten());
            next += 1;
        }
        nodes
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Explain<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("EXPLAIN (");
        out.push_sql(self.options);
        out.push_sql(") ");
        self.query.walk_ast(out)
    }
}

impl<Q> Query for Explain<Q> {
    type SqlType = Json;
}

impl<Q> QueryId for Explain<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
