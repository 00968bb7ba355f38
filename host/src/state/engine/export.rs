//! Exports: every table as a Parquet file.

use std::path::Path;

use crate::state::{
    engine::{
        instance::Link,
        sql::{quoted, text},
    },
    error::{Doing, Result},
};

/// Writes every table as a Parquet file into a folder; returns the names of the tables.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn export(link: &Link, folder: &Path) -> Result<Vec<String>> {
    let doing = "export the tables";
    let sql = "SELECT table_name FROM system.main.duckdb_tables()
               WHERE schema_name = 'main' AND NOT temporary ORDER BY table_name";
    let mut statement = link.prepare(sql).doing(doing)?;
    let rows = statement.query_map([], |row| row.get(0));
    let tables: Vec<String> = rows.and_then(Iterator::collect).doing(doing)?;
    for table in &tables {
        let file = folder.join(export_file(table));
        let file = text(&file.to_string_lossy());
        let sql = format!("COPY {} TO {file} (FORMAT parquet)", quoted(table));
        link.execute_batch(&sql).doing(doing)?;
    }
    Ok(tables)
}

/// The name of a table's file. No table's name leads out of the folder or gives the same file as another's.
#[must_use]
pub fn export_file(table: &str) -> String {
    let mut name = String::with_capacity(table.len() + ".parquet".len());
    for byte in table.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    name + ".parquet"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_its_table_and_stays_in_the_folder() {
        assert_eq!(export_file("usage_events-2"), "usage_events-2.parquet");
        assert_eq!(export_file("../a b"), "%2E%2E%2Fa%20b.parquet");
        assert_eq!(export_file("/é%"), "%2F%C3%A9%25.parquet");
        assert_eq!(export_file(".."), "%2E%2E.parquet");
    }
}
