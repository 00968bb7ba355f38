//! Finds objects that shadow DuckDB's own of the same name and so change the meaning of everybody else's SQL.

use std::{collections::HashSet, sync::OnceLock};

use duckdb::Connection;

use crate::state::{
    engine::sql::quoted,
    error::{Doing, Result},
    judge::plan::ObjectKind,
    schema::applied_migrations::{self, AppliedMigrations},
};

/// The names of DuckDB's own views. They are the same in every instance, and migrations create many tables and views.
static BUILT_IN_VIEWS: OnceLock<HashSet<String>> = OnceLock::new();

/// Whether DuckDB itself has an object of this name, which one in the main schema would shadow.
///
/// # Errors
/// When the database cannot answer.
pub(crate) fn is_built_in(connection: &Connection, kind: ObjectKind, name: &str) -> Result<bool> {
    if let ObjectKind::Table | ObjectKind::View = kind
        && name.is_ascii()
    {
        return Ok(built_in_views(connection)?.contains(&name.to_lowercase()));
    }
    let (names, named) = match kind {
        ObjectKind::Macro => ("duckdb_functions()", "function_name"),
        ObjectKind::Type => ("duckdb_types()", "type_name"),
        ObjectKind::Table | ObjectKind::View => ("duckdb_views()", "view_name"),
        ObjectKind::Index | ObjectKind::Sequence | ObjectKind::Other => return Ok(false),
    };
    let sql = format!(
        "SELECT system.main.count(*) > 0 FROM system.main.{names}
         WHERE internal AND system.main.lower({named}) = system.main.lower(?)"
    );
    connection
        .query_row(&sql, [name], |row| row.get(0))
        .doing("look up DuckDB's built-in names")
}

fn built_in_views(connection: &Connection) -> Result<&'static HashSet<String>> {
    if let Some(names) = BUILT_IN_VIEWS.get() {
        return Ok(names);
    }
    let doing = "list DuckDB's own views";
    let sql = "SELECT system.main.lower(view_name) FROM system.main.duckdb_views() WHERE internal";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let names = statement.query_map([], |row| row.get(0));
    let names = names.and_then(Iterator::collect).doing(doing)?;
    Ok(BUILT_IN_VIEWS.get_or_init(|| names))
}

/// The owner under which the state records that the host has searched it for such macros.
const LOOKED_THROUGH: &str = "host:macros";

/// Drops the macros that shadow DuckDB's own functions, once for each state. Earlier versions let migrations create
/// them, this one does not. Returns whether there were any.
///
/// # Errors
/// When one cannot be dropped.
pub(crate) fn drop_once(connection: &Connection, applied: &AppliedMigrations) -> Result<bool> {
    if applied.newest_of(LOOKED_THROUGH) > 0 {
        return Ok(false);
    }
    let dropped = drop_macros(connection)?;
    note(connection)?;
    Ok(dropped)
}

/// Records of a new state that it has no such macros. Returns that there were none.
///
/// # Errors
/// When the database refuses.
pub(crate) fn note_none(connection: &Connection) -> Result<bool> {
    note(connection).map(|()| false)
}

fn note(connection: &Connection) -> Result<()> {
    applied_migrations::record(connection, LOOKED_THROUGH, 1, "")
}

fn drop_macros(connection: &Connection) -> Result<bool> {
    let doing = "drop the macros that shadow DuckDB's own functions";
    let sql = "SELECT DISTINCT function_name, function_type FROM system.main.duckdb_functions()
               WHERE NOT internal AND schema_name = 'main' AND function_type IN ('macro', 'table_macro')
                 AND system.main.lower(function_name) IN
                     (SELECT system.main.lower(function_name) FROM system.main.duckdb_functions() WHERE internal)";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let found: Vec<(String, String)> = found.and_then(Iterator::collect).doing(doing)?;
    for (name, kind) in &found {
        let table = if kind == "table_macro" { "TABLE" } else { "" };
        let sql = format!("DROP MACRO {table} main.{}", quoted(name));
        connection.execute_batch(&sql).doing(doing)?;
        tracing::warn!("dropped the macro `{name}`: it shadowed DuckDB's own function");
    }
    Ok(!found.is_empty())
}
