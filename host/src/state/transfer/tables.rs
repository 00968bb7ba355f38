//! The tables of a state, and how their values are read on each side.

use std::collections::HashSet;

use super::{
    ends::{End, Ends, FILE},
    mark::MARK,
};
use crate::state::{
    engine::sql::{quoted, text},
    error::{Doing as _, Result},
};

/// A table, as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

/// A column, with DuckDB's name for its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) data_type: String,
}

const DOING: &str = "list the tables of the state";

impl Table {
    /// The names of the columns, for a statement.
    pub(super) fn column_names(&self) -> String {
        list(&self.columns, |column| quoted(&column.name))
    }

    /// The values at an end, as they are compared, for a SELECT.
    pub(super) fn values_at(&self, end: End, target: End) -> String {
        list(&self.columns, |column| {
            let name = quoted(&column.name);
            let value = match end {
                End::Postgres => format!("CAST({name} AS {})", column.data_type),
                End::File if target == End::Postgres && column.is_text() => without_zero_bytes(&name),
                End::File => return name,
            };
            format!("{value} AS {name}")
        })
    }

    /// Whether a column has the name of the place of a row.
    pub(super) fn hides_places(&self) -> bool {
        self.columns
            .iter()
            .any(|column| column.name.eq_ignore_ascii_case("rowid"))
    }
}

impl Column {
    /// Whether its values are texts that may hold zero bytes.
    pub(super) fn is_text(&self) -> bool {
        self.data_type == "VARCHAR"
    }
}

fn list(columns: &[Column], of: impl Fn(&Column) -> String) -> String {
    columns.iter().map(of).collect::<Vec<_>>().join(", ")
}

/// A text as PostgreSQL holds it: DuckDB's extension is set up to do the same.
fn without_zero_bytes(value: &str) -> String {
    format!("replace({value}, chr(0), '\u{fffd}')")
}

/// The tables in the file. A table that refers to another comes after it.
pub(super) fn tables(ends: &Ends) -> Result<Vec<Table>> {
    let sql = format!(
        "SELECT tab.table_name, col.column_name, col.data_type FROM duckdb_tables() AS tab
         JOIN duckdb_columns() AS col USING (database_name, schema_name, table_name)
         WHERE database_name = '{FILE}' AND schema_name = 'main' AND tab.table_name <> {}
         ORDER BY tab.table_oid, tab.table_name, col.column_index",
        text(MARK)
    );
    let mut statement = ends.connection.prepare(&sql).doing(DOING)?;
    let rows = statement.query_map([], |row| {
        let column = Column {
            name: row.get(1)?,
            data_type: row.get(2)?,
        };
        Ok((row.get::<_, String>(0)?, column))
    });
    let mut tables: Vec<Table> = Vec::new();
    for row in rows.doing(DOING)? {
        let (name, column) = row.doing(DOING)?;
        match tables.last_mut() {
            Some(table) if table.name == name => table.columns.push(column),
            _ => tables.push(Table {
                name,
                columns: vec![column],
            }),
        }
    }
    Ok(in_order(tables, &references(ends)?))
}

/// Whether the file has neither tables nor views.
pub(super) fn are_none(ends: &Ends) -> Result<bool> {
    let sql = format!(
        "SELECT (SELECT count(*) FROM duckdb_tables() WHERE database_name = '{FILE}')
              + (SELECT count(*) FROM duckdb_views() WHERE database_name = '{FILE}' AND NOT internal)"
    );
    Ok(ends.number(DOING, &sql)? == 0)
}

/// Which table refers to which.
fn references(ends: &Ends) -> Result<Vec<(String, String)>> {
    let sql = format!(
        "SELECT table_name, referenced_table FROM duckdb_constraints()
         WHERE database_name = '{FILE}' AND constraint_type = 'FOREIGN KEY' AND table_name <> referenced_table"
    );
    let mut statement = ends.connection.prepare(&sql).doing(DOING)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.and_then(Iterator::collect).doing(DOING)
}

fn in_order(mut left: Vec<Table>, references: &[(String, String)]) -> Vec<Table> {
    let mut ordered: Vec<Table> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waiting: HashSet<String> = left.iter().map(|table| table.name.clone()).collect();
        let waits = |table: &Table| {
            let mut of_table = references.iter().filter(|(from, _)| *from == table.name);
            of_table.any(|(_, to)| waiting.contains(to))
        };
        let (later, ready): (Vec<Table>, Vec<Table>) = left.into_iter().partition(waits);
        if ready.is_empty() {
            // Tables that refer to each other in a circle can have no order. DuckDB makes none.
            ordered.extend(later);
            break;
        }
        ordered.extend(ready);
        left = later;
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, columns: &[(&str, &str)]) -> Table {
        let columns = columns.iter().map(|(name, data_type)| Column {
            name: (*name).to_owned(),
            data_type: (*data_type).to_owned(),
        });
        Table {
            name: name.to_owned(),
            columns: columns.collect(),
        }
    }

    #[test]
    fn a_table_comes_after_those_that_it_refers_to() {
        let tables = ["c", "a", "b"].map(|name| table(name, &[]));
        let reference = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let ordered = |references: &[(String, String)]| -> String {
            let ordered = in_order(tables.to_vec(), references);
            ordered.into_iter().map(|table| table.name).collect()
        };
        assert_eq!(ordered(&[]), "cab");
        assert_eq!(ordered(&[reference("c", "b"), reference("b", "a")]), "abc");
        assert_eq!(ordered(&[reference("a", "b"), reference("b", "a")]), "cab");
    }

    #[test]
    fn values_are_read_as_the_file_has_them() {
        let table = table("t", &[("a\"b", "VARCHAR"), ("n", "UBIGINT")]);
        assert_eq!(table.values_at(End::File, End::File), r#""a""b", "n""#);
        assert_eq!(
            table.values_at(End::File, End::Postgres),
            "replace(\"a\"\"b\", chr(0), '\u{fffd}') AS \"a\"\"b\", \"n\""
        );
        assert_eq!(
            table.values_at(End::Postgres, End::File),
            r#"CAST("a""b" AS VARCHAR) AS "a""b", CAST("n" AS UBIGINT) AS "n""#
        );
    }
}
