//! The host's database, for the length of one attempt.

use abi_stable::{
    erased_types::TD_Opaque,
    std_types::{RBox, RResult, RSlice, RStr, RVec},
};

use crate::{
    Error, Result, Row, Value,
    abi::{
        RawAttempt_TO, RawBatchSink, RawBatchSink_TO, RawColumn, RawReply,
        message::{self, Outcome},
    },
    export::guard::guarded,
    records::Records,
    rows::{ColumnBuffer, in_batches},
};

/// The host's DuckDB, for this attempt. The attempt's writes commit together with the session's state row, or not at
/// all.
pub struct Connection<'a> {
    attempt: &'a RawAttempt_TO<'a, RBox<()>>,
}

/// A parameter of a statement: any [`Value`].
pub trait Parameter {
    /// The value, as a column of one row.
    fn to_column(&self) -> ColumnBuffer;
}

impl<V: Value> Parameter for V {
    fn to_column(&self) -> ColumnBuffer {
        let mut column = ColumnBuffer::new(V::KIND);
        self.append_to(&mut column);
        column
    }
}

impl<'a> Connection<'a> {
    pub(crate) fn new(attempt: &'a RawAttempt_TO<'a, RBox<()>>) -> Self {
        Self { attempt }
    }

    /// Adds rows to the session's new content of `table`, one of the descriptor's session tables.
    ///
    /// The new rows replace the session's earlier rows. Several calls for one table add up. The host writes nothing before
    /// the attempt has succeeded.
    ///
    /// # Errors
    /// Fails if the descriptor does not declare the table, or if the table lacks a column or has it with another type. The
    /// attempt then fails, even if the processor ignores the error.
    pub fn replace<R: Row>(&self, table: &str, rows: impl IntoIterator<Item = R>) -> Result<()> {
        in_batches(rows, |columns| {
            let reply = self.attempt.replace(RStr::from_str(table), RSlice::from_slice(columns));
            counted(reply).map(drop)
        })
    }

    /// Runs one `INSERT`, `UPDATE`, `DELETE` or `MERGE` and returns the number of rows that it changed.
    ///
    /// The attempt's first call of `execute` or `query` waits until the processor's earlier sessions are committed,
    /// then opens a transaction. After a write conflict the host repeats the complete attempt, at most three times.
    ///
    /// # Errors
    /// Fails if the host refuses the statement or the database reports an error. The attempt then fails, even if the
    /// processor ignores the error.
    pub fn execute(&self, sql: &str, parameters: &[&dyn Parameter]) -> Result<u64> {
        let columns = parameter_columns(parameters);
        let raw: Vec<RawColumn<'_>> = columns.iter().map(|column| column.as_raw("")).collect();
        counted(self.attempt.execute(RStr::from_str(sql), RSlice::from_slice(&raw)))
    }

    /// Runs one query. It sees the attempt's changes through [`execute`](Self::execute), but not the rows of
    /// [`replace`](Self::replace).
    ///
    /// In a [serial](crate::Descriptor::serial) processor, a query before the first `execute` keeps no transaction open.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub fn query(&self, sql: &str, parameters: &[&dyn Parameter]) -> Result<Records> {
        let columns = parameter_columns(parameters);
        let raw: Vec<RawColumn<'_>> = columns.iter().map(|column| column.as_raw("")).collect();
        let mut records = Records::default();
        let sink = RawBatchSink_TO::from_value(Gather(&mut records), TD_Opaque);
        counted(self.attempt.query(RStr::from_str(sql), RSlice::from_slice(&raw), sink))?;
        Ok(records)
    }
}

fn parameter_columns(parameters: &[&dyn Parameter]) -> Vec<ColumnBuffer> {
    parameters.iter().map(|parameter| parameter.to_column()).collect()
}

/// The host's answer: the number of rows, or the error.
pub(crate) fn counted(reply: RawReply) -> Result<u64> {
    match reply {
        RResult::ROk(rows) => Ok(rows),
        RResult::RErr(bytes) => Err(match message::decode::<message::Fault>(&bytes) {
            Ok(fault) => Error::new(fault.message),
            Err(error) => Error::from(error).context("cannot read the host's answer"),
        }),
    }
}

struct Gather<'a>(&'a mut Records);

impl RawBatchSink for Gather<'_> {
    fn take(&mut self, columns: RSlice<'_, RawColumn<'_>>) -> RawReply {
        match guarded(|| self.0.extend_from_raw(columns.as_slice())) {
            Outcome::Returned(rows) => RResult::ROk(rows),
            Outcome::Failed(fault) => RResult::RErr(RVec::from(message::encode(&fault))),
        }
    }
}
