//! Finds objects that shadow DuckDB's own of the same name and so change the meaning of everybody else's SQL.

use duckdb::Connection;

use crate::state::{
    engine::sql::quoted,
    error::{Doing, Result},
    judge::plan::ObjectKind,
    schema::applied_migrations,
};

/// Whether DuckDB itself has an object of this name, which one in the main schema would shadow.
///
/// # Errors
/// When the database cannot answer.
pub(crate) fn is_built_in(connection: &Connection, kind: ObjectKind, name: &str) -> Result<bool> {
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

/// The owner under which the state records that the host has searched it for such macros.
const LOOKED_THROUGH: &str = "host:macros";

/// Drops the macros that shadow DuckDB's own functions, once for each state. Earlier versions let migrations create
/// them, this one does not. Returns whether there were any.
///
/// # Errors
/// When one cannot be dropped.
pub(crate) fn drop_once(connection: &Connection) -> Result<bool> {
    if applied_migrations::recorded_version(connection, LOOKED_THROUGH)? > 0 {
        return Ok(false);
    }
    let dropped = drop_macros(connection)?;
    applied_migrations::record(connection, LOOKED_THROUGH, 1, "")?;
    Ok(dropped)
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
