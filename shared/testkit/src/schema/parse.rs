//! Reads diesel's `table!` macros, formatted as rustfmt leaves them: a line an item.

use super::Tables;

/// Every table in the text.
pub(super) fn tables(source: &str) -> Tables {
    let mut tables = Tables::new();
    let mut table: Option<String> = None;
    let mut inside = false;
    let mut sql_name = None;
    for line in source.lines().map(str::trim) {
        if line.ends_with("table! {") {
            inside = true;
        } else if !inside || line.starts_with("//") || line.is_empty() {
        } else if let Some(rest) = line.strip_prefix("#[sql_name = \"") {
            sql_name = Some(rest.trim_end_matches("\"]").to_owned());
        } else if let (Some(name), Some((column, sql_type))) = (&table, line.split_once(" -> ")) {
            let name = name.clone();
            let column = sql_name.take().unwrap_or_else(|| column.to_owned());
            tables.entry(name).or_default().insert(column, of_diesel(sql_type.trim_end_matches(',')));
        } else if line.starts_with('}') {
            inside = table.take().is_some();
        } else if let (None, Some((name, _))) = (&table, line.split_once(" (")) {
            let name = sql_name.take().unwrap_or_else(|| name.rsplit('.').next().unwrap_or(name).to_owned());
            tables.entry(name.clone()).or_default();
            table = Some(name);
        }
    }
    tables
}

/// Postgres' name of a type by diesel's, with a question mark for `Nullable`.
fn of_diesel(sql_type: &str) -> String {
    if let Some(inner) = generic(sql_type, "Nullable") {
        return of_diesel(inner) + "?";
    }
    if let Some(inner) = generic(sql_type, "Array") {
        return format!("_{}", of_diesel(inner).trim_end_matches('?'));
    }
    let name = sql_type.rsplit("::").next().unwrap_or(sql_type);
    match name {
        "Int2" | "SmallInt" => "int2".to_owned(),
        "Int4" | "Integer" => "int4".to_owned(),
        "Int8" | "BigInt" => "int8".to_owned(),
        "Float4" | "Float" => "float4".to_owned(),
        "Float8" | "Double" => "float8".to_owned(),
        "Binary" => "bytea".to_owned(),
        "VarChar" => "varchar".to_owned(),
        "TsVector" => "tsvector".to_owned(),
        // Text, Bool, Jsonb, Uuid, Timestamptz ... and the service's enumerations: UserType is user_type.
        name => snake_case(name),
    }
}

fn generic<'a>(sql_type: &'a str, of: &str) -> Option<&'a str> {
    let inner = sql_type.split_once('<').filter(|(outer, _)| outer.rsplit("::").next() == Some(of))?.1;
    inner.strip_suffix('>')
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (i, c) in name.char_indices() {
        if c.is_uppercase() && i > 0 {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_with_types_names_and_nulls() {
        let read = tables(
            r#"
            pub mod sql_types {
                #[derive(diesel::sql_types::SqlType)]
                #[diesel(postgres_type(name = "user_type"))]
                pub struct UserType;
            }

            diesel::table! {
                use diesel::sql_types::*;
                use super::sql_types::UserType;

                /// What the bell shows.
                notifications (id) {
                    id -> Int8,
                    /// With a comment -> here.
                    #[sql_name = "type"]
                    kind -> Varchar,
                    user_type -> Nullable<UserType>,
                    tags -> Nullable<Array<Nullable<Text>>>,
                    #[max_length = 255]
                    body -> diesel::sql_types::VarChar,
                }
            }

            diesel::table! { 
                #[sql_name = "sessions"]
                logins (id) {
                    id -> Uuid,
                }
            }
            diesel::allow_tables_to_appear_in_same_query!(notifications, logins);
            "#,
        );
        let columns = |table: &str| read[table].iter().map(|(n, t)| format!("{n} {t}")).collect::<Vec<_>>();
        assert_eq!(read.keys().collect::<Vec<_>>(), ["notifications", "sessions"]);
        assert_eq!(
            columns("notifications"),
            ["body varchar", "id int8", "tags _text?", "type varchar", "user_type user_type?"]
        );
        assert_eq!(columns("sessions"), ["id uuid"]);
    }
}
