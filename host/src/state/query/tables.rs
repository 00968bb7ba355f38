//! The tables of the state: how many rows they have, and their columns.

use duckdb::Connection;

use crate::state::{
    engine::sql::quoted,
    error::{Doing, Result},
};

/// A table or view, for people who write queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedTable {
    /// The name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<DescribedColumn>,
}

/// A column, for people who write queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedColumn {
    /// The name.
    pub name: String,
    /// The type.
    pub data_type: String,
}

/// How many rows a table has.
pub(crate) fn rows(connection: &Connection, table: &str) -> Result<u64> {
    let sql = format!("SELECT system.main.count(*) FROM main.{}", quoted(table));
    let rows: i64 = connection
        .query_row(&sql, [], |row| row.get(0))
        .doing("count the rows of a table")?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

/// Every table and view with its columns, by name.
pub(crate) fn described(connection: &Connection) -> Result<Vec<DescribedTable>> {
    let doing = "describe the tables";
    let sql = "SELECT table_name, column_name, data_type FROM system.main.duckdb_columns()
               WHERE schema_name = 'main' AND NOT internal ORDER BY table_name, column_index";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([], |row| {
        let column = DescribedColumn {
            name: row.get(1)?,
            data_type: row.get(2)?,
        };
        Ok((row.get::<_, String>(0)?, column))
    });
    let mut tables: Vec<DescribedTable> = Vec::new();
    for row in rows.doing(doing)? {
        let (name, column) = row.doing(doing)?;
        match tables.last_mut() {
            Some(table) if table.name == name => table.columns.push(column),
            _ => tables.push(DescribedTable {
                name,
                columns: vec![column],
            }),
        }
    }
    Ok(tables)
}
