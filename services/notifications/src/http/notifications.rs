use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, post};
use garde::Validate;
use pitchey_web::{Actor, Answer, Command, Listed, Meta, Paging, PathId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;
use crate::ops::notifications as ops;
use crate::state::AppState;
use crate::store::notifications::{Notification as Row, Which};

/// Something the user was told.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Notification {
    id: i64,
    /// What kind, as `nda_approved`.
    #[serde(rename = "type")]
    kind: String,
    title: String,
    body: Option<String>,
    /// Ids for links, as `{"pitchId": 42}`.
    #[schema(value_type = Object)]
    data: Value,
    read: bool,
    read_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl From<Row> for Notification {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            title: row.title,
            body: row.body,
            data: row.data.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            read: row.read_at.is_some(),
            read_at: row.read_at.map(Timestamp),
            created_at: Timestamp(row.created_at),
        }
    }
}

/// A page of the list.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct NotificationPage {
    data: Vec<Notification>,
    meta: Meta,
    /// Unread ones in all; not counted on beyond 1,001.
    unread_count: i64,
}

/// Nothing has to be said.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
struct Nothing {}

/// The user's notifications, newest first.
#[utoipa::path(tag = "notifications", responses((status = 200, body = NotificationPage), (status = 401)))]
#[get("/api/notifications/list")]
pub(super) async fn list(
    actor: Actor,
    paging: Paging,
    state: Data<AppState>,
) -> Result<Json<NotificationPage>, Error> {
    page(&actor, &paging, &state, Which::All).await
}

/// The user's unread notifications, newest first.
#[utoipa::path(tag = "notifications", responses((status = 200, body = NotificationPage), (status = 401)))]
#[get("/api/notifications/unread")]
pub(super) async fn unread(
    actor: Actor,
    paging: Paging,
    state: Data<AppState>,
) -> Result<Json<NotificationPage>, Error> {
    page(&actor, &paging, &state, Which::Unread).await
}

async fn page(
    actor: &Actor,
    paging: &Paging,
    state: &AppState,
    which: Which,
) -> Result<Json<NotificationPage>, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let (listed, unread_count) = ops::list(&mut tx, actor.id, which, paging).await?;
    tx.commit().await?;
    let Listed { data, meta } = listed.map(Notification::from);
    Ok(Json(NotificationPage { data, meta, unread_count }))
}

/// Marks one as read.
#[utoipa::path(tag = "notifications", request_body = Nothing, params(("id" = i64, Path,)),
    responses((status = 200, description = "{message, notification}"), (status = 401), (status = 404)))]
#[post("/api/notifications/{id}/read")]
pub(super) async fn read(
    actor: Actor,
    id: PathId<i64>,
    command: Command<Nothing>,
    state: Data<AppState>,
) -> Result<HttpResponse, Error> {
    command
        .run(&state.databases.user, async |tx, _| {
            let row = ops::read(tx, actor.id, id.0, state.clock.now()).await?;
            Ok::<_, Error>(Answer::ok("Marked as read.").with("notification", &Notification::from(row)))
        })
        .await
}

/// Marks all as read.
#[utoipa::path(tag = "notifications", request_body = Nothing,
    responses((status = 200, description = "{message, updated, unreadCount}"), (status = 401)))]
#[post("/api/notifications/read-all")]
pub(super) async fn read_all(
    actor: Actor,
    command: Command<Nothing>,
    state: Data<AppState>,
) -> Result<HttpResponse, Error> {
    command
        .run(&state.databases.user, async |tx, _| {
            let updated = ops::read_all(tx, actor.id, state.clock.now()).await?;
            Ok::<_, Error>(
                Answer::ok("All marked as read.").with("updated", &updated).with("unreadCount", &0),
            )
        })
        .await
}
