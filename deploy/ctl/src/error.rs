use std::process::ExitCode;

use pitchey_db::migrations;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command was called wrongly, or is not configured: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It tried and failed: exit code 1.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

impl From<migrations::Failed> for Failure {
    fn from(error: migrations::Failed) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<pitchey_db::Error> for Failure {
    fn from(error: pitchey_db::Error) -> Self {
        Self::Failed(format!("the database: {error}"))
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failed(format!("the database: {error}"))
    }
}

impl From<pitchey_config::Invalid> for Failure {
    fn from(error: pitchey_config::Invalid) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<pitchey_bus::Error> for Failure {
    fn from(error: pitchey_bus::Error) -> Self {
        Self::Failed(format!("the broker: {error}"))
    }
}
