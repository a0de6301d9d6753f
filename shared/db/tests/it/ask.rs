//! Questions to the database in plain SQL.

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::{AsyncConnectionCore, RunQueryDsl};

/// One value as text.
pub async fn text<C: AsyncConnectionCore<Backend = diesel::pg::Pg>>(
    connection: &mut C,
    expression: &str,
) -> String {
    texts(connection, &format!("SELECT ({expression})::text AS answer")).await.unwrap().remove(0)
}

/// The column `answer` of every row.
pub async fn texts<C>(connection: &mut C, query: &str) -> QueryResult<Vec<String>>
where
    C: AsyncConnectionCore<Backend = diesel::pg::Pg>,
{
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        answer: String,
    }
    let rows: Vec<Row> = sql_query(query).load(connection).await?;
    Ok(rows.into_iter().map(|row| row.answer).collect())
}

/// How many rows `of` (a table with its WHERE) has.
pub async fn count<C: AsyncConnectionCore<Backend = diesel::pg::Pg>>(
    connection: &mut C,
    of: &str,
) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    Ok(sql_query(format!("SELECT count(*) FROM {of}")).get_result::<Row>(connection).await?.count)
}
