//! What this service keeps about a user, for the user's own export.

use pitchey_events::UserId;
use pitchey_rpc::{Keeper, Parts, privacy_server};
use pitchey_web::Timestamp;
use serde_json::json;
use tonic::Status;
use tonic::service::Routes;

use crate::error::Error;
use crate::ops::reading;
use crate::state::AppState;
use crate::store::export;
use crate::view;

/// The gRPC services.
pub fn routes(state: AppState) -> Routes {
    Routes::new(privacy_server(Exporter(state)))
}

struct Exporter(AppState);

impl Keeper for Exporter {
    async fn export(&self, user: UserId, parts: &mut Parts) -> Result<(), Status> {
        self.conversations(user, parts).await?;
        self.messages(user, parts).await?;
        self.receipts(user, parts).await
    }
}

impl Exporter {
    async fn conversations(&self, user: UserId, parts: &mut Parts) -> Result<(), Status> {
        let mut after = 0;
        loop {
            let mut tx = self.0.databases.system.begin().await.map_err(Error::from)?;
            let rows = export::memberships(&mut tx, user, after).await.map_err(Error::from)?;
            tx.commit().await.map_err(Error::from)?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            after = last.conversation_id;
            let shown: Vec<_> = rows
                .iter()
                .map(|(member, conversation)| {
                    json!({
                        "conversationId": conversation.id, "type": conversation.kind, "title": conversation.title,
                        "pitchId": conversation.pitch_id, "role": member.role, "isActive": member.is_active,
                        "joinedAt": Timestamp(member.joined_at), "leftAt": member.left_at.map(Timestamp),
                        "lastReadAt": member.last_read_at.map(Timestamp), "lastReadMessageId": member.last_read_message_id,
                        "archivedAt": member.archived_at.map(Timestamp),
                    })
                })
                .collect();
            parts.send("conversations", &shown).await?;
        }
    }

    async fn messages(&self, user: UserId, parts: &mut Parts) -> Result<(), Status> {
        let mut after = 0;
        loop {
            let mut tx = self.0.databases.system.begin().await.map_err(Error::from)?;
            let rows = export::written(&mut tx, user, after).await.map_err(Error::from)?;
            let said = reading::open(&mut tx, &self.0.keys, rows).await?;
            tx.commit().await.map_err(Error::from)?;
            let Some(last) = said.last() else { return Ok(()) };
            after = last.row.id;
            let reader = view::Reader { user, pair: None, up_to: 0, at: None };
            let shown: Vec<_> = said.into_iter().map(|said| view::Message::of(said, &reader, None)).collect();
            // Long texts: a part stays below a mebibyte.
            for shown in shown.chunks(50) {
                parts.send("messages", shown).await?;
            }
        }
    }

    async fn receipts(&self, user: UserId, parts: &mut Parts) -> Result<(), Status> {
        let mut after = 0;
        loop {
            let mut tx = self.0.databases.system.begin().await.map_err(Error::from)?;
            let rows = export::receipts(&mut tx, user, after).await.map_err(Error::from)?;
            tx.commit().await.map_err(Error::from)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.id;
            let shown: Vec<_> = rows
                .iter()
                .map(|row| {
                    json!({
                        "messageId": row.message_id, "deliveredAt": row.delivered_at.map(Timestamp),
                        "readAt": row.read_at.map(Timestamp),
                    })
                })
                .collect();
            parts.send("message_read_receipts", &shown).await?;
        }
    }
}
