//! Checks the data that plugins pass across the ABI boundary before the host uses it: lengths, addresses, text.
//!
//! A plugin may be faulty, or built by hand. The host trusts nothing that it claims about its values: a name counts as text
//! only after a check, and a column has as many rows as it has values.

mod columns_of_plugins;

use abi_stable::std_types::{RSlice, RStr};
use session_plugin_api::abi::{
    capped,
    message::{Description, Processed},
};

pub use columns_of_plugins::{columns, parameters, raw};

/// The maximum length of a name, in bytes.
const MAX_NAME: usize = 1024;

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
