//! Rows that come with a plugin and belong to no session.

use abi_stable::std_types::{RBox, RSlice, RStr};

use crate::{Result, Row, abi::RawReferenceSink_TO, connection::counted, rows::in_batches};

/// Where a processor puts the rows of its reference tables, in
/// [`SessionProcessor::reference_rows`](crate::SessionProcessor::reference_rows).
pub struct ReferenceTables<'a> {
    sink: RawReferenceSink_TO<'a, RBox<()>>,
}

impl<'a> ReferenceTables<'a> {
    pub(crate) fn new(sink: RawReferenceSink_TO<'a, RBox<()>>) -> Self {
        Self { sink }
    }

    /// Adds rows to those that replace the earlier ones in `table`, one of the descriptor's reference tables.
    ///
    /// Several calls for one table add up.
    ///
    /// # Errors
    /// When the table is not declared, or the rows are too many. The plugin is refused then, also when the error is not
    /// passed on.
    pub fn replace<R: Row>(&mut self, table: &str, rows: impl IntoIterator<Item = R>) -> Result<()> {
        in_batches(rows, |columns| {
            let reply = self.sink.replace(RStr::from_str(table), RSlice::from_slice(columns));
            counted(reply).map(drop)
        })
    }
}
