use std::time::Duration;

/// Why a task of the bus gave up its connections; it begins anew by itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker's word, or the connection's.
    #[error("broker: {0}")]
    Broker(#[from] lapin::Error),
    /// The broker did not answer in time.
    #[error("broker: no answer within {1:?} to {0}")]
    Silent(&'static str, Duration),
    /// Something ended that should not.
    #[error("{0}")]
    Lost(String),
    /// The database.
    #[error("database: {0}")]
    Database(#[from] pitchey_db::Error),
    /// The broker's URL can't be used. Not the URL itself: it holds a password.
    #[error("the broker's URL can't be used: {0}")]
    Url(String),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

/// How long the broker may take to answer a question.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

impl Error {
    pub(crate) fn lost(what: impl Into<String>) -> Self {
        Self::Lost(what.into())
    }
}

/// `work`, or [`Error::Silent`].
pub(crate) async fn within<T, E>(
    limit: Duration,
    what: &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Error>
where
    Error: From<E>,
{
    match tokio::time::timeout(limit, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Error::Silent(what, limit)),
    }
}
