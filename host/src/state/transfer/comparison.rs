//! Compares the rows of a table at both ends.

use super::{
    ends::{End, Ends},
    error::CopyError,
    tables::Table,
    told::CopiedTable,
};
use crate::state::{
    engine::sql::{contents_of, quoted},
    error::{Doing as _, Result},
};

/// What the host is doing, for errors.
const COMPARING: &str = "compare the copy with its source";

/// The number of rows, and the sum of their hashes.
type Contents = (u64, String);

/// Compares the rows of a table.
///
/// # Errors
/// When they differ.
pub(super) fn compare(ends: &Ends, table: &Table) -> Result<CopiedTable, CopyError> {
    let (source_rows, source_digest) = contents(ends, table, ends.target.other())?;
    let (rows, digest) = contents(ends, table, ends.target)?;
    if (source_rows, &source_digest) != (rows, &digest) {
        return Err(CopyError::Differs {
            table: table.name.clone(),
            source_rows,
            source_digest,
            rows,
            digest,
        });
    }
    Ok(CopiedTable {
        name: table.name.clone(),
        rows,
        checksum: digest,
        altered_texts: altered_texts(ends, table)?,
    })
}

fn contents(ends: &Ends, table: &Table, end: End) -> Result<Contents> {
    let values = table.values_at(end, ends.target);
    let rows = format!("(SELECT {values} FROM {})", ends.place_of(end, &table.name));
    let found = ends
        .connection
        .query_row(&contents_of(&rows), [], |row| Ok((row.get(0)?, row.get(1)?)));
    found.doing(COMPARING)
}

/// How many texts of the source had zero bytes, which the copy cannot have.
fn altered_texts(ends: &Ends, table: &Table) -> Result<u64> {
    let texts = table.columns.iter().filter(|column| column.is_text());
    let counts: Vec<String> = texts
        .map(|column| format!("count(*) FILTER (WHERE contains({}, chr(0)))", quoted(&column.name)))
        .collect();
    if ends.target == End::File || counts.is_empty() {
        return Ok(0);
    }
    let sql = format!(
        "SELECT {} FROM {}",
        counts.join(" + "),
        ends.place_of(End::File, &table.name)
    );
    ends.number(COMPARING, &sql).map(i64::unsigned_abs)
}
