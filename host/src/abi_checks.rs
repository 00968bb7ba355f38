//! Checks the data that plugins pass across the ABI boundary before the host uses it: lengths, addresses, text.
//!
//! A plugin may be faulty, or built by hand. The host trusts nothing that it claims about its values: a name counts as text
//! only after a check, and a column has as many rows as it has values.

use abi_stable::std_types::{RSlice, RStr};
use session_plugin_api::abi::{
    RawColumn, ValueKind,
    message::{Description, Processed, capped},
};

use crate::column::Column;

/// The maximum length of a name, in bytes.
const MAX_NAME: usize = 1024;

/// The maximum number of rows of a batch that holds only nulls, and so no value that proves the number.
const MAX_ROWS_OF_NULLS: usize = 1 << 20;

/// The data of a plugin is malformed.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// A text is not UTF-8.
    #[error("{what} is not UTF-8 text: {text}")]
    NoText {
        /// What the text is.
        what: &'static str,
        /// The text, as far as it can be read.
        text: String,
    },
    /// A text is too long.
    #[error("{what} has {length} bytes, more than {MAX_NAME}")]
    TooLong {
        /// What the text is.
        what: &'static str,
        /// How long it is.
        length: usize,
    },
    /// A slice has an invalid address.
    #[error("the {what} lie at no valid address")]
    Address {
        /// What the slice holds.
        what: String,
    },
    /// The kind of a column is unknown.
    #[error("column `{column}` has values of the unknown kind {kind}")]
    Kind {
        /// The column.
        column: String,
        /// Its kind.
        kind: u8,
    },
    /// A column's number of values differs from its number of rows.
    #[error("column `{column}` has {found} {what} for {rows} rows")]
    Count {
        /// The column.
        column: String,
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many rows there are.
        rows: usize,
    },
    /// A column's offsets are invalid.
    #[error("column `{column}` has offsets that do not ascend within its {bytes} bytes")]
    Offsets {
        /// The column.
        column: String,
        /// How many bytes it has.
        bytes: usize,
    },
    /// A batch without values claims too many rows.
    #[error("column `{column}` claims {rows} rows, but no value of the batch proves it")]
    Unproven {
        /// The first column.
        column: String,
        /// How many rows it claims.
        rows: usize,
    },
    /// A count is impossibly high.
    #[error("the result counts {counted} {what}, more than {MAX_ITEMS}")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        counted: u64,
    },
    /// A parameter does not have exactly one row.
    #[error("parameter {place} has {rows} rows instead of one")]
    Parameter {
        /// Its place, from 1.
        place: usize,
        /// How many rows it has.
        rows: usize,
    },
}

/// How many unreadable lines of a session the host names.
const NAMED_LINES: usize = 10;

/// The maximum number of items and of unreadable lines of a session. Sums over all sessions cannot overflow.
const MAX_ITEMS: u64 = 1 << 48;

/// A short text, such as a name.
///
/// # Errors
/// When it is not UTF-8, or too long for a name.
pub fn name<'a>(raw: RStr<'a>, what: &'static str) -> Result<&'a str, Malformed> {
    short(raw.len(), what)?;
    text(raw, what)
}

/// A text of any length.
///
/// # Errors
/// When it is not UTF-8.
pub fn text<'a>(raw: RStr<'a>, what: &'static str) -> Result<&'a str, Malformed> {
    let bytes = slice(raw.as_rslice(), || format!("bytes of {what}"))?;
    std::str::from_utf8(bytes).map_err(|_| Malformed::NoText {
        what,
        text: capped(bytes),
    })
}

/// A text for people: invalid UTF-8 is replaced, and a long text is truncated.
#[must_use]
pub fn words(raw: RStr<'_>) -> String {
    slice(raw.as_rslice(), String::new).map(capped).unwrap_or_default()
}

/// The columns of a batch, each with as many values as the first has rows.
///
/// # Errors
/// When the parts of a column are inconsistent.
pub fn columns<'a>(raw: RSlice<'a, RawColumn<'a>>) -> Result<Vec<Column<'a>>, Malformed> {
    let raw = slice(raw, || "columns".to_owned())?;
    let columns: Vec<Column<'a>> = raw.iter().map(checked).collect::<Result<_, _>>()?;
    match columns.first() {
        Some(Column { name, rows, .. }) if *rows > MAX_ROWS_OF_NULLS && columns.iter().all(is_of_nulls) => {
            Err(Malformed::Unproven {
                column: (*name).to_owned(),
                rows: *rows,
            })
        }
        _ => Ok(columns),
    }
}

/// The parameters of a statement: columns of one row, whose parts are consistent.
///
/// # Errors
/// When the parts are inconsistent, or a parameter does not have exactly one row.
pub fn parameters<'a>(raw: RSlice<'a, RawColumn<'a>>) -> Result<Vec<Column<'a>>, Malformed> {
    let raw = slice(raw, || "parameters".to_owned())?;
    let parameters = (1..).zip(raw).map(|(place, column)| match checked(column)? {
        column @ Column { rows: 1, .. } => Ok(column),
        Column { rows, .. } => Err(Malformed::Parameter { place, rows }),
    });
    parameters.collect()
}

