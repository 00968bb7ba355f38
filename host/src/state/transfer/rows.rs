//! Copies the rows of a table, in batches.
//!
//! A batch is a range of places: of row numbers in a DuckDB file, of pages in PostgreSQL. Nobody writes to the source, so no
//! row changes its place.

use super::{
    ends::{End, Ends},
    error::CopyError,
    mark::{self, Reached},
    tables::Table,
    told::Told,
};
use crate::state::{
    engine::{
        attached::passed_through,
        sql::{in_transaction, quoted, text},
    },
    error::{Doing as _, Result},
};

/// How many rows of a DuckDB file a batch has at most: those of one of its row groups.
const ROWS: i64 = 122_880;

/// How many pages of PostgreSQL a batch has at most: 64 MiB, and what it stores beside them.
const PAGES: i64 = 8192;

/// What the host is doing, for errors.
const COPYING: &str = "copy rows";

/// Copies what is missing of the rows of a table.
pub(super) fn copy(
    ends: &Ends,
    table: &Table,
    mut reached: Reached,
    place: &str,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<(), CopyError> {
    let source = Source::of(ends, table)?;
    let of = ends.number(
        COPYING,
        &format!(
            "SELECT count(*) FROM {}",
            ends.place_of(ends.target.other(), &table.name)
        ),
    )?;
    while reached.next < source.end {
        let next = source.end.min(reached.next.saturating_add(source.step));
        let batch = source.batch(reached.next, next);
        reached = in_transaction(&ends.connection, COPYING, |connection| {
            let insert = format!(
                "INSERT INTO {} ({}) {batch}",
                ends.place_of(ends.target, &table.name),
                table.column_names()
            );
            let rows = connection.execute(&insert, []).doing(COPYING)?;
            let to = Reached {
                next,
                rows: reached.rows.saturating_add_unsigned(rows as u64),
            };
            mark::advance(ends, table, reached, to, place)?;
            Ok::<_, CopyError>(to)
        })?;
        tell(Told::Rows {
            table: &table.name,
            copied: reached.rows.unsigned_abs(),
            of: of.unsigned_abs(),
        });
    }
    Ok(())
}

/// The rows of a table in the source.
struct Source {
    /// The SELECT of a batch, up to where the first place comes.
    select: Select,
    /// Behind the last place.
    end: i64,
    /// How many places a batch has.
    step: i64,
}

/// How a batch is selected.
enum Select {
    /// All rows at once.
    All(String),
    /// A range of row numbers.
    Rows(String),
    /// A range of pages, of the table of this name in PostgreSQL.
    Pages { values: String, table: String },
}

impl Source {
    fn of(ends: &Ends, table: &Table) -> Result<Self> {
        match ends.target {
            End::File => Self::in_postgres(ends, table),
            End::Postgres => Self::in_file(ends, table),
        }
    }

    fn in_file(ends: &Ends, table: &Table) -> Result<Self> {
        let name = ends.place_of(End::File, &table.name);
        let select = format!("SELECT {} FROM {name}", table.column_names());
        if table.hides_places() {
            return Ok(Self {
                select: Select::All(select),
                end: 1,
                step: 1,
            });
        }
        let end = ends.number(COPYING, &format!("SELECT coalesce(max(rowid) + 1, 0) FROM {name}"))?;
        Ok(Self {
            select: Select::Rows(select),
            end,
            step: ROWS,
        })
    }

    fn in_postgres(ends: &Ends, table: &Table) -> Result<Self> {
        let relation = format!("{}.{}", ends.schema, quoted(&table.name));
        let pages = format!(
            "SELECT (pg_relation_size({}) / current_setting('block_size')::bigint)::bigint AS pages",
            text(&relation)
        );
        Ok(Self {
            end: ends.ask_postgres(COPYING, &pages)?,
            step: PAGES,
            select: Select::Pages {
                values: table.values_at(End::Postgres, End::File),
                table: relation,
            },
        })
    }

    /// The SELECT of the rows in this range.
    fn batch(&self, from: i64, to: i64) -> String {
        match &self.select {
            Select::All(select) => select.clone(),
            Select::Rows(select) => format!("{select} WHERE rowid >= {from} AND rowid < {to}"),
            Select::Pages { values, table } => {
                let rows = format!("SELECT * FROM {table} WHERE ctid >= '({from},0)'::tid AND ctid < '({to},0)'::tid");
                format!("SELECT {values} {}", passed_through(&rows))
            }
        }
    }
}
