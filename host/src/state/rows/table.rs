//! Reads the columns of the tables that plugins fill.

use std::collections::HashMap;

use duckdb::Connection;
use serde::{Deserialize, Serialize};
use session_plugin_api::abi::ValueKind;

use crate::state::{
    engine::sql::{quoted, text},
    error::{Doing, Result},
};

/// A session table or a reference table with its columns, as the database has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledTable {
    name: String,
    columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Column {
    name: String,
    data_type: String,
}

/// The column that the host fills.
pub(crate) const SESSION_FILE: &str = "session_file";

impl FilledTable {
    /// Reads the columns of tables, which must exist, with one query.
    pub(crate) fn read_all<'a>(connection: &Connection, names: impl Iterator<Item = &'a str>) -> Result<Vec<Self>> {
        let named = names.map(|name| Self {
            name: name.to_owned(),
            columns: Vec::new(),
        });
        let mut tables: Vec<Self> = named.collect();
        for ColumnInPlace { table, column, .. } in columns(connection, &tables)? {
            if let Some(table) = tables.get_mut(table) {
                table.columns.push(column);
            }
        }
        Ok(tables)
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the table has a column for the session's key.
    pub(crate) fn has_session_file(&self) -> bool {
        self.type_of(SESSION_FILE) == Some("VARCHAR")
    }

    /// The type of a column; `None` if it does not exist.
    pub(crate) fn type_of(&self, column: &str) -> Option<&str> {
        let column = self.columns.iter().find(|candidate| candidate.name == column)?;
        Some(&column.data_type)
    }

    /// The place of a column, from 0; `None` if it does not exist.
    pub(crate) fn place_of(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|candidate| candidate.name == column)
    }

    /// The name of the column in this place; empty if there is none.
    pub(crate) fn column_at(&self, place: usize) -> &str {
        self.columns.get(place).map_or("", |column| &column.name)
    }

    /// The columns' names, for messages.
    pub(crate) fn column_names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        names.join(", ")
    }
}

/// Whether values of a kind can be appended to a column of a type.
pub(crate) fn accepts(data_type: &str, kind: ValueKind) -> bool {
    let base = data_type.split('(').next().unwrap_or_default();
    match kind {
        ValueKind::Null => true,
        ValueKind::Boolean => base == "BOOLEAN",
        ValueKind::Integer => base.ends_with("INT") || base == "INTEGER" || base == "UINTEGER" || base == "DECIMAL",
        ValueKind::Float => matches!(base, "DOUBLE" | "FLOAT" | "DECIMAL"),
        ValueKind::Text => matches!(base, "VARCHAR" | "JSON" | "UUID" | "DATE") || base.starts_with("ENUM"),
        ValueKind::Timestamp => matches!(base, "TIMESTAMP" | "DATE" | "TIMESTAMP WITH TIME ZONE"),
        ValueKind::Blob => base == "BLOB",
    }
}

/// A column, with the number of its table and its place there.
struct ColumnInPlace {
    table: usize,
    place: i32,
    column: Column,
}

/// The columns of tables, in order. DuckDB takes a millisecond for each query and each sort.
fn columns(connection: &Connection, tables: &[FilledTable]) -> Result<Vec<ColumnInPlace>> {
    let doing = "read the columns of the tables";
    // `duckdb_columns` would read the columns of every view to find those of one table.
    let parts = tables.iter().enumerate().map(|(number, table)| {
        let table = text(&quoted(&table.name));
        format!("SELECT {number}, cid, name, type FROM system.main.pragma_table_info({table})")
    });
    let sql = parts.collect::<Vec<_>>().join(" UNION ALL ");
    if sql.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(&sql).doing(doing)?;
    let rows = statement.query_map([], |row| {
        Ok(ColumnInPlace {
            table: row.get(0)?,
            place: row.get(1)?,
            column: Column {
                name: row.get(2)?,
                data_type: row.get(3)?,
            },
        })
    });
    let mut columns: Vec<ColumnInPlace> = rows.and_then(Iterator::collect).doing(doing)?;
    columns.sort_by_key(|column| (column.table, column.place));
    Ok(columns)
}

/// A key, a unique constraint or an index of each table that has one, as SQL, by the name of the table. With any of them a
/// table cannot be a session table.
pub(crate) fn keys_and_indexes(connection: &Connection) -> Result<HashMap<String, String>> {
    let doing = "read the keys and indexes of the tables";
    let sql = "SELECT table_name, constraint_text FROM system.main.duckdb_constraints()
               WHERE schema_name = 'main' AND constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
               UNION ALL
               SELECT table_name, sql FROM system.main.duckdb_indexes() WHERE schema_name = 'main'";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let mut keys = HashMap::new();
    for row in statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .doing(doing)?
    {
        let (table, key) = row.doing(doing)?;
        keys.entry(table).or_insert(key);
    }
    Ok(keys)
}
