#![doc = include_str!("../README.md")]

mod every;
mod jobs;
mod operators;
mod run;
mod runs;

pub use every::Every;
pub use jobs::{Jobs, Started};
pub use operators::{Outcome, Run, answer, ask, latest, withdraw};

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not say whose run it is, or could not note its end.
    #[error(transparent)]
    Database(#[from] pitchey_db::Error),
    /// In the job's own words.
    #[error("{0}")]
    Failed(String),
    /// Somebody took the run over, as this process did not say in time that it lives.
    #[error("the run was taken over by somebody else")]
    Lost,
    /// Nobody knows the job.
    #[error("there is no job {0}")]
    Unknown(String),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}
