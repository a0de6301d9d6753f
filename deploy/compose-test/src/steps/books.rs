//! Whether everything that was answered happened, once.

use super::{PATIENCE, told};
use crate::load::{Load, MARK};
use crate::stack::Stack;
use crate::{Result, until};

/// Ends the load and compares what people were told with what is there.
pub async fn balance(stack: &Stack, load: Load) -> Result<()> {
    let told_writes = load.stop().await?;
    let written = format!("from pitch_comments as c where c.content like '{MARK}%'");
    let rows = stack.count(&format!("select count(*) {written}")).await?;
    let different = stack.count(&format!("select count(distinct c.content) {written}")).await?;
    told("comments", &format!("{told_writes} answered, {rows} there, {different} different"));
    if rows != told_writes || different != told_writes {
        return Err("the comments that were answered are not the comments that are there".into());
    }

    let by_event = format!(
        "select count(*) from notifications as n where n.type = 'pitch_commented'
         and (n.data->>'commentId')::bigint in (select c.id {written})"
    );
    let events_in_flight = "select count(*) from outbox";
    until("every event to have had its effect", PATIENCE, async || {
        stack.count(events_in_flight).await.is_ok_and(|events| events == 0)
            && stack.count(&by_event).await.is_ok_and(|notices| notices >= told_writes)
    })
    .await?;
    let notices = stack.count(&by_event).await?;
    told("notifications of them, by event", &notices.to_string());
    if notices != told_writes {
        return Err(format!("{notices} notifications of {told_writes} comments").into());
    }

    let dead = stack.ctl(&["dlq", "list"]).await?;
    let places: Vec<_> = dead.lines().filter(|line| line.contains(": ")).collect();
    if places.is_empty() || places.iter().any(|line| !line.trim_end().ends_with(": none")) {
        return Err(format!("dead letters:\n{dead}").into());
    }
    told("dead letters", "none");
    Ok(())
}
