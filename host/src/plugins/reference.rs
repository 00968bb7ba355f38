//! Receives the rows of reference tables from a plugin.

use abi_stable::std_types::{RResult, RSlice, RStr, RVec};
use session_plugin_api::abi::{
    RawColumn, RawReferenceSink, RawReply,
    message::{Fault, encode},
};

use crate::{
    crossing::{self, Malformed},
    state::{ReferenceRows, RowsRefused},
};

/// The rows handed over so far, or why some were rejected. The fault is kept, because the plugin may ignore it.
pub(super) struct Gathered(Result<ReferenceRows, Fault>);

/// Why rows were rejected.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Refused(#[from] RowsRefused),
}

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

impl RawReferenceSink for &mut Gathered {
    fn replace(&mut self, table: RStr<'_>, columns: RSlice<'_, RawColumn<'_>>) -> RawReply {
        let added = match &mut self.0 {
            Ok(rows) => add(rows, table, columns),
            Err(fault) => return RResult::RErr(RVec::from(encode(fault))),
        };
        match added {
            Ok(rows) => RResult::ROk(rows as u64),
            Err(error) => {
                let fault = Fault::error(error.to_string());
                let answer = RVec::from(encode(&fault));
                self.0 = Err(fault);
                RResult::RErr(answer)
            }
        }
    }
}

fn add(rows: &mut ReferenceRows, table: RStr<'_>, columns: RSlice<'_, RawColumn<'_>>) -> Result<usize, NotTaken> {
    let table = crossing::name(table, "the name of a table")?;
    let columns = crossing::columns(columns)?;
    rows.add(table, &columns)?;
    Ok(columns.first().map_or(0, |column| column.rows))
}
