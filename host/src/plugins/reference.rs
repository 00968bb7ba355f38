//! Receives the rows of reference tables from a plugin.

use abi_stable::std_types::{RResult, RSlice, RStr, RVec};
use session_plugin_api::abi::{
    RawColumn, RawReferenceSink, RawReply,
    message::{Fault, encode},
};

use crate::{abi_checks, column::Column, state::ReferenceRows};

/// The rows handed over so far, or why some were rejected. The fault is kept, because the plugin may ignore it.
pub(super) struct Gathered(Result<ReferenceRows, Fault>);

impl Gathered {
    /// Without rows yet, for the tables that the processor declares.
    pub(super) fn of(declared: &[String]) -> Self {
        Self(Ok(ReferenceRows::of(declared)))
    }

    /// All rows.
    ///
    /// # Errors
    /// When some rows were rejected.
    pub(super) fn into_rows(self) -> Result<ReferenceRows, Fault> {
        self.0
    }
}

impl Gathered {
    /// Adds rows to a table.
    pub(super) fn add(&mut self, table: &str, columns: &[Column<'_>]) -> Result<u64, Fault> {
        let added = match &mut self.0 {
            Ok(rows) => rows.add(table, columns),
            Err(fault) => return Err(fault.clone()),
        };
        match added {
            Ok(()) => Ok(columns.first().map_or(0, |column| column.rows as u64)),
            Err(error) => Err(self.fail(Fault::error(error.to_string()))),
        }
    }

    /// Fails the whole, because of this fault unless an earlier one did.
    pub(super) fn fail(&mut self, fault: Fault) -> Fault {
        if self.0.is_ok() {
            self.0 = Err(fault.clone());
        }
        fault
    }
}

impl RawReferenceSink for &mut Gathered {
    fn replace(&mut self, table: RStr<'_>, columns: RSlice<'_, RawColumn<'_>>) -> RawReply {
        let checked = abi_checks::name(table, "the name of a table")
            .and_then(|table| Ok((table, abi_checks::columns(columns)?)))
            .map_err(|malformed| self.fail(Fault::error(malformed.to_string())));
        match checked.and_then(|(table, columns)| self.add(table, &columns)) {
            Ok(rows) => RResult::ROk(rows),
            Err(fault) => RResult::RErr(RVec::from(encode(&fault))),
        }
    }
}
