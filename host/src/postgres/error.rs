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
    /// The role lacks a right.
    #[error("`{user}` may not use {place}: {reason}; {remedy}")]
    NoRight {
        /// The database and server.
        place: String,
        /// The role.
        user: String,
        /// What it may not do.
        reason: String,
        /// What to do next.
        remedy: String,
    },
    /// The database stores text in another way than DuckDB.
    #[error("{place} has the encoding {encoding}; create one with `createdb -E UTF8 -T template0`")]
    Encoding {
        /// The database and server.
        place: String,
        /// Its encoding.
        encoding: String,
    },
    /// The server speaks another language. The host recognises conflicts and outages by what it says.
    #[error(
        "{place} gives its messages in another language ({language}); run `ALTER ROLE {user} SET lc_messages = 'C'` as a superuser"
    )]
    Language {
        /// The database and server.
        place: String,
        /// The role, quoted.
        user: String,
        /// The setting `lc_messages`.
        language: String,
    },
    /// The server takes no writes.
    #[error("cannot {doing}: {place} takes no writes; if it is a standby, let the address name the primary")]
    Standby {
        /// What was asked of it.
        doing: &'static str,
        /// The database and server.
        place: String,
    },
    /// There is no such database.
    #[error("there is no {place}; create it with `createdb`")]
    NoDatabase {
        /// The database and server.
        place: String,
    },
    /// The role may not make databases.
    #[error(
        "`{user}` may not create a database on the server of {place}; let a superuser run `ALTER ROLE \"{user}\" CREATEDB`, or \
         name a role that may, or another server"
    )]
    MayNotCreate {
        /// The database and server.
        place: String,
        /// The role.
        user: String,
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
    /// The server gave no row where there always is one.
    #[error(
        "cannot {doing}: {place} gave no row; look for a trigger or a rule on the tables of session-host, and drop it"
    )]
    NoRow {
        /// What was asked of it.
        doing: &'static str,
        /// The database and server.
        place: String,
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
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Self::NoRight {
                remedy: format!(
                    "run `GRANT CONNECT ON DATABASE {} TO {}` as the owner of the database",
                    name(&address.database),
                    name(&user)
                ),
                place,
                user,
                reason,
            },
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
        let place = place.to_owned();
        if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
            return Self::Standby { doing, place };
        }
        Self::Statement {
            doing,
            place,
            reason: reason_of(error),
            code: error.code().map(|code| code.code().to_owned()),
        }
    }

    /// Whether it lasts until somebody changes a setting, a role or a file. What else fails may succeed later.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::PasswordFile { .. }
            | Self::Roots { .. }
            | Self::NoRoots
            | Self::Tls { .. }
            | Self::NotTrusted { .. }
            | Self::NoPassword { .. }
            | Self::Refused { .. }
            | Self::NoRight { .. }
            | Self::MayNotCreate { .. }
            | Self::Encoding { .. }
            | Self::Language { .. }
            | Self::NoDatabase { .. } => true,
            Self::Start(_)
            | Self::Unreachable { .. }
            | Self::Standby { .. }
            | Self::TooManyConnections { .. }
            | Self::NoAnswer { .. }
            | Self::NoRow { .. }
            | Self::Statement { .. } => false,
        }
    }

    /// Whether the server is out of reach or takes no writes, so that nothing that needs it goes on until it is back.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        const ENDING: [&SqlState; 3] = [
            &SqlState::ADMIN_SHUTDOWN,
            &SqlState::CRASH_SHUTDOWN,
            &SqlState::CANNOT_CONNECT_NOW,
        ];
        match self {
            Self::Unreachable { .. }
            | Self::Standby { .. }
            | Self::TooManyConnections { .. }
            | Self::NoAnswer { .. } => true,
            // A connection that breaks leaves no code.
            Self::Statement { code, .. } => match code {
                None => true,
                Some(code) => ENDING.iter().any(|ending| ending.code() == code),
            },
            _ => false,
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

    /// This error; if it says that the role lacks a right, what gives the right to make databases.
    pub(super) fn of_missing_right(self, address: &PostgresAddress) -> Self {
        match self.has_code(&SqlState::INSUFFICIENT_PRIVILEGE) {
            true => Self::MayNotCreate {
                place: address.place(),
                user: address.user.clone(),
            },
            false => self,
        }
    }

    fn has_code(&self, wanted: &SqlState) -> bool {
        matches!(self, Self::Statement { code: Some(code), .. } if code == wanted.code())
    }
}

/// A name in quotes, as SQL takes it.
pub(super) fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
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
