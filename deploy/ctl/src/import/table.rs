//! How any table comes in.

use std::collections::HashSet;

use diesel::result::{DatabaseErrorKind, Error as Refused};
use diesel::sql_types::{Array, BigInt, Jsonb, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::{Map, Value};

use super::mending::Mending;
use super::report::{Fate, Report};
use crate::Failure;

/// A row, by column.
pub(super) type Row = Map<String, Value>;

/// What is done to each row on its way: changes it, and says what had to be mended; an error says why it is left out.
pub(super) type Mend = fn(&mut Mending, &mut Row) -> Result<(), String>;

/// A table of the former database, and what becomes of its rows here.
#[derive(Clone, Copy)]
pub(super) struct Table {
    /// The same in both.
    pub(super) name: &'static str,
    /// The rows there, if there is more to say than `SELECT *`.
    pub(super) from: Option<&'static str>,
    /// Type of the column `id`.
    pub(super) key: Key,
    /// The columns that are written here.
    pub(super) columns: &'static str,
    /// What is done on the way.
    pub(super) mend: Mend,
    /// What is written beside the row: SQL with the rows as `$1`.
    pub(super) beside: Option<&'static str>,
}

/// Of what type ids are.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Number,
    Uuid,
}

#[derive(QueryableByName)]
struct Rows {
    #[diesel(sql_type = Jsonb)]
    rows: Value,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Text)]
    id: String,
}

/// A row on its way, with its id and what was mended.
struct Brought {
    id: String,
    row: Row,
    mended: Vec<&'static str>,
}

impl Table {
    /// Brings all rows that are not here yet.
    pub(super) async fn bring(
        &self,
        from: &mut AsyncPgConnection,
        to: &mut AsyncPgConnection,
        batch: i64,
        mending: &mut Mending,
        report: &mut Report,
    ) -> Result<(), Failure> {
        report.begin_table();
        let mut after = match self.key {
            Key::Number => i64::MIN.to_string(),
            Key::Uuid => "00000000-0000-0000-0000-000000000000".to_owned(),
        };
        loop {
            let rows = self.read(from, &after, batch).await?;
            report.add_read(rows.len());
            let Some(last) = rows.last() else { return Ok(()) };
            after = id_of(last);
            let mut brought = Vec::with_capacity(rows.len());
            for mut row in rows {
                let id = id_of(&row);
                let outcome = (self.mend)(mending, &mut row);
                let mended = mending.take();
                match outcome {
                    Ok(()) => brought.push(Brought { id, row, mended }),
                    Err(why) => report.note(self.name, Fate::LeftOut, &why, &id),
                }
            }
            self.write(to, &brought, report).await?;
        }
    }

    async fn read(&self, from: &mut AsyncPgConnection, after: &str, batch: i64) -> Result<Vec<Row>, Failure> {
        let rows = self.from.map_or_else(|| format!("SELECT * FROM {}", self.name), str::to_owned);
        let key = match self.key {
            Key::Number => "bigint",
            Key::Uuid => "uuid",
        };
        let sql = format!(
            "SELECT coalesce(jsonb_agg(to_jsonb(page) ORDER BY page.id), '[]') AS rows
             FROM (SELECT * FROM ({rows}) AS source WHERE source.id > $1::{key} ORDER BY source.id LIMIT $2) AS page"
        );
        let page: Rows =
            sql_query(sql).bind::<Text, _>(after).bind::<BigInt, _>(batch).get_result(from).await?;
        serde_json::from_value(page.rows).map_err(|error| Failure::Failed(format!("{}: {error}", self.name)))
    }

    /// Writes all at once; where the database refuses, halves, until it is known which row it is.
    async fn write(
        &self,
        to: &mut AsyncPgConnection,
        rows: &[Brought],
        report: &mut Report,
    ) -> Result<(), Failure> {
        let mut waiting = vec![rows];
        while let Some(rows) = waiting.pop() {
            if rows.is_empty() {
                continue;
            }
            match to.transaction(async |to| self.insert(to, rows).await).await {
                Ok((inserted, missing)) => {
                    report.add_inserted(inserted.len());
                    for row in rows {
                        if missing.contains(&row.id) {
                            let why = "another row has what must be unique";
                            report.note(self.name, Fate::LeftOut, why, &row.id);
                        } else {
                            // Also of rows that came with an earlier run, which may not have lived to report them.
                            for what in &row.mended {
                                report.note(self.name, Fate::Mended, what, &row.id);
                            }
                        }
                    }
                }
                Err(Refused::DatabaseError(kind, info)) if is_of_a_row(&kind) => match rows {
                    [row] => {
                        let why = format!("the database: {}", info.message());
                        report.note(self.name, Fate::LeftOut, &why, &row.id);
                    }
                    rows => {
                        let (first, second) = rows.split_at(rows.len() / 2);
                        waiting.push(second);
                        waiting.push(first);
                    }
                },
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// (ids of new rows, ids of rows that are not here for all that).
    async fn insert(
        &self,
        to: &mut AsyncPgConnection,
        rows: &[Brought],
    ) -> diesel::QueryResult<(HashSet<String>, HashSet<String>)> {
        let Self { name, columns, .. } = self;
        let json = Value::Array(rows.iter().map(|row| Value::Object(row.row.clone())).collect());
        let sql = format!(
            "INSERT INTO {name} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{name}, $1)
             ON CONFLICT DO NOTHING RETURNING id::text AS id"
        );
        let inserted: Vec<Id> = sql_query(sql).bind::<Jsonb, _>(&json).load(to).await?;
        let inserted: HashSet<_> = inserted.into_iter().map(|row| row.id).collect();
        if let Some(beside) = self.beside {
            sql_query(beside).bind::<Jsonb, _>(&json).execute(to).await?;
        }
        let others: Vec<_> =
            rows.iter().map(|row| row.id.clone()).filter(|id| !inserted.contains(id)).collect();
        if others.is_empty() {
            return Ok((inserted, HashSet::new()));
        }
        let key = match self.key {
            Key::Number => "bigint",
            Key::Uuid => "uuid",
        };
        let sql = format!("SELECT id::text AS id FROM {name} WHERE id = ANY ($1::{key}[])");
        let here: Vec<Id> = sql_query(sql).bind::<Array<Text>, _>(&others).load(to).await?;
        let here: HashSet<_> = here.into_iter().map(|row| row.id).collect();
        Ok((inserted, others.into_iter().filter(|id| !here.contains(id)).collect()))
    }

    /// Rows here.
    pub(super) async fn count(&self, to: &mut AsyncPgConnection) -> Result<i64, Failure> {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let sql = format!("SELECT count(*) AS count FROM {}", self.name);
        let count: Count = sql_query(sql).get_result(to).await?;
        Ok(count.count)
    }
}

/// Whether it is what was written that was refused, not that something is written now.
const fn is_of_a_row(kind: &DatabaseErrorKind) -> bool {
    !matches!(
        kind,
        DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::ReadOnlyTransaction
    )
}

fn id_of(row: &Row) -> String {
    match row.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(id) => id.to_string(),
        None => String::new(),
    }
}
