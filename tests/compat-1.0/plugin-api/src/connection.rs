//! The processor's way to the host's database, scoped to one attempt.

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
    rows::{Batch, ColumnBuffer},
};

/// The host's DuckDB, scoped to this attempt: what is written commits together with the session's state, or not at all.
pub struct Connection<'a> {
    attempt: &'a RawAttempt_TO<'a, RBox<()>>,
}

/// A parameter of a statement: any [`Value`].
pub trait Parameter {
    /// The value as a column of one row.
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

    /// Adds rows to those that replace the session's earlier ones in `table`, one of the descriptor's session tables.
    ///
    /// Several calls for one table add up. Nothing is written before the attempt has succeeded.
    ///
    /// # Errors
    /// When the table is not declared, or a column is missing from it or of another type. The attempt fails then, also
    /// when the error is not passed on.
    pub fn replace<R: Row>(&self, table: &str, rows: impl IntoIterator<Item = R>) -> Result<()> {
        let mut batch = Batch::of::<R>();
        for row in rows {
            batch.push(&row);
            if batch.is_large() {
                self.send(table, &batch)?;
                batch.clear();
            }
        }
        self.send(table, &batch)
    }

    fn send(&self, table: &str, batch: &Batch) -> Result<()> {
        let columns = batch.as_raw()?;
        let reply = self
            .attempt
            .replace(RStr::from_str(table), RSlice::from_slice(&columns));
        counted(reply).map(drop)
    }

    /// Runs one `INSERT`, `UPDATE`, `DELETE` or `MERGE` and gives the number of rows that it changed.
    ///
    /// The first call of an attempt waits until the processor's earlier sessions are committed and opens a transaction;
    /// a write conflict runs the whole attempt again.
    ///
    /// # Errors
    /// What the database says. The attempt fails then, also when the error is not passed on.
    pub fn execute(&self, sql: &str, parameters: &[&dyn Parameter]) -> Result<u64> {
        let columns = parameter_columns(parameters);
        let raw: Vec<RawColumn<'_>> = columns.iter().map(|column| column.as_raw("")).collect();
        counted(self.attempt.execute(RStr::from_str(sql), RSlice::from_slice(&raw)))
    }

    /// Runs one query. It sees what the attempt has written with [`execute`](Self::execute).
    ///
    /// # Errors
    /// What the database says. The attempt fails then, also when the error is not passed on.
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

fn counted(reply: RawReply) -> Result<u64> {
    match reply {
        RResult::ROk(rows) => Ok(rows),
        RResult::RErr(bytes) => Err(match message::decode::<message::Fault>(&bytes) {
            Ok(fault) => Error::new(fault.message),
            Err(error) => Error::from(error).context("read the host's answer"),
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
