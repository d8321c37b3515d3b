//! The one error. It knows nothing of HTTP: `web::error` gives it a status and a face.
//! Messages are sentences for the person who caused them; `Internal` is for the log.

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One thing wrong with an input: which field, and what about it (with the value).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub field: String,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' {}", self.field, self.message)
    }
}

/// A value as an error shows it: not more than its beginning.
pub fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("sign in, or send an agent's e-mail address and API key, or an OAuth token")]
    Unauthenticated,
    #[error("{0}")]
    Forbidden(String),
    #[error("there is no {noun} {id}")]
    NotFound { noun: &'static str, id: String },
    #[error("{}", join(.0))]
    Invalid(Vec<Problem>),
    #[error("{0}")]
    Conflict(String),
    /// Somebody changed it since the caller looked.
    #[error("{0}")]
    Stale(String),
    #[error("{what} is larger than the {limit_bytes} bytes allowed")]
    TooLarge { what: String, limit_bytes: u64 },
    #[error("too many requests; try again in {retry_seconds} seconds")]
    TooMany { retry_seconds: u64 },
    #[error("{0}")]
    Unavailable(String),
    /// Another server does not take what we sign in with: asking again changes nothing before somebody acts.
    #[error("{0}")]
    SignInRefused(String),
    /// The disk is full: nothing was changed, reads go on.
    #[error("there is no space left on the disk; nothing was changed")]
    StorageFull,
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub fn not_found(noun: &'static str, id: impl fmt::Display) -> Self {
        Self::NotFound { noun, id: id.to_string() }
    }

    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem { field: field.into(), message: message.into() }])
    }

    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// `Forbidden` with the usual sentence.
    pub fn may_not(what: &str) -> Self {
        Self::Forbidden(format!("you may not {what}"))
    }
}

/// Collects every problem of an input before anything is refused, so that a person sees them all at once.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem { field: field.into(), message: message.into() });
    }

    /// Records a problem unless `ok`.
    pub fn require(&mut self, ok: bool, field: &str, message: impl Into<String>) {
        if !ok {
            self.add(field, message);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn check(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

fn join(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::StorageFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Unavailable("the database is busy; try again".to_owned())
            }
            Some(ErrorCode::OperationInterrupted) => {
                Self::Unavailable("this took too long and was stopped; narrow it down".to_owned())
            }
            _ => Self::internal(error),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull {
            Self::StorageFull
        } else {
            Self::internal(error)
        }
    }
}

/// Turns a violated constraint into the client error it stands for. `constraint` is a part of SQLite's message:
/// `tag.name` for `UNIQUE constraint failed: tag.name`, `FOREIGN KEY`, or the name of a CHECK.
pub trait OnConstraint<T> {
    fn on_constraint(self, constraint: &str, make: impl FnOnce() -> Error) -> Result<T>;
}

impl<T> OnConstraint<T> for Result<T> {
    fn on_constraint(self, constraint: &str, make: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(|error| match &error {
            Error::Internal(source) => match source.downcast_ref::<rusqlite::Error>() {
                Some(rusqlite::Error::SqliteFailure(failure, Some(message)))
                    if failure.code == rusqlite::ErrorCode::ConstraintViolation
                        && message.contains(constraint) =>
                {
                    make()
                }
                _ => error,
            },
            _ => error,
        })
    }
}
