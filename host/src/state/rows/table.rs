//! Reads the columns of the tables that plugins fill.

use duckdb::{Connection, params};
use serde::{Deserialize, Serialize};
use session_plugin_api::abi::ValueKind;

use crate::state::{
    engine::sql::{quoted, table_exists},
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
    /// Reads the columns of a table; `None` if it does not exist.
    pub(crate) fn read(connection: &Connection, name: &str) -> Result<Option<Self>> {
        let columns = columns(connection, name)?;
        Ok((!columns.is_empty()).then(|| Self {
            name: name.to_owned(),
            columns,
        }))
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

fn columns(connection: &Connection, table: &str) -> Result<Vec<Column>> {
    let doing = "read the columns of a table";
    // This query knows views too. `duckdb_columns` does as well, but reads the columns of every view to find those of
    // one table.
    if !table_exists(connection, table)? {
        return Ok(Vec::new());
    }
    let sql = "SELECT name, type FROM system.main.pragma_table_info(?) ORDER BY cid";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([quoted(table)], |row| {
        Ok(Column {
            name: row.get(0)?,
            data_type: row.get(1)?,
        })
    });
    rows.and_then(Iterator::collect).doing(doing)
}

/// The keys, unique constraints and indexes of a table, as SQL. With any of them it cannot be a session table.
pub(crate) fn keys_and_indexes(connection: &Connection, table: &str) -> Result<Vec<String>> {
    let doing = "read the keys and indexes of a table";
    let sql = "SELECT constraint_text FROM system.main.duckdb_constraints()
               WHERE schema_name = 'main' AND table_name = ?
                 AND constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
               UNION ALL
               SELECT sql FROM system.main.duckdb_indexes() WHERE schema_name = 'main' AND table_name = ?";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map(params![table, table], |row| row.get(0));
    rows.and_then(Iterator::collect).doing(doing)
}
