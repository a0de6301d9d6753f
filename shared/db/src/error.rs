use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// The database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not now: pool exhausted, Postgres away or shutting down, connection lost; or it gave up waiting for others (lock or statement time-out,
    /// deadlock). Worth another try.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A query failed.
    #[error(transparent)]
    Query(DieselError),
    /// A setting is no URL that can be used.
    #[error("DATABASE__{name}: {what}")]
    Url {
        /// Which.
        name: &'static str,
        /// What is wrong with it. Never the URL itself: it holds a password.
        what: String,
    },
    /// The schema is not the one this program was built for.
    #[error("{pending} migrations are pending (first: {first}); run `ctl migrate up`")]
    MigrationsPending {
        /// How many.
        pending: usize,
        /// The oldest of them.
        first: String,
    },
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, info) => {
                Self::Unavailable(info.message().to_owned())
            }
            DieselError::DatabaseError(DatabaseErrorKind::UnableToSendCommand, info) => {
                Self::Unavailable(info.message().to_owned())
            }
            // Postgres says so on its way down and up; diesel passes on its words, not its code (57P01 to 57P03).
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
                if info.message().starts_with("terminating connection")
                    || info.message().starts_with("the database system is ") =>
            {
                Self::Unavailable(info.message().to_owned())
            }
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, info) => {
                Self::Unavailable(info.message().to_owned())
            }
            // 57014 and 55P03, 40P01.
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
                if info.message().starts_with("canceling statement due to ")
                    || info.message().starts_with("deadlock detected") =>
            {
                Self::Unavailable(info.message().to_owned())
            }
            DieselError::BrokenTransactionManager => Self::Unavailable(error.to_string()),
            other => Self::Query(other),
        }
    }
}

/// Maps the violation of a constraint, by its name, to an error of the domain.
pub trait OnConstraint<T> {
    /// The value, or `error` if the constraint called `name` was violated; other failures stay what they are.
    ///
    /// # Errors
    /// `error`, or the original failure converted.
    fn on_constraint<E: From<Error>>(self, name: &str, error: E) -> Result<T, E>;
}

impl<T> OnConstraint<T> for diesel::QueryResult<T> {
    fn on_constraint<E: From<Error>>(self, name: &str, error: E) -> Result<T, E> {
        self.map_err(|cause| match &cause {
            DieselError::DatabaseError(_, info) if info.constraint_name() == Some(name) => error,
            _ => Error::from(cause).into(),
        })
    }
}
