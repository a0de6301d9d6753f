use actix_web::{get, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use pitchey_web::{Actor, COUNTED, Cursor, Listed, Origin, Paging, Timestamp, ValidatedQuery};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{admin, fields, one_more, place};
use crate::error::Error;
use crate::ops::moderation;
use crate::state::AppState;
use crate::store::audit_log::{self, Logged, Wanted};

/// A line of the audit log.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    id: i64,
    /// Who acted; null for the platform itself and for people not logged in.
    user_id: Option<i32>,
    /// What was done, as `nda.approved`.
    action: String,
    entity_type: Option<String>,
    /// The thing's id, if it is a number.
    entity_id: Option<i64>,
    /// The thing's id, if it is not a number.
    entity_key: Option<String>,
    old_values: Option<Value>,
    new_values: Option<Value>,
    ip_address: Option<String>,
    user_agent: Option<String>,
    /// The request that caused it.
    request_id: Option<String>,
    created_at: Timestamp,
}

impl From<Logged> for Line {
    fn from(row: Logged) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            action: row.action,
            entity_type: row.entity_type,
            entity_id: row.entity_id,
            entity_key: row.entity_key,
            old_values: row.old_values,
            new_values: row.new_values,
            ip_address: row.ip_address,
            user_agent: row.user_agent,
            request_id: row.request_id,
            created_at: row.created_at.into(),
        }
    }
}

/// What to look for.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// Who acted.
    #[garde(skip)]
    user_id: Option<i32>,
    /// What was done.
    #[garde(custom(fields::line(100)))]
    action: Option<String>,
    /// To what kind of thing.
    #[garde(custom(fields::line(50)))]
    entity_type: Option<String>,
    /// To which.
    #[garde(skip)]
    entity_id: Option<i64>,
    /// From then on (RFC 3339).
    #[garde(skip)]
    from: Option<DateTime<Utc>>,
    /// Until then, which is not in it.
    #[garde(skip)]
    to: Option<DateTime<Utc>>,
}

impl From<Look> for Wanted {
    fn from(look: Look) -> Self {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            user: look.user_id,
            action: given(look.action),
            entity_type: given(look.entity_type),
            entity_id: look.entity_id,
            from: look.from,
            to: look.to,
        }
    }
}

/// The audit log, newest first. Admins only; looking at it is in it.
#[utoipa::path(tag = "admin", params(Look), responses((status = 200, body = Listed<Line>)))]
#[get("/api/audit/logs")]
pub async fn logs(
    state: web::Data<AppState>,
    actor: Actor,
    ValidatedQuery(look): ValidatedQuery<Look>,
    paging: Paging,
    origin: Origin,
) -> Result<web::Json<Listed<Line>>, Error> {
    let admin = admin(&actor)?;
    let (before, skip) = place(&paging)?;
    let wanted = Wanted::from(look);
    let mut tx = state.databases.user.begin(Some(admin)).await?;
    let found = audit_log::list(&mut tx, &wanted, before, skip, one_more(&paging)).await?;
    let counted = audit_log::count(&mut tx, &wanted, COUNTED + 1).await?;
    moderation::looked(&mut tx, admin, "admin.audit_log_read", None, &origin);
    tx.commit().await?;
    let page = Listed::page(&paging, found, counted, |row| Cursor::after(&row.id));
    Ok(web::Json(page.map(Line::from)))
}
