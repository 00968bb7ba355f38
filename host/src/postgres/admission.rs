//! Whether a database can hold a state: asked before anything else, because PostgreSQL itself can say what is wrong.

use std::time::Duration;

use super::{
    SCHEMA,
    address::PostgresAddress,
    error::{PostgresError, name},
    session::{Limits, Session},
};

/// The name of the connection that asks.
const ASKING: &str = "session-host-admission";

const LIMITS: Limits = Limits::each(Duration::from_secs(10));

/// Makes sure that PostgreSQL lets this role in, stores text as UTF-8, speaks English, and lets the role have its tables.
///
/// # Errors
/// What is missing, with the remedy; or when PostgreSQL cannot be reached.
pub fn check_admission(address: &PostgresAddress) -> Result<(), PostgresError> {
    let mut session = Session::open(address, ASKING, LIMITS)?;
    // Whether the schema is this role's to use is not known before there is one.
    let row = session.row(
        "look whether the database can hold a state",
        "SELECT pg_encoding_to_char(db.encoding), current_setting('lc_messages'),
                CASE WHEN ns.oid IS NULL THEN has_database_privilege(db.oid, 'CREATE') ELSE true END,
                coalesce(has_schema_privilege(ns.oid, 'USAGE') AND has_schema_privilege(ns.oid, 'CREATE'), true)
         FROM pg_database AS db LEFT JOIN pg_namespace AS ns ON ns.nspname = $1
         WHERE db.datname = current_database()",
        &[&SCHEMA],
    )?;
    let (encoding, language): (String, String) = (row.get(0), row.get(1));
    let (place, user) = (address.place(), address.user.clone());
    if encoding != "UTF8" {
        return Err(PostgresError::Encoding { place, encoding });
    }
    if !is_english(&language) {
        let user = name(&user);
        return Err(PostgresError::Language { place, user, language });
    }
    let (database, role) = (name(&address.database), name(&user));
    let no_right = |reason: String, remedy| PostgresError::NoRight {
        place,
        user,
        reason,
        remedy,
    };
    match (row.get(2), row.get(3)) {
        (true, true) => Ok(()),
        (false, _) => Err(no_right(
            "it may not create the schema of the state".to_owned(),
            format!("run `GRANT CREATE ON DATABASE {database} TO {role}` as the owner of the database"),
        )),
        (true, false) => Err(no_right(
            format!("the schema `{SCHEMA}` is another role's"),
            format!("name the role that owns the schema `{SCHEMA}` in the address"),
        )),
    }
}

/// Whether PostgreSQL gives its messages in English with this setting of `lc_messages`.
fn is_english(language: &str) -> bool {
    let language = language.to_ascii_lowercase();
    ["c", "posix", "c.utf-8", "c.utf8"].contains(&language.as_str()) || language.starts_with("en")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_has_several_names() {
        for english in ["C", "POSIX", "C.UTF-8", "en_US.UTF-8", "English_United States.1252"] {
            assert!(is_english(english), "{english}");
        }
        for other in ["de_DE.UTF-8", "", "ca_ES.UTF-8", "fr_FR"] {
            assert!(!is_english(other), "{other}");
        }
    }
}
