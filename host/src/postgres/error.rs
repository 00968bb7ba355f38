//! What may go wrong with PostgreSQL.

use std::{error::Error, io, path::PathBuf, time::Duration};

use tokio_postgres::error::SqlState;

use super::address::PostgresAddress;

/// What went wrong, on which server, and what to do. No text has a password: none is in an address, and PostgreSQL never
/// repeats one.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The password file cannot be used.
    #[error("cannot use the password file `{file}`: {reason}", file = file.display())]
    PasswordFile {
        /// The file.
        file: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The file of `sslrootcert` cannot be used.
    #[error("cannot use the certificates of `sslrootcert`, `{file}`: {reason}", file = file.display())]
    Roots {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// This machine trusts no authority.
    #[error(
        "this machine has no file of trusted authorities; install `ca-certificates`, or name one with `sslrootcert`"
    )]
    NoRoots,
    /// The thread that speaks to PostgreSQL cannot begin.
    #[error("cannot start a connection to PostgreSQL: {0}")]
    Start(io::Error),
    /// Nobody answers.
    #[error("cannot reach {place}: {reason}; check that PostgreSQL runs and that the address is right")]
    Unreachable {
        /// The database and server.
        place: String,
        /// Why.
        reason: String,
    },
    /// The server does not do what TLS needs.
    #[error("cannot protect the connection to {place}: {reason}; set `ssl = on` in PostgreSQL")]
    Tls {
        /// The database and server.
        place: String,
        /// Why.
        reason: String,
    },
    /// The certificate is not one to trust.
    #[error(
        "the certificate of {place} is not trusted: {reason}; name the file with its authority with `sslrootcert`, and the \
         host as the certificate names it"
    )]
    NotTrusted {
        /// The database and server.
        place: String,
        /// Why.
        reason: String,
    },
    /// The server wants a password and there is none.
    #[error(
        "{place} wants a password for `{user}`; write a line HOST:PORT:DATABASE:USER:PASSWORD to the password file, with \
         the mode 0600"
    )]
    NoPassword {
        /// The database and server.
        place: String,
        /// The role.
        user: String,
    },
    /// The server does not let this role in.
    #[error("{place} refuses `{user}`: {reason}; check the password file, and `pg_hba.conf` of the server")]
    Refused {
        /// The database and server.
        place: String,
        /// The role.
        user: String,
        /// What the server says.
        reason: String,
    },
    /// There is no such database.
    #[error("there is no {place}; create it with `createdb`")]
    NoDatabase {
        /// The database and server.
        place: String,
    },
    /// The server takes no further connection.
    #[error("{place} takes no more connections: {reason}; raise `max_connections`, or stop what holds them")]
    TooManyConnections {
        /// The database and server.
        place: String,
        /// What the server says.
        reason: String,
    },
    /// The server does not answer in time.
    #[error("cannot {doing}: {place} has not answered for {} s; check the server and the network", limit.as_secs_f32())]
    NoAnswer {
        /// What was asked of it.
        doing: &'static str,
        /// The database and server.
        place: String,
        /// How long it was given.
        limit: Duration,
    },
    /// The server did not do what was asked of it.
    #[error("cannot {doing} in {place}: {reason}")]
    Statement {
        /// What was asked of it.
        doing: &'static str,
        /// The database and server.
        place: String,
        /// What the server says.
        reason: String,
        /// The code of the error in SQL, if the server named one.
        code: Option<String>,
    },
}

impl PostgresError {
    /// Why no connection could be opened.
    pub(super) fn connecting(address: &PostgresAddress, error: &tokio_postgres::Error) -> Self {
        let (place, user, reason) = (address.place(), address.user.clone(), reason_of(error));
        match error.code() {
            Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
                Self::Refused { place, user, reason }
            }
            Some(&SqlState::INVALID_CATALOG_NAME) => Self::NoDatabase { place },
            Some(&SqlState::TOO_MANY_CONNECTIONS) => Self::TooManyConnections { place, reason },
            Some(_) => Self::Unreachable { place, reason },
            // The crate has no kinds of its errors to look at, only texts.
            None if reason.contains("password missing") => Self::NoPassword { place, user },
            None if is_certificate(error) => Self::NotTrusted { place, reason },
            None if reason.contains("TLS") => Self::Tls { place, reason },
            None => Self::Unreachable { place, reason },
        }
    }

    /// Why a statement failed.
    pub(super) fn statement(doing: &'static str, place: &str, error: &tokio_postgres::Error) -> Self {
        Self::Statement {
            doing,
            place: place.to_owned(),
            reason: reason_of(error),
            code: error.code().map(|code| code.code().to_owned()),
        }
    }

    /// Whether a row was to refer to one that is not there.
    #[must_use]
    pub fn is_foreign_key(&self) -> bool {
        self.has_code(&SqlState::FOREIGN_KEY_VIOLATION)
    }

    /// Whether a lock was not to be had in time. The connection serves on.
    #[must_use]
    pub fn is_lock_timeout(&self) -> bool {
        self.has_code(&SqlState::LOCK_NOT_AVAILABLE)
    }

    fn has_code(&self, wanted: &SqlState) -> bool {
        matches!(self, Self::Statement { code: Some(code), .. } if code == wanted.code())
    }
}

/// What an error says, with its sources.
fn reason_of(error: &tokio_postgres::Error) -> String {
    if let Some(told) = error.as_db_error() {
        return told.message().to_owned();
    }
    let sources = std::iter::successors(error.source(), |error| (*error).source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

/// Whether the certificate of the server is at fault. An I/O error holds the error of rustls, but not as its source.
fn is_certificate(error: &tokio_postgres::Error) -> bool {
    let mut sources = std::iter::successors(error.source(), |error| (*error).source());
    sources.any(|source| {
        let held = source.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let held = held.and_then(|held| held.downcast_ref::<rustls::Error>());
        let told = held.or_else(|| source.downcast_ref());
        matches!(told, Some(rustls::Error::InvalidCertificate(_)))
    })
}
