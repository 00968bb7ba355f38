//! How far an unfinished copy goes. The mark is a table beside the others, which the last step drops.
//!
//! A batch of rows and its place in the mark become visible together. Who advances a mark names the place where it was. If
//! two processes write the same copy, only one of them finds it there.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::{ends::Ends, error::CopyError, tables::Table};
use crate::{
    hex::hex,
    state::{
        engine::sql::{in_transaction, text},
        error::{Doing as _, Result, StateError},
        postgres::mirror::SchemaText,
    },
};

/// The name of the table. No other table of a state has it.
pub(super) const MARK: &str = "session_host_copy";

/// What an unfinished copy is a copy of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The place of the source.
    pub(super) source: String,
    /// The digest of the texts that make its schema.
    pub(super) schema: String,
}

impl Origin {
    /// A source of this schema.
    pub(super) fn new(source: String, texts: &[SchemaText]) -> Self {
        let mut digest = Sha256::new();
        for text in texts {
            digest.update(format!("{}\0{}\0", text.owner, text.sql));
        }
        Self {
            source,
            schema: hex(digest.finalize()),
        }
    }
}

/// How far the rows of a table are copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// The place in the source where the next batch begins.
    pub(super) next: i64,
    /// How many rows the batches before it had.
    pub(super) rows: i64,
}

/// The mark of an unfinished copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) origin: Origin,
    pub(super) reached: BTreeMap<String, Reached>,
}

const DOING: &str = "mark how far the copy goes";
const LOOKING: &str = "look for an unfinished copy";

/// Makes the mark of a new copy, before its tables.
pub(super) fn make(ends: &Ends) -> Result<()> {
    let mark = ends.place_of(ends.target, MARK);
    let create = format!(
        "CREATE TABLE {mark} (source VARCHAR, schema VARCHAR, table_name VARCHAR PRIMARY KEY, next BIGINT, copied BIGINT)"
    );
    ends.run(DOING, &create)
}

/// Marks the beginning of every table, all of which have been made.
pub(super) fn write(ends: &Ends, origin: &Origin, tables: &[Table]) -> Result<()> {
    let mark = ends.place_of(ends.target, MARK);
    in_transaction(&ends.connection, DOING, |connection| {
        for table in tables {
            let insert = format!(
                "INSERT INTO {mark} VALUES ({}, {}, {}, 0, 0)",
                text(&origin.source),
                text(&origin.schema),
                text(&table.name)
            );
            connection.execute_batch(&insert).doing(DOING)?;
        }
        Ok::<_, StateError>(())
    })
}

/// Whether the target has a mark, and so is a copy.
pub(super) fn is_there(ends: &Ends) -> Result<bool> {
    let (database, schema) = ends.catalog_at(ends.target);
    let looking = format!(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = '{database}' AND schema_name = {} AND table_name = {}",
        text(schema),
        text(MARK)
    );
    Ok(ends.number(LOOKING, &looking)? > 0)
}

/// The mark of an unfinished copy; `None` if its tables have not all been made.
pub(super) fn read(ends: &Ends) -> Result<Option<Mark>> {
    if !is_there(ends)? {
        return Ok(None);
    }
    let rows = format!(
        "SELECT source, schema, table_name, next, copied FROM {}",
        ends.place_of(ends.target, MARK)
    );
    let mut statement = ends.connection.prepare(&rows).doing(LOOKING)?;
    let rows = statement.query_map([], |row| {
        let origin = Origin {
            source: row.get(0)?,
            schema: row.get(1)?,
        };
        let reached = Reached {
            next: row.get(3)?,
            rows: row.get(4)?,
        };
        Ok((origin, row.get::<_, String>(2)?, reached))
    });
    let mut mark = None;
    for row in rows.doing(LOOKING)? {
        let (origin, table, reached) = row.doing(LOOKING)?;
        let mark = mark.get_or_insert_with(|| Mark {
            origin,
            reached: BTreeMap::new(),
        });
        mark.reached.insert(table, reached);
    }
    Ok(mark)
}

/// Moves the place of a table, within the transaction of its batch.
pub(super) fn advance(ends: &Ends, table: &Table, from: Reached, to: Reached, place: &str) -> Result<(), CopyError> {
    let update = format!(
        "UPDATE {} SET next = {}, copied = {} WHERE table_name = {} AND next = {}",
        ends.place_of(ends.target, MARK),
        to.next,
        to.rows,
        text(&table.name),
        from.next
    );
    match ends.connection.execute(&update, []).doing(DOING)? {
        1 => Ok(()),
        _ => Err(CopyError::AtTheSameTime { to: place.to_owned() }),
    }
}
