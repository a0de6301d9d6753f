use std::collections::HashMap;

use actix_web::get;
use actix_web::web::{Data, Json};
use pitchey_events::{PitchId, UserId};
use pitchey_rpc::PublicUser;
use pitchey_web::{Actor, Listed, Paging, PathId, Timestamp, ValidatedQuery};
use serde::Serialize;

use super::Asked;
use crate::error::Error;
use crate::ops::dashboards::{self, PitchAnalytics, Span};
use crate::owners;
use crate::state::Door;
use crate::store::viewers as store;

/// How a pitch is doing: for its owner, and for admins.
#[utoipa::path(tag = "analytics", params(("id" = i32, Path), Asked),
    responses((status = 200, body = PitchAnalytics), (status = 401), (status = 403), (status = 404)))]
#[get("/api/pitches/{id}/analytics")]
pub(super) async fn analytics(
    door: Data<Door>,
    actor: Actor,
    PathId(id): PathId<PitchId>,
    ValidatedQuery(asked): ValidatedQuery<Asked>,
) -> Result<Json<PitchAnalytics>, Error> {
    owners::require(&door, &actor, id).await?;
    let span = Span::ending(asked.timeframe, door.clock.now());
    let mut tx = door.databases.user.begin(Some(actor.id)).await?;
    let found = dashboards::pitch(&mut tx, id, span).await?;
    tx.commit().await?;
    Ok(Json(found))
}

/// Somebody who looked at a pitch.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Viewer {
    /// Null for somebody not logged in, or who is gone.
    viewer_id: Option<i32>,
    /// Null, too, while accounts can't be asked.
    viewer: Option<PublicUser>,
    /// What the viewer came for; `anonymous` for somebody not logged in.
    viewer_type: String,
    views: i32,
    protected_views: i32,
    /// All views together, as far as clients said.
    seconds: i64,
    first_viewed_at: Timestamp,
    last_viewed_at: Timestamp,
}

/// Who looked at a pitch, the last first: for its owner, and for admins.
#[utoipa::path(tag = "analytics", params(("id" = i32, Path)),
    responses((status = 200, body = Listed<Viewer>), (status = 401), (status = 403), (status = 404)))]
#[get("/api/pitches/{id}/views")]
pub(super) async fn views(
    door: Data<Door>,
    actor: Actor,
    PathId(id): PathId<PitchId>,
    paging: Paging,
) -> Result<Json<Listed<Viewer>>, Error> {
    owners::require(&door, &actor, id).await?;
    let mut tx = door.databases.user.begin(Some(actor.id)).await?;
    let rows = store::page(&mut tx, id, &paging).await?;
    let counted = store::count(&mut tx, id).await?;
    tx.commit().await?;
    let page = Listed::page(&paging, rows, counted, store::cursor);
    let ids: Vec<_> = page.data.iter().filter_map(|row| row.viewer_id.map(UserId)).collect();
    let mut people = people(&door, &ids).await;
    Ok(Json(page.map(|row| Viewer {
        viewer_id: row.viewer_id,
        viewer: row.viewer_id.and_then(|id| people.remove(&UserId(id))),
        viewer_type: row.viewer_type,
        views: row.views,
        protected_views: row.protected_views,
        seconds: row.seconds,
        first_viewed_at: row.first_at.into(),
        last_viewed_at: row.last_at.into(),
    })))
}

/// The public projections of `ids`. The numbers are worth showing without names, too.
async fn people(door: &Door, ids: &[UserId]) -> HashMap<UserId, PublicUser> {
    if ids.is_empty() {
        return HashMap::new();
    }
    match door.accounts.users_by_ids(ids).await {
        Ok(users) => users.into_iter().map(|user| (user.id, user)).collect(),
        Err(error) => {
            tracing::warn!(%error, "viewers are shown without their names");
            HashMap::new()
        }
    }
}
