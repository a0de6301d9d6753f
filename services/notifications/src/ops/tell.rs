use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use pitchey_bus::outbox::{self, Traced};
use pitchey_db::Tx;
use pitchey_events::{NotificationCreated, UserId};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::consumers::{News, Notice};
use crate::store::{email_requests, notifications};

/// Writes what events tell: rows in the app at once, which messaging hears of, and for each mail a request, which a worker addresses, renders and
/// sends. `mail_asked` is rung once that is committed.
pub(crate) async fn tell(
    tx: &mut Tx,
    news: &[News],
    mail_asked: &Arc<Notify>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    in_app(tx, news, now).await?;
    let mut requests = Vec::new();
    for Told { event_id, notice, .. } in each(news) {
        if let Some(letter) = &notice.letter {
            requests.push(email_requests::New {
                event_id,
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

/// A notice, with the id that it is told once for, and its trace.
struct Told<'a> {
    event_id: Uuid,
    traceparent: Option<&'a String>,
    notice: &'a Notice,
}

fn each(news: &[News]) -> impl Iterator<Item = Told<'_>> {
    news.iter().flat_map(|News { event_id, traceparent, notices }| {
        notices.iter().map(|notice| Told {
            event_id: notice.once.unwrap_or(*event_id),
            traceparent: traceparent.as_ref(),
            notice,
        })
    })
}

/// The rows behind the bell, and an event for each: what was told before is not told again.
async fn in_app(tx: &mut Tx, news: &[News], now: DateTime<Utc>) -> QueryResult<()> {
    let (mut rows, mut told) = (Vec::new(), HashMap::new());
    for Told { event_id, traceparent, notice } in each(news) {
        let Some(bell) = &notice.bell else { continue };
        rows.push(notifications::New {
            user_id: notice.to.0,
            event_id,
            kind: bell.kind,
            title: &bell.title,
            body: bell.body.as_deref(),
            data: &bell.data,
        });
        told.entry((notice.to.0, event_id)).or_insert((bell, traceparent));
    }
    let written = notifications::insert(tx, &rows, now).await?;
    let created: Option<Vec<_>> = written
        .iter()
        .map(|row| {
            let (bell, traceparent) = told.get(&(row.user_id, row.event_id))?;
            let event = NotificationCreated {
                notification_id: row.id,
                user_id: UserId(row.user_id),
                kind: bell.kind.to_owned(),
                title: bell.title.clone(),
                body: bell.body.clone(),
                data: bell.data.iter().map(|(what, id)| ((*what).to_owned(), *id)).collect(),
                created_at: row.created_at,
            };
            Some(Traced { event, traceparent: traceparent.cloned() })
        })
        .collect();
    let created = created.ok_or(DieselError::RollbackTransaction)?;
    outbox::append_all(tx, &created)
}
