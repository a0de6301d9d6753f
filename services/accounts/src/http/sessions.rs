use actix_web::{HttpResponse, delete, get, web};
use pitchey_events::SessionId;
use pitchey_web::{Actor, Answer, Command, Listed, Origin, Paging, PathId, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use super::NoInput;
use crate::error::Error;
use crate::ops::sessions;
use crate::state::AppState;
use crate::store::sessions::{self as rows, Session};

/// A session of the user's own.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// For ending it.
    #[schema(value_type = String)]
    id: Uuid,
    /// The one that asks.
    current: bool,
    /// From where it was last refreshed.
    ip_address: Option<String>,
    /// With what.
    user_agent: Option<String>,
    /// When the user logged in.
    created_at: Timestamp,
    /// About when it was last used.
    last_activity_at: Timestamp,
    /// When it ends unless it is refreshed.
    expires_at: Timestamp,
}

impl SessionView {
    pub fn of(session: Session, current: SessionId) -> Self {
        Self {
            id: session.id,
            current: SessionId(session.id) == current,
            ip_address: session.ip_address,
            user_agent: session.user_agent,
            created_at: session.created_at.into(),
            last_activity_at: session.last_activity_at.into(),
            expires_at: session.expires_at.into(),
        }
    }
}

/// The user's own live sessions, newest first.
#[utoipa::path(tag = "user", responses((status = 200, body = Listed<SessionView>)))]
#[get("/api/user/sessions")]
pub async fn list(
    state: web::Data<AppState>,
    actor: Actor,
    paging: Paging,
) -> Result<web::Json<Listed<SessionView>>, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let all = rows::live(&mut tx, actor.id, state.clock.now()).await?;
    tx.commit().await?;
    // There are five at most, so all are read to show a page.
    let page = Listed::of_all(&paging, all);
    Ok(web::Json(page.map(|session| SessionView::of(session, actor.session_id))))
}

/// Ends one of the user's own sessions.
#[utoipa::path(tag = "user", responses((status = 200)))]
#[delete("/api/user/sessions/{id}")]
pub async fn revoke(
    state: web::Data<AppState>,
    actor: Actor,
    id: PathId<SessionId>,
    origin: Origin,
    command: Command<NoInput>,
) -> Result<HttpResponse, Error> {
    command
        .run(&state.databases.user, async |tx, _| {
            sessions::revoke(tx, actor.id, id.0, state.clock.now(), &origin).await?;
            Ok(Answer::ok("The session has ended."))
        })
        .await
}
