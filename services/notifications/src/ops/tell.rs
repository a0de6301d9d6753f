use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{NotificationCreated, UserId};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::consumers::Notice;
use crate::store::{email_requests, notifications};

/// Writes what the event called `event_id` tells: rows in the app at once, which messaging hears of, and for each mail a request, which a worker
/// addresses, renders and sends. `mail_asked` is rung once that is committed.
pub(crate) async fn tell(
    tx: &mut Tx,
    event_id: Uuid,
    notices: &[Notice],
    mail_asked: &Arc<Notify>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    in_app(tx, event_id, notices, now).await?;
    let mut requests = Vec::new();
    for notice in notices {
        if let Some(letter) = &notice.letter {
            requests.push(email_requests::New {
                event_id: notice.once.unwrap_or(event_id),
                user_id: notice.to.0,
                template: letter.template(),
                letter: serde_json::to_value(letter)
                    .map_err(|error| DieselError::SerializationError(error.into()))?,
            });
        }
    }
    if !requests.is_empty() {
        email_requests::insert(tx, &requests, now)?;
        tx.ring_after_commit(mail_asked);
    }
    Ok(())
}

/// The rows behind the bell, and an event for each: what was told before is not told again.
async fn in_app(tx: &mut Tx, event_id: Uuid, notices: &[Notice], now: DateTime<Utc>) -> QueryResult<()> {
    let told: HashMap<_, _> = notices
        .iter()
        .filter_map(|notice| Some(((notice.to.0, notice.once.unwrap_or(event_id)), notice.bell.as_ref()?)))
        .collect();
    let rows: Vec<_> = told
        .iter()
        .map(|((user_id, event_id), bell)| notifications::New {
            user_id: *user_id,
            event_id: *event_id,
            kind: bell.kind,
            title: &bell.title,
            body: bell.body.as_deref(),
            data: &bell.data,
        })
        .collect();
    let written = notifications::insert(tx, &rows, now).await?;
    let created: Option<Vec<_>> = written
        .iter()
        .map(|row| {
            let bell = told.get(&(row.user_id, row.event_id))?;
            Some(NotificationCreated {
                notification_id: row.id,
                user_id: UserId(row.user_id),
                kind: bell.kind.to_owned(),
                title: bell.title.clone(),
                body: bell.body.clone(),
                data: bell.data.iter().map(|(what, id)| ((*what).to_owned(), *id)).collect(),
                created_at: row.created_at,
            })
        })
        .collect();
    let created = created.ok_or(DieselError::RollbackTransaction)?;
    outbox::append_all(tx, &created)
}
