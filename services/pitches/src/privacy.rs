//! What accounts is told for a user's copy of the own data.

use pitchey_events::UserId;
use pitchey_rpc::{Keeper, Parts};
use serde_json::Value;
use tonic::Status;

use crate::error::Error;
use crate::state::AppState;
use crate::store::personal::{self, KINDS, Row};

/// Rows of a part: the longest pitches are some hundred kilobytes each.
const ROWS: i64 = 20;
/// Rows of a part of anything else.
const SHORT_ROWS: i64 = 500;

/// Everything this service keeps.
pub struct Kept(pub AppState);

impl Keeper for Kept {
    async fn export(&self, user: UserId, parts: &mut Parts) -> Result<(), Status> {
        for (name, kind) in KINDS {
            let limit = if *name == "pitches" { ROWS } else { SHORT_ROWS };
            let mut after = i64::MIN;
            loop {
                let rows = self.rows(kind, user, after, limit).await?;
                let Some(last) = rows.last() else { break };
                after = last.number;
                let rows: Vec<Value> = rows.into_iter().map(|row| row.row).collect();
                parts.send(name, &rows).await?;
            }
        }
        Ok(())
    }
}

impl Kept {
    async fn rows(&self, kind: &str, user: UserId, after: i64, limit: i64) -> Result<Vec<Row>, Error> {
        let mut connection = self.0.databases.system.connection().await?;
        Ok(personal::rows(&mut connection, kind, user, after, limit).await?)
    }
}
