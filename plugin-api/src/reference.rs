//! Rows that come with a plugin and belong to no session.

use abi_stable::std_types::{RBox, RSlice, RStr};

use crate::{Result, Row, abi::RawReferenceSink_TO, connection::counted, rows::in_batches};

/// Takes the rows of a processor's reference tables, in
/// [`SessionProcessor::reference_rows`](crate::SessionProcessor::reference_rows).
pub struct ReferenceTables<'a> {
    sink: RawReferenceSink_TO<'a, RBox<()>>,
}

impl<'a> ReferenceTables<'a> {
    pub(crate) fn new(sink: RawReferenceSink_TO<'a, RBox<()>>) -> Self {
        Self { sink }
    }

    /// Adds rows to the new content of `table`, one of the descriptor's reference tables.
    ///
    /// Several calls for one table add up.
    ///
    /// # Errors
    /// Fails if the descriptor does not declare the table, or if the rows of all tables exceed 64 MiB. The host then rejects
    /// the plugin, even if the processor ignores the error.
    pub fn replace<R: Row>(&mut self, table: &str, rows: impl IntoIterator<Item = R>) -> Result<()> {
        in_batches(rows, |columns| {
            let reply = self.sink.replace(RStr::from_str(table), RSlice::from_slice(columns));
            counted(reply).map(drop)
        })
    }
}
