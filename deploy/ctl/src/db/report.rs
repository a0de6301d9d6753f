//! Asks for each section, and prints it as a table.

use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::sections::{ALL, SUMMARY, Section};
use crate::{Failure, migrate};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Array<Nullable<Text>>)]
    cells: Vec<Option<String>>,
}

pub(super) async fn run(url: &str, top: u32) -> Result<(), Failure> {
    let mut connection = migrate::connect(url).await?;
    // A report on a database in trouble must not be one more trouble.
    connection
        .batch_execute("SET statement_timeout = '30s'; SET lock_timeout = '1s'; BEGIN READ ONLY")
        .await?;
    let summary: Row = sql_query(SUMMARY).get_result(&mut connection).await?;
    println!("{}", line(&summary.cells, &[]));
    let statements = statements(&mut connection).await?;
    for section in ALL {
        println!("\n{}", section.title);
        let sql = match (&statements, section.sql.contains(STATEMENTS)) {
            (None, true) => {
                println!("  unknown: {HOW_TO_COUNT}");
                continue;
            }
            (Some(view), true) => section.sql.replace(STATEMENTS, view),
            (_, false) => section.sql.to_owned(),
        };
        let rows: Vec<Row> =
            sql_query(sql).bind::<BigInt, _>(i64::from(top)).get_results(&mut connection).await?;
        print(section, &rows);
    }
    connection.batch_execute("ROLLBACK").await?;
    Ok(())
}

/// Stands in a section's SQL for the view, which may be in any schema.
const STATEMENTS: &str = "{statements}";
const HOW_TO_COUNT: &str = "pg_stat_statements is not there (shared_preload_libraries = 'pg_stat_statements', then CREATE EXTENSION pg_stat_statements)";

/// The view's name, if Postgres counts statements.
async fn statements(connection: &mut AsyncPgConnection) -> Result<Option<String>, Failure> {
    #[derive(QueryableByName)]
    struct View {
        #[diesel(sql_type = Text)]
        view: String,
    }
    let sql = "SELECT format('%I.pg_stat_statements', nspname) AS view
                 FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
                WHERE extname = 'pg_stat_statements'
                  AND 'pg_stat_statements' = ANY (string_to_array(replace(current_setting('shared_preload_libraries'), ' ', ''), ','))";
    let view: Option<View> = sql_query(sql).get_result(connection).await.optional()?;
    Ok(view.map(|View { view }| view))
}

fn print(section: &Section, rows: &[Row]) {
    if rows.is_empty() {
        println!("  {}", section.none);
        return;
    }
    let headings: Vec<_> = section.headings.iter().map(|heading| Some((*heading).to_owned())).collect();
    let table: Vec<_> = std::iter::once(&headings).chain(rows.iter().map(|row| &row.cells)).collect();
    let widths: Vec<usize> = (0..headings.len())
        .map(|column| table.iter().map(|cells| width(cells.get(column))).max().unwrap_or(0))
        .collect();
    for cells in table {
        println!("  {}", line(cells, &widths));
    }
}

fn width(cell: Option<&Option<String>>) -> usize {
    cell.and_then(Option::as_deref).unwrap_or(NOTHING).chars().count()
}

const NOTHING: &str = "-";

/// Numbers to the right, words to the left, the last without trailing blanks.
fn line(cells: &[Option<String>], widths: &[usize]) -> String {
    let padded: Vec<_> = cells
        .iter()
        .enumerate()
        .map(|(column, cell)| {
            let cell = cell.as_deref().unwrap_or(NOTHING);
            let width = widths.get(column).copied().unwrap_or(0);
            if cell.starts_with(|first: char| first.is_ascii_digit()) || cell == NOTHING {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        })
        .collect();
    padded.join("  ").trim_end().to_owned()
}
