//! What plugins hand over, checked before it is used: lengths, addresses, text.
//!
//! A plugin may be wrong, or built by hand. Nothing that it says of its values is believed: a name is text when it was
//! found to be, a column has as many rows as it has values.

use abi_stable::std_types::{RSlice, RStr};
use session_plugin_api::abi::{
    RawColumn, ValueKind,
    message::{Description, Processed, capped},
};

/// How long a name may be, in bytes.
const MAX_NAME: usize = 1024;

/// How many rows a batch may have whose columns hold nothing but null, and so no value that proves them.
const MAX_ROWS_OF_NULLS: usize = 1 << 20;

/// What a plugin handed over does not fit.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// A text is no UTF-8.
    #[error("{what} is no UTF-8 text: {text}")]
    NoText {
        /// What the text is.
        what: &'static str,
        /// The text, as far as it is one.
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
    /// A slice has no memory.
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
    /// A column has another number of values than of rows.
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
    /// A column's offsets are none.
    #[error("column `{column}` has offsets that do not ascend within its {bytes} bytes")]
    Offsets {
        /// The column.
        column: String,
        /// How many bytes it has.
        bytes: usize,
    },
    /// A batch without values claims too many rows.
    #[error("column `{column}` says that it has {rows} rows, and no value of the batch proves it")]
    Unproven {
        /// The first column.
        column: String,
        /// How many rows it claims.
        rows: usize,
    },
    /// A count is none.
    #[error("the result counts {counted} {what}, more than {MAX_ITEMS}")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        counted: u64,
    },
    /// A parameter has not one row.
    #[error("parameter {place} has {rows} rows, not one")]
    Parameter {
        /// Its place, from 1.
        place: usize,
        /// How many rows it has.
        rows: usize,
    },
}

/// How many unreadable lines of a session are named.
const NAMED_LINES: usize = 10;

/// How many items a session may give, and lines it may have: sums of it over all sessions are still numbers.
const MAX_ITEMS: u64 = 1 << 48;

/// A column whose parts fit each other.
#[derive(Clone, Copy, Debug)]
pub struct CheckedColumn<'a> {
    /// Its name; empty where the place tells.
    pub name: &'a str,
    /// The kind of its values.
    pub kind: ValueKind,
    /// How many rows it has.
    pub rows: usize,
    /// One byte a row, 0 for null; empty when no value is null.
    pub validity: &'a [u8],
    /// One number a row, for the kinds that are made of integers.
    pub integers: &'a [i64],
    /// One number a row, for floats.
    pub floats: &'a [f64],
    /// All values one behind the other, for texts and blobs.
    pub bytes: &'a [u8],
    /// `rows + 1` ascending places in `bytes`, for texts and blobs.
    pub offsets: &'a [i32],
}

/// A short text, such as a name.
///
/// # Errors
/// When it is no text, or too long to be a name.
pub fn name<'a>(raw: RStr<'a>, what: &'static str) -> Result<&'a str, Malformed> {
    short(raw.len(), what)?;
    text(raw, what)
}

/// A text of any length.
///
/// # Errors
/// When it is no UTF-8.
pub fn text<'a>(raw: RStr<'a>, what: &'static str) -> Result<&'a str, Malformed> {
    let bytes = slice(raw.as_rslice(), || format!("bytes of {what}"))?;
    std::str::from_utf8(bytes).map_err(|_| Malformed::NoText {
        what,
        text: capped(bytes),
    })
}

/// A text for people: what is no UTF-8 is replaced, and of a long one the beginning is kept.
#[must_use]
pub fn words(raw: RStr<'_>) -> String {
    slice(raw.as_rslice(), String::new).map(capped).unwrap_or_default()
}

