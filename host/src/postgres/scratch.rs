//! A database that exists for a while, on the server of another one.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use tempfile::NamedTempFile;

use super::{
    address::PostgresAddress,
    error::PostgresError,
    password,
    session::{Limits, Session},
};

/// To make a database, the server copies a template, and waits for its disk.
const LIMITS: Limits = Limits {
    statement: Duration::from_secs(60),
    lock: Duration::from_secs(60),
    answer: Duration::from_secs(70),
};

/// What PostgreSQL calls the connections that make and remove it.
const APPLICATION_NAME: &str = "session-host-scratch";

/// A database that is removed when this is dropped.
pub struct ScratchDatabase {
    address: PostgresAddress,
    /// The one beside it, from which it is removed: nobody can remove the database that he is connected to.
    beside: PostgresAddress,
    /// The file with its password, if it needs one of its own. The file goes with this.
    _password: Option<NamedTempFile>,
}

impl ScratchDatabase {
    /// Makes one beside another, with the encoding and the collation of that one. Its name begins with
    /// `prefix`, which needs no quotes in SQL, and the rest of it is random.
    ///
    /// # Errors
    /// When the server cannot be reached, or the role may not make databases.
    pub fn create(beside: &PostgresAddress, prefix: &str) -> Result<Self, PostgresError> {
        let doing = "create a database for a while";
        let statement =
            "SELECT name, format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
                                name, pg_encoding_to_char(encoding), datcollate, datctype)
             FROM pg_database, (SELECT $1::text || replace(gen_random_uuid()::text, '-', '')) AS made (name)
             WHERE datname = current_database()";
        let mut session = Session::open(beside, APPLICATION_NAME, LIMITS)?;
        let rows = session.query(doing, statement, &[&prefix])?;
        let Some(row) = rows.first() else {
            return Err(PostgresError::NoDatabase { place: beside.place() });
        };
        let (database, create): (String, String) = (row.get(0), row.get(1));
        let mut address = PostgresAddress {
            database,
            ..beside.clone()
        };
        let password = own_password_file(beside, &address)?;
        if let Some(file) = &password {
            address.passfile = Some(file.path().to_owned());
        }
        session
            .batch(doing, &create)
            .map_err(|error| error.of_missing_right(beside))?;
        Ok(Self {
            address,
            beside: beside.clone(),
            _password: password,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &PostgresAddress {
        &self.address
    }

    /// Ends all connections to it and removes it.
    fn remove(&self) -> Result<(), PostgresError> {
        let name = &self.address.database;
        let mut session = Session::open(&self.beside, APPLICATION_NAME, LIMITS)?;
        session.batch(
            "remove a database that was made for a while",
            &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )
    }
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            let name = &self.address.database;
            tracing::error!("{error}; remove it yourself, with `dropdb --force {name}`");
        }
    }
}

/// A password file for `address`, if the password of `beside` is not found for it: a line of a password file may name a
/// database. Only this user can read the file.
fn own_password_file(
    beside: &PostgresAddress,
    address: &PostgresAddress,
) -> Result<Option<NamedTempFile>, PostgresError> {
    let Some(password) = password::find(beside)? else {
        return Ok(None);
    };
    if password::find(address)?.as_ref() == Some(&password) {
        return Ok(None);
    }
    let write = || -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new()?;
        file.write_all(&password::line_of_any_server(&password))?;
        file.flush()?;
        Ok(file)
    };
    write().map(Some).map_err(|error| PostgresError::PasswordFile {
        file: std::env::temp_dir(),
        reason: error.to_string(),
    })
}
