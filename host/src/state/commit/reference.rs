//! Reference tables: their rows come with a processor, and the host replaces all of them if they differ.

use std::collections::BTreeMap;

use duckdb::{Connection, arrow::array::RecordBatch};
use session_plugin_api::abi::ValueKind;
use sha2::{Digest, Sha256};

use crate::{
    column::Column,
    hex::hex,
    names::ProcessorName,
    state::{
        engine::{
            attached,
            instance::Link,
            sql::{in_transaction, quoted},
        },
        error::{Doing, Result},
        rows::{
            batch::{check, record_batch},
            refused::RowsRefused,
            table::{FilledTable, SESSION_FILE},
        },
        schema::{
            digests,
            host_tables::REFERENCE_TABLE,
            known::KnownSchema,
            refused::{SchemaRefused, TableKind},
        },
    },
};

/// The maximum size of the rows of a processor's reference tables, in bytes. They stay in memory until they are
/// written.
const MOST: usize = 64 << 20;

/// The rows of a processor's reference tables, as the plugin handed them over.
pub struct ReferenceRows {
    tables: BTreeMap<String, Given>,
    bytes: usize,
}

/// The rows of one table.
#[derive(Default)]
struct Given {
    digest: Sha256,
    batches: Vec<Batch>,
}

struct Batch {
    columns: Vec<(String, ValueKind)>,
    rows: RecordBatch,
}

impl ReferenceRows {
    /// Without rows yet, for the tables that a processor declares.
    #[must_use]
    pub fn of(declared: &[String]) -> Self {
        Self {
            tables: declared.iter().map(|table| (table.clone(), Given::default())).collect(),
            bytes: 0,
        }
    }

    /// Copies rows that a plugin hands over. Whether they fit the table is checked when they are written.
    ///
    /// # Errors
    /// When the table is not declared, or the rows are malformed or too many.
    pub fn add(&mut self, table: &str, columns: &[Column<'_>]) -> Result<(), RowsRefused> {
        let Some(given) = self.tables.get_mut(table) else {
            return Err(RowsRefused::UnknownReference {
                table: table.to_owned(),
                declared: self.tables.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
            });
        };
        let rows = record_batch(table, columns)?;
        self.bytes += rows.get_array_memory_size();
        if self.bytes > MOST {
            return Err(RowsRefused::TooLarge { most: MOST });
        }
        columns.iter().for_each(|column| digest(&mut given.digest, column));
        let columns = columns.iter().map(|column| (column.name.to_owned(), column.kind));
        given.batches.push(Batch {
            columns: columns.collect(),
            rows,
        });
        Ok(())
    }
}

/// Each part begins with its length, so that two different columns never give the same bytes.
fn digest(digest: &mut Sha256, column: &Column<'_>) {
    let mut part = |bytes: &[u8]| {
        digest.update(bytes.len().to_le_bytes());
        digest.update(bytes);
    };
    part(column.name.as_bytes());
    part(&[column.kind as u8]);
    part(&column.rows.to_le_bytes());
    part(column.validity);
    part(&bytes_of(column.integers, i64::to_le_bytes));
    part(&bytes_of(column.floats, f64::to_le_bytes));
    part(&bytes_of(column.offsets, i32::to_le_bytes));
    part(column.bytes);
}

fn bytes_of<T: Copy, const N: usize>(values: &[T], to_bytes: fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|value| to_bytes(*value)).collect()
}

/// Replaces the rows of those of a processor's reference tables that differ, in one transaction. Writes nothing if none
/// differs.
///
/// # Errors
/// When rows do not fit their table. No table is changed then.
pub(crate) fn replace_rows(
    connection: &Link,
    processor: &ProcessorName,
    rows: ReferenceRows,
    known: &KnownSchema,
) -> Result<(), SchemaRefused> {
    let standing = digests::standing(connection, processor)?;
    let given = rows.tables.into_iter();
    let given: Vec<_> = given
        .map(|(table, given)| (table, hex(given.digest.finalize()), given.batches))
        .collect();
    let is_given = |table: &&String| given.iter().any(|(name, ..)| name == *table);
    let retired: Vec<&String> = standing.keys().filter(|table| !is_given(table)).collect();
    let differs = |(table, digest, _): &&(String, String, Vec<Batch>)| standing.get(table) != Some(digest);
    let differing: Vec<_> = given.iter().filter(differs).collect();
    if differing.is_empty() && retired.is_empty() {
        return Ok(());
    }
    let inventory = known.inventory(connection)?;
    let names = differing.iter().map(|(table, ..)| table.as_str());
    let tables = inventory.owned_tables(
        &*connection.judge().doing("connect to the instance that judges")?,
        processor,
        TableKind::Reference,
        names,
    )?;
    for (table, (_, _, batches)) in tables.iter().zip(&differing) {
        check_table(table, batches)?;
    }
    let is_shared = connection.is_attached();
    in_transaction(
        connection,
        "replace the rows of reference tables",
        |connection| -> Result<()> {
            if is_shared {
                // The lock comes before the first read, whose snapshot shows what other hosts replaced before.
                attached::lock(
                    connection,
                    "wait for other hosts that replace reference rows",
                    REFERENCE_TABLE,
                )?;
            }
            retired
                .iter()
                .try_for_each(|table| digests::retire(connection, table))?;
            for (table, digest, batches) in differing {
                replace(connection, table, batches)?;
                digests::record(connection, processor, table, digest)?;
                tracing::info!(%processor, table, "replaced the rows of a reference table");
            }
            Ok(())
        },
    )?;
    // The inventory tells which tables are reference tables.
    known.forget();
    Ok(())
}

fn check_table(table: &FilledTable, batches: &[Batch]) -> Result<(), SchemaRefused> {
    if table.type_of(SESSION_FILE).is_some() {
        return Err(SchemaRefused::ReferenceOfSessions(table.name().to_owned()));
    }
    for (column, kind) in batches.iter().flat_map(|batch| &batch.columns) {
        check(table, column, *kind)?;
    }
    Ok(())
}

fn replace(connection: &Connection, table: &str, batches: &[Batch]) -> Result<()> {
    let doing = "write the rows of a reference table";
    connection
        .execute(&format!("DELETE FROM {}", quoted(table)), [])
        .doing(doing)?;
    for batch in batches.iter().filter(|batch| batch.rows.num_rows() > 0) {
        let columns: Vec<&str> = batch.columns.iter().map(|(name, _)| name.as_str()).collect();
        let mut appender = connection.appender_with_columns(table, &columns).doing(doing)?;
        appender.append_record_batch(batch.rows.clone()).doing(doing)?;
        appender.flush().doing(doing)?;
    }
    Ok(())
}