/// Converts a column of the host for a plugin.
#[must_use]
pub fn raw<'a>(column: &Column<'a>) -> RawColumn<'a> {
    RawColumn {
        name: RStr::from_str(column.name),
        kind: column.kind as u8,
        rows: column.rows,
        validity: RSlice::from_slice(column.validity),
        integers: RSlice::from_slice(column.integers),
        floats: RSlice::from_slice(column.floats),
        bytes: RSlice::from_slice(column.bytes),
        offsets: RSlice::from_slice(column.offsets),
    }
}

/// Checks a plugin's result for a session.
///
/// # Errors
/// When a count is impossibly high.
pub fn processed(mut processed: Processed) -> Result<Processed, Malformed> {
    countable(processed.items_count, "items")?;
    if let Some(reading) = &mut processed.reading {
        countable(reading.unreadable_lines, "unreadable lines")?;
        reading.first_unreadable.truncate(NAMED_LINES);
    }
    Ok(processed)
}

fn countable(counted: u64, what: &'static str) -> Result<(), Malformed> {
    match counted {
        ..=MAX_ITEMS => Ok(()),
        counted => Err(Malformed::TooMany { what, counted }),
    }
}

/// Checks the names in a processor's description of itself.
///
/// # Errors
/// When one is too long.
pub fn check_description(description: &Description) -> Result<(), Malformed> {
    short(description.descriptor.name().len(), "the name of the processor")?;
    short(description.package_version.len(), "the version of the package")?;
    let descriptor = &description.descriptor;
    for table in descriptor.session_tables().iter().chain(descriptor.reference_tables()) {
        short(table.len(), "the name of a table")?;
    }
    for migration in &description.migrations {
        short(migration.title().len(), "the title of a migration")?;
    }
    Ok(())
}

/// Checks that the parts of a column are consistent.
fn checked<'a>(raw: &RawColumn<'a>) -> Result<Column<'a>, Malformed> {
    let name = name(raw.name, "the name of a column")?;
    let of = |what: &'static str| move || format!("{what} of column `{name}`");
    let kind = ValueKind::from_number(raw.kind).ok_or_else(|| Malformed::Kind {
        column: name.to_owned(),
        kind: raw.kind,
    })?;
    let column = Column {
        name,
        kind,
        rows: raw.rows,
        validity: slice(raw.validity, of("validity marks"))?,
        integers: slice(raw.integers, of("integers"))?,
        floats: slice(raw.floats, of("floats"))?,
        bytes: slice(raw.bytes, of("bytes"))?,
        offsets: slice(raw.offsets, of("offsets"))?,
    };
    check(&column)?;
    Ok(column)
}

fn check(column: &Column<'_>) -> Result<(), Malformed> {
    if !column.validity.is_empty() {
        check_count(column, "validity marks", column.validity.len())?;
    }
    match column.kind {
        ValueKind::Null => Ok(()),
        ValueKind::Boolean | ValueKind::Integer | ValueKind::Timestamp => {
            check_count(column, "values", column.integers.len())
        }
        ValueKind::Float => check_count(column, "values", column.floats.len()),
        ValueKind::Text | ValueKind::Blob => {
            check_count(column, "values", column.offsets.len().saturating_sub(1))?;
            check_offsets(column)
        }
    }
}

fn check_count(column: &Column<'_>, what: &'static str, found: usize) -> Result<(), Malformed> {
    match found == column.rows {
        true => Ok(()),
        false => Err(Malformed::Count {
            column: column.name.to_owned(),
            what,
            found,
            rows: column.rows,
        }),
    }
}

fn check_offsets(column: &Column<'_>) -> Result<(), Malformed> {
    let end = column.offsets.last().and_then(|end| usize::try_from(*end).ok());
    let fits = column.offsets.first() == Some(&0)
        && column.offsets.is_sorted()
        && end.is_some_and(|end| end <= column.bytes.len());
    match fits {
        true => Ok(()),
        false => Err(Malformed::Offsets {
            column: column.name.to_owned(),
            bytes: column.bytes.len(),
        }),
    }
}

fn is_of_nulls(column: &Column<'_>) -> bool {
    column.kind == ValueKind::Null && column.validity.is_empty()
}

fn short(length: usize, what: &'static str) -> Result<(), Malformed> {
    match length <= MAX_NAME {
        true => Ok(()),
        false => Err(Malformed::TooLong { what, length }),
    }
}

/// The slice, if its address and length are valid.
fn slice<'a, T>(raw: RSlice<'a, T>, what: impl FnOnce() -> String) -> Result<&'a [T], Malformed> {
    if raw.is_empty() {
        return Ok(&[]);
    }
    let address = raw.as_ptr();
    let size = raw.len().checked_mul(size_of::<T>());
    match !address.is_null() && address.is_aligned() && size.is_some_and(|size| isize::try_from(size).is_ok()) {
        true => Ok(raw.as_slice()),
        false => Err(Malformed::Address { what: what() }),
    }
}
