//! All SQL: free functions, a file a table.

pub mod comments;
pub mod discovery;
pub mod follows;
pub mod investments;
pub mod likes;
pub mod media;
pub mod ndas;
pub mod personal;
pub mod pitch_lists;
pub mod pitches;
#[cfg(test)]
mod plans;
pub mod policies;
#[cfg(test)]
mod proofs;
pub mod readings;
pub mod reports;
pub mod search;
pub mod share_links;
pub mod standing;
pub mod trending;
pub mod versions;
pub mod view_counts;

use chrono::{DateTime, Utc};

/// Where a page begins: after a row, by when it was made and its id, or after so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place<Id = i32> {
    pub after: Option<(DateTime<Utc>, Id)>,
    pub offset: i64,
    pub limit: i64,
}

impl Place {
    /// Sort key of the row before the first: beyond all without a cursor.
    pub fn begin(self) -> (DateTime<Utc>, i32) {
        self.after.unwrap_or((DateTime::<Utc>::MAX_UTC, i32::MAX))
    }
}
