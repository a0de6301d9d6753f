use std::sync::Arc;

use chrono::{DateTime, Utc};
use pitchey_bus::Failure;
use pitchey_db::Tx;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::consumers::Notice;
use crate::store::{email_requests, notifications};

/// Writes what the event called `event_id` tells: rows in the app at once, and for each mail a request, which a worker addresses, renders and
/// sends. `mail_asked` is rung once that is committed.
pub(crate) async fn tell(
    tx: &mut Tx,
    event_id: Uuid,
    notices: &[Notice],
    mail_asked: &Arc<Notify>,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    for notice in notices {
        if let Some(bell) = &notice.bell {
            let row = notifications::New {
                user_id: notice.to.0,
                event_id,
                kind: bell.kind,
                title: &bell.title,
                body: bell.body.as_deref(),
                data: &bell.data,
            };
            notifications::insert(tx, &row).await?;
        }
        if let Some(letter) = &notice.letter {
            let row = email_requests::New {
                event_id,
                user_id: notice.to.0,
                template: letter.template(),
                letter: serde_json::to_value(letter).map_err(Failure::permanent)?,
                not_before: now,
            };
            email_requests::insert(tx, &row).await?;
            tx.ring_after_commit(mail_asked);
        }
    }
    Ok(())
}
