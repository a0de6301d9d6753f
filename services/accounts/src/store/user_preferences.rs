use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;
use serde_json::Value;

use crate::schema::user_preferences;

pub async fn get(tx: &mut Tx, user: UserId) -> QueryResult<Option<Value>> {
    user_preferences::table.find(user.0).select(user_preferences::preferences).first(tx).await.optional()
}

pub async fn set(tx: &mut Tx, user: UserId, preferences: &Value, at: DateTime<Utc>) -> QueryResult<()> {
    diesel::insert_into(user_preferences::table)
        .values((
            user_preferences::user_id.eq(user.0),
            user_preferences::preferences.eq(preferences),
            user_preferences::updated_at.eq(at),
        ))
        .on_conflict(user_preferences::user_id)
        .do_update()
        .set((
            user_preferences::preferences.eq(excluded(user_preferences::preferences)),
            user_preferences::updated_at.eq(excluded(user_preferences::updated_at)),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// The user is gone.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::delete(user_preferences::table.find(user.0)).execute(tx).await?;
    Ok(())
}
