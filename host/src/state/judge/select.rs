//! Finds out from DuckDB's own syntax tree which tables and functions a SELECT names.
//!
//! The tree is not bound yet, because binding already opens files: DuckDB may take a name that is not a table for a
//! file.

use std::collections::HashSet;

use duckdb::{Connection, types::Value};

use crate::state::{
    engine::instance::Link,
    judge::{functions::refuse_functions, refused::StatementRefused},
};

/// DuckDB's syntax tree of a text.
pub(super) enum Selected {
    /// It is a SELECT.
    Select(Select),
    /// It is something else.
    NoSelect,
}

/// The names in a SELECT. They are not bound yet, because binding already opens files.
pub(super) struct Select {
    functions: Vec<String>,
    /// The catalogue, schema and name of each table, as far as the text names them.
    tables: Vec<[String; 3]>,
}

impl Select {
    /// Checks that it calls no function that does more than compute, and names no file.
    ///
    /// # Errors
    /// When it does.
    pub(super) fn check(self, link: &Link) -> Result<(), StatementRefused> {
        refuse_functions(&self.functions)?;
        // DuckDB takes a name that is not a table for a file if it has an ending.
        let may_be_file = |[catalog, schema, name]: &[String; 3]| {
            !name.is_empty() && (!catalog.is_empty() || !schema.is_empty() || name.contains('.'))
        };
        let suspects: Vec<&[String; 3]> = self.tables.iter().filter(|table| may_be_file(table)).collect();
        if suspects.is_empty() {
            return Ok(());
        }
        let known = known_tables(link)?;
        match suspects
            .into_iter()
            .find(|[_, _, name]| !known.contains(&name.to_lowercase()))
        {
            Some(table) => {
                let parts: Vec<&str> = table
                    .iter()
                    .map(String::as_str)
                    .filter(|part| !part.is_empty())
                    .collect();
                Err(StatementRefused::NoTable(parts.join(".")))
            }
            None => Ok(()),
        }
    }
}

fn known_tables(connection: &Connection) -> Result<HashSet<String>, StatementRefused> {
    let sql = "SELECT system.main.lower(table_name) FROM system.main.duckdb_tables()
               UNION SELECT system.main.lower(view_name) FROM system.main.duckdb_views()";
    let mut statement = connection.prepare_cached(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<duckdb::Result<_>>()?)
}

/// Parses a text, which must be one statement.
///
/// # Errors
/// When the database cannot answer.
pub(super) fn selected(connection: &Connection, sql: &str) -> Result<Selected, StatementRefused> {
    let asking = "SELECT system.main.json_extract_string(tree, '$.error') = 'true',
                         system.main.json_extract_string(tree, '$..function_name'),
                         system.main.json_extract_string(tree, '$..catalog_name'),
                         system.main.json_extract_string(tree, '$..schema_name'),
                         system.main.json_extract_string(tree, '$..table_name')
                  FROM (SELECT system.main.json_serialize_sql(CAST(? AS VARCHAR)) AS tree)";
    let mut statement = connection.prepare_cached(asking)?;
    let (is_refused, [functions, catalogs, schemas, names]): (bool, [Vec<String>; 4]) =
        statement.query_row([sql], |row| {
            let lists = [
                texts(row.get(1)?),
                texts(row.get(2)?),
                texts(row.get(3)?),
                texts(row.get(4)?),
            ];
            Ok((row.get(0)?, lists))
        })?;
    if is_refused {
        return Ok(Selected::NoSelect);
    }
    // Every table in a tree has all three.
    if catalogs.len() != names.len() || schemas.len() != names.len() {
        return Err(StatementRefused::Unplanned(
            "DuckDB does not report which tables the statement reads".to_owned(),
        ));
    }
    let tables = catalogs.into_iter().zip(schemas).zip(names);
    Ok(Selected::Select(Select {
        functions,
        tables: tables
            .map(|((catalog, schema), name)| [catalog, schema, name])
            .collect(),
    }))
}

/// The texts of a list.
fn texts(list: Value) -> Vec<String> {
    let Value::List(values) = list else {
        return Vec::new();
    };
    let texts = values.into_iter().filter_map(|value| match value {
        Value::Text(text) => Some(text),
        _ => None,
    });
    texts.collect()
}
