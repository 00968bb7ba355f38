//! Whether the views and macros can be created over the tables as PostgreSQL has them.
//!
//! The types of some columns are others there: a HUGEINT comes back as a DOUBLE, which has no bits to shift. Every instance
//! that attaches the database has all views, so a view that it cannot have would keep all hosts from the state. Therefore a
//! migration is tried in an instance whose tables have the types that PostgreSQL gives back, before it is committed.

use duckdb::Connection;

use super::{
    era::texts,
    mirror::{Mirror, NotCreated},
};
use crate::state::{
    engine::{
        attached::CATALOG,
        open::open_in_memory,
        sql::{quoted, text},
    },
    error::{Doing, Result},
};

/// The view or macro that no instance could have, if the transaction of this connection were committed.
///
/// # Errors
/// When the database cannot be reached.
pub(super) fn find_unreadable(connection: &Connection) -> Result<Option<NotCreated>> {
    let mirror = Mirror::of(texts(connection)?)?;
    let engine = open_in_memory()?;
    let trial = engine.connection().doing("connect to an instance in memory")?;
    for table in tables(connection)? {
        trial
            .execute_batch(&table)
            .doing("create the tables as PostgreSQL has them")?;
    }
    Ok(mirror.objects.try_create(&trial).err())
}

/// The statements that create the tables with the types that PostgreSQL gives back.
fn tables(connection: &Connection) -> Result<Vec<String>> {
    let doing = "read the columns of the tables";
    // Otherwise the extension gives back the types that it sent.
    connection.execute_batch("CALL pg_clear_cache()").doing(doing)?;
    let listing = format!(
        "SELECT table_name, column_name, data_type FROM system.main.duckdb_columns()
         WHERE database_name = {} AND schema_name = 'main' ORDER BY table_name, column_index",
        text(CATALOG)
    );
    let mut statement = connection.prepare(&listing).doing(doing)?;
    let rows = statement.query_map([], |row| {
        let (table, column, data_type): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((quoted(&table), format!("{} {data_type}", quoted(&column))))
    });
    let columns: Vec<(String, String)> = rows.and_then(Iterator::collect).doing(doing)?;
    let tables = columns.chunk_by(|one, other| one.0 == other.0);
    let statements = tables.filter_map(|columns| {
        let (table, _) = columns.first()?;
        let columns: Vec<&str> = columns.iter().map(|(_, column)| column.as_str()).collect();
        Some(format!("CREATE TABLE {table} ({})", columns.join(", ")))
    });
    Ok(statements.collect())
}
