//! What the audit log kept of the story.

use diesel::sql_types::{Array, Integer, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;

use super::person::Person;
use super::stage::Stage;
use crate::{Failure, migrate};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Timestamptz)]
    at: chrono::DateTime<chrono::Utc>,
    #[diesel(sql_type = Nullable<Integer>)]
    user_id: Option<i32>,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Text)]
    entity: String,
}

/// Prints it, and fails if the NDA left no trace.
pub(super) async fn show(stage: &mut Stage, url: &str, cast: &[Person; 3], nda: i64) -> Result<(), Failure> {
    stage.paper.chapter("What the audit log says");
    let ids: Vec<i32> = cast.iter().filter_map(|person| person.id.try_into().ok()).collect();
    let mut connection = migrate::connect(url).await?;
    let lines: Vec<Line> = sql_query(
        "SELECT created_at AS at, user_id, action,
                coalesce(entity_type, '') || coalesce(' ' || entity_id, ' ' || left(entity_key, 8), '') AS entity
         FROM audit_log WHERE user_id = ANY ($1) ORDER BY id",
    )
    .bind::<Array<Integer>, _>(ids)
    .load(&mut connection)
    .await?;
    println!();
    for line in &lines {
        let who = cast.iter().find(|person| Some(person.id) == line.user_id.map(i64::from));
        let who = who.map_or("", |person| person.name);
        println!("     {}  {who:<6} {:<28} {}", line.at.format("%H:%M:%S%.3f"), line.action, line.entity);
    }
    if lines.iter().any(|line| line.entity == format!("nda {nda}")) {
        Ok(())
    } else {
        Err(Failure::Failed("the audit log has nothing about the NDA".into()))
    }
}