/// The columns of a batch, each with as many values as the first has rows.
///
/// # Errors
/// When the parts of a column do not fit each other.
pub fn columns<'a>(raw: RSlice<'a, RawColumn<'a>>) -> Result<Vec<CheckedColumn<'a>>, Malformed> {
    let raw = slice(raw, || "columns".to_owned())?;
    let columns: Vec<CheckedColumn<'a>> = raw.iter().map(CheckedColumn::new).collect::<Result<_, _>>()?;
    match columns.first() {
        Some(CheckedColumn { name, rows, .. })
            if *rows > MAX_ROWS_OF_NULLS && columns.iter().all(CheckedColumn::is_of_nulls) =>
        {
            Err(Malformed::Unproven {
                column: (*name).to_owned(),
                rows: *rows,
            })
        }
        _ => Ok(columns),
    }
}

/// The parameters of a statement: columns of one row, whose parts fit each other.
///
/// # Errors
/// When they do not, or a parameter has not one row.
pub fn parameters<'a>(raw: RSlice<'a, RawColumn<'a>>) -> Result<&'a [RawColumn<'a>], Malformed> {
    let raw = slice(raw, || "parameters".to_owned())?;
    for (place, column) in (1..).zip(raw) {
        let CheckedColumn { rows, .. } = CheckedColumn::new(column)?;
        if rows != 1 {
            return Err(Malformed::Parameter { place, rows });
        }
    }
    Ok(raw)
}

/// What a plugin says that came of a session.
///
/// # Errors
/// When nothing can have so many.
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

/// Checks the names of what a processor says of itself.
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

impl<'a> CheckedColumn<'a> {
    fn new(raw: &RawColumn<'a>) -> Result<Self, Malformed> {
        let name = name(raw.name, "the name of a column")?;
        let of = |what: &'static str| move || format!("{what} of column `{name}`");
        let kind = ValueKind::from_number(raw.kind).ok_or_else(|| Malformed::Kind {
            column: name.to_owned(),
            kind: raw.kind,
        })?;
        let column = Self {
            name,
            kind,
            rows: raw.rows,
            validity: slice(raw.validity, of("validity marks"))?,
            integers: slice(raw.integers, of("integers"))?,
            floats: slice(raw.floats, of("floats"))?,
            bytes: slice(raw.bytes, of("bytes"))?,
            offsets: slice(raw.offsets, of("offsets"))?,
        };
        column.check()?;
        Ok(column)
    }

    fn check(&self) -> Result<(), Malformed> {
        if !self.validity.is_empty() {
            self.counts("validity marks", self.validity.len())?;
        }
        match self.kind {
            ValueKind::Null => Ok(()),
            ValueKind::Boolean | ValueKind::Integer | ValueKind::Timestamp => {
                self.counts("values", self.integers.len())
            }
            ValueKind::Float => self.counts("values", self.floats.len()),
            ValueKind::Text | ValueKind::Blob => {
                self.counts("values", self.offsets.len().saturating_sub(1))?;
                self.offsets_fit()
            }
        }
    }

    fn counts(&self, what: &'static str, found: usize) -> Result<(), Malformed> {
        match found == self.rows {
            true => Ok(()),
            false => Err(Malformed::Count {
                column: self.name.to_owned(),
                what,
                found,
                rows: self.rows,
            }),
        }
    }

    fn offsets_fit(&self) -> Result<(), Malformed> {
        let end = self.offsets.last().and_then(|end| usize::try_from(*end).ok());
        let fits = self.offsets.first() == Some(&0)
            && self.offsets.is_sorted()
            && end.is_some_and(|end| end <= self.bytes.len());
        match fits {
            true => Ok(()),
            false => Err(Malformed::Offsets {
                column: self.name.to_owned(),
                bytes: self.bytes.len(),
            }),
        }
    }

    fn is_of_nulls(&self) -> bool {
        self.kind == ValueKind::Null && self.validity.is_empty()
    }
}

fn short(length: usize, what: &'static str) -> Result<(), Malformed> {
    match length <= MAX_NAME {
        true => Ok(()),
        false => Err(Malformed::TooLong { what, length }),
    }
}

/// The slice, if its address and length can be those of one.
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
