//! A column of values, in the form in which plugins and the state exchange rows.

use session_plugin_api::abi::ValueKind;

/// The values of one column, borrowed from whoever made them.
///
/// Its parts fit each other: what a plugin hands over is checked by [`crossing`](crate::crossing) before it becomes one, and
/// the state makes those of its own results.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
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
