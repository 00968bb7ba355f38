//! The texts that make the schema of a file.
//!
//! A state in a file records only the checksums of the migrations that made it. A state in PostgreSQL needs texts, from which
//! each host makes its mirror. DuckDB itself writes them: it exports a copy of the schema that has no rows.

use std::fs;

use super::{
    ends::{Ends, FILE},
    error::CopyError,
};
use crate::state::{
    duckdb_file::rewrite::copy::CATALOGUE,
    engine::{
        instance::Link,
        open::{link_to, open_in_memory},
        sql::text,
    },
    error::{Doing as _, Result, StateError},
    judge::{
        plan::{Effect, ObjectKind, plan_of},
        statement,
    },
    postgres::mirror::{Mirror, SchemaText},
    schema::{applied_migrations::HOST, host_tables::is_of_the_host, owners::Owners},
};

/// What the host is doing, for errors.
const DOING: &str = "read the schema of the state";

/// Who owns what no processor and no host is known to have created. No processor has this name.
const NOBODY: &str = "host:nobody";

/// A text that makes one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) text: SchemaText,
    pub(super) kind: ObjectKind,
    /// The name of the object; that of its table, if it is an index.
    pub(super) name: String,
}

/// The texts that make the schema of the attached file, in an order in which each finds what it needs.
///
/// # Errors
/// When the schema has something that no text of a state makes, or DuckDB cannot make it again.
pub(super) fn of_file(ends: &Ends) -> Result<Vec<Made>, CopyError> {
    refuse_what_only_files_have(ends)?;
    let owners = owners(ends)?;
    let engine = open_in_memory()?;
    let link = link_to(&engine)?;
    let exported = export(ends)?;
    let statements = statement::split(&engine, &exported).map_err(|error| unreadable(&error))?;
    let mut left: Vec<&str> = statements.into_iter().map(trimmed).collect();
    let mut made = Vec::new();
    // A view that was replaced is younger than those that read it.
    loop {
        let before = left.len();
        let mut reasons = Vec::new();
        left.retain(|sql| match make(&link, sql, &owners) {
            Ok(object) => {
                made.push(object);
                false
            }
            Err(reason) => {
                reasons.push(reason);
                true
            }
        });
        match left.len() {
            0 => return Ok(made),
            still if still == before => return Err(CopyError::NotPortable { reasons }),
            _ => {}
        }
    }
}

/// Makes sure that the mirror of these texts has the schema of the file.
///
/// # Errors
/// When it has another one.
pub(super) fn refuse_other_schema(ends: &Ends, texts: Vec<SchemaText>) -> Result<(), CopyError> {
    let mirror = Mirror::of(texts)?;
    let mirror = link_to(&mirror.engine)?;
    for (what, question) in CATALOGUE {
        if catalogue(&ends.connection, question, FILE)? != catalogue(&mirror, question, "memory")? {
            return Err(CopyError::SchemaDiffers { what: what.to_owned() });
        }
    }
    Ok(())
}

fn catalogue(connection: &duckdb::Connection, question: &str, database: &str) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT to_json(found)::VARCHAR FROM (SELECT {question} AND database_name = '{database}') AS found ORDER BY ALL"
    );
    let mut statement = connection.prepare(&sql).doing(DOING)?;
    let rows = statement.query_map([], |row| row.get(0));
    rows.and_then(Iterator::collect).doing(DOING)
}

fn refuse_what_only_files_have(ends: &Ends) -> Result<(), CopyError> {
    let sql = format!(
        "SELECT concat_ws(' ', 'the schema', schema_name) FROM duckdb_schemas() WHERE database_name = '{FILE}' AND NOT internal
         UNION ALL SELECT concat_ws(' ', 'the sequence', sequence_name) FROM duckdb_sequences() WHERE database_name = '{FILE}'
         UNION ALL SELECT concat_ws(' ', 'the type', type_name) FROM duckdb_types() WHERE database_name = '{FILE}' AND NOT internal
         ORDER BY 1"
    );
    let mut statement = ends.connection.prepare(&sql).doing(DOING)?;
    let found = statement.query_map([], |row| row.get::<_, String>(0));
    let found: Vec<String> = found.and_then(Iterator::collect).doing(DOING)?;
    match found.is_empty() {
        true => Ok(()),
        false => Err(CopyError::NotPortable {
            reasons: found
                .into_iter()
                .map(|object| format!("{object} can only be in a DuckDB file"))
                .collect(),
        }),
    }
}

fn owners(ends: &Ends) -> Result<Owners> {
    ends.run(DOING, &format!("USE {FILE}"))?;
    let owners = Owners::read(&ends.connection);
    ends.run(DOING, "USE memory")?;
    owners
}

/// The statements that make the schema, as DuckDB writes them.
fn export(ends: &Ends) -> Result<String> {
    let failed = |source| StateError::Copy {
        copy: std::env::temp_dir(),
        source,
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    let export = format!(
        "ATTACH ':memory:' AS shape;
         COPY FROM DATABASE {FILE} TO shape (SCHEMA);
         EXPORT DATABASE shape TO {};
         DETACH shape",
        text(&folder.path().to_string_lossy())
    );
    ends.run(DOING, &export)?;
    fs::read_to_string(folder.path().join("schema.sql")).map_err(failed)
}

/// DuckDB writes more semicolons than it needs.
fn trimmed(statement: &str) -> &str {
    statement.trim_matches(|letter: char| letter == ';' || letter.is_whitespace())
}

/// Makes the object of a statement; the reason if that is not possible yet.
fn make(link: &Link, sql: &str, owners: &Owners) -> Result<Made, String> {
    let plan = plan_of(link, sql).map_err(|error| error.to_string())?;
    let (kind, object) = match plan.effect {
        Effect::Creates(kind, object) => (kind, object),
        Effect::Indexes(table) => (ObjectKind::Index, table),
        _ => return Err(format!("`{sql}` makes nothing that a state has")),
    };
    let name = object.name;
    let failed = |error: duckdb::Error| format!("the {kind} `{name}`: {error}");
    link.execute_batch(sql).map_err(failed)?;
    let owner = match is_of_the_host(&name) {
        true => HOST,
        false => owners.of(&name).unwrap_or(NOBODY),
    };
    Ok(Made {
        text: SchemaText {
            owner: owner.to_owned(),
            sql: format!("{sql};"),
        },
        kind,
        name,
    })
}

fn unreadable(error: &dyn std::fmt::Display) -> StateError {
    StateError::Unreadable {
        what: "the schema that DuckDB exports",
        reason: error.to_string(),
    }
}
