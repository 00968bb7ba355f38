//! Rows on their way across the border: borrowed columns, no allocation per value.

use abi_stable::{
    StableAbi,
    std_types::{RSlice, RStr},
};

use super::RawReply;

/// What the values of a [`RawColumn`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ValueKind {
    /// Every value is null; no values are carried.
    Null = 0,
    /// `integers`, 0 or 1.
    Boolean = 1,
    /// `integers`.
    Integer = 2,
    /// `floats`.
    Float = 3,
    /// `bytes` cut by `offsets`, UTF-8.
    Text = 4,
    /// `integers`, microseconds since the epoch, UTC.
    Timestamp = 5,
    /// `bytes` cut by `offsets`.
    Blob = 6,
}

impl ValueKind {
    /// The kind that a [`RawColumn::kind`] stands for; `None` for one that this version does not know.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Null,
            1 => Self::Boolean,
            2 => Self::Integer,
            3 => Self::Float,
            4 => Self::Text,
            5 => Self::Timestamp,
            6 => Self::Blob,
            _ => return None,
        })
    }
}

/// One column of a batch of rows, borrowed from the side that made it for the length of the call.
///
/// Which of the slices carries the values depends on `kind`; the others are empty.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct RawColumn<'a> {
    /// The column's name; empty where the position tells (parameters).
    pub name: RStr<'a>,
    /// A [`ValueKind`], as its number.
    pub kind: u8,
    /// How many rows the column has.
    pub rows: usize,
    /// One byte a row, 0 for null; empty when no value is null.
    pub validity: RSlice<'a, u8>,
    /// One number a row, for the kinds that are made of integers.
    pub integers: RSlice<'a, i64>,
    /// One number a row, for [`ValueKind::Float`].
    pub floats: RSlice<'a, f64>,
    /// All values one behind the other, for [`ValueKind::Text`] and [`ValueKind::Blob`].
    pub bytes: RSlice<'a, u8>,
    /// `rows + 1` ascending places in `bytes`: value `i` lies between `offsets[i]` and `offsets[i + 1]`.
    pub offsets: RSlice<'a, i32>,
}

/// Takes the result of a query, batch by batch.
#[abi_stable::sabi_trait]
pub trait RawBatchSink {
    /// Takes the next rows: columns of equal length, borrowed for this call alone.
    #[sabi(last_prefix_field)]
    fn take(&mut self, columns: RSlice<'_, RawColumn<'_>>) -> RawReply;
}
