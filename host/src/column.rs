//! A column of values, in the form in which plugins and the state exchange rows.

use session_plugin_api::abi::ValueKind;

/// The borrowed values of one column.
///
/// Its parts are consistent: [`abi_checks`](crate::abi_checks) checks the columns of plugins, and the state builds the columns
/// of its own results.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// Its name; empty if its position identifies it.
    pub name: &'a str,
    /// The kind of its values.
    pub kind: ValueKind,
    /// How many rows it has.
    pub rows: usize,
    /// One byte a row, 0 for null; empty if no value is null.
    pub validity: &'a [u8],
    /// One number a row, for the kinds that consist of integers.
    pub integers: &'a [i64],
    /// One number a row, for floats.
    pub floats: &'a [f64],
    /// All values, concatenated, for texts and blobs.
    pub bytes: &'a [u8],
    /// `rows + 1` ascending offsets into `bytes`, for texts and blobs.
    pub offsets: &'a [i32],
}

impl<'a> Column<'a> {
    /// The bytes of all texts or blobs, without what may follow the last.
    #[must_use]
    pub fn piece_bytes(&self) -> &'a [u8] {
        let end = self.offsets.last().and_then(|end| usize::try_from(*end).ok());
        &self.bytes[..end.unwrap_or(0)]
    }
}
