//! An attempt as the code of a plugin sees it, across the ABI boundary.
//!
//! Everything that the plugin passes is checked here by [`abi_checks`], and goes on as the host's own values. No panic of the
//! host crosses the boundary.

use std::{
    cell::RefCell,
    os::unix::ffi::OsStrExt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use abi_stable::{
    erased_types::TD_Opaque,
    std_types::{RBox, RResult, RSlice, RStr, RVec},
};
use session_plugin_api::abi::{
    RawAttempt, RawBatchSink_TO, RawCancellation, RawCancellation_TO, RawColumn, RawReply,
    message::{Fault, encode},
};

use super::call::{Call, Cancel, Refusal, Requests};
use crate::{
    abi_checks::{self, Malformed},
    column::Column,
    state::NotTaken,
};

const STATEMENT: &str = "the statement";

/// An attempt as the plugin sees it.
pub(super) struct View<'a> {
    call: &'a Call<'a>,
    /// A call from within the rows of a query finds it borrowed, and fails.
    requests: RefCell<&'a mut dyn Requests>,
}

/// Why a request has no result.
enum Failed {
    /// It cannot be made.
    Refused(Malformed),
    /// It was made, and failed.
    Fault(Fault),
}

impl From<Malformed> for Failed {
    fn from(error: Malformed) -> Self {
        Self::Refused(error)
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<'a> View<'a> {
    pub(super) fn new(call: &'a Call<'a>, requests: &'a mut dyn Requests) -> Self {
        Self {
            call,
            requests: RefCell::new(requests),
        }
    }

    fn answer(&self, request: impl FnOnce(&mut dyn Requests) -> Result<u64, Failed>) -> RawReply {
        let result = catch_unwind(AssertUnwindSafe(|| request(&mut **self.requests.borrow_mut())));
        let fault = match result {
            Ok(Ok(rows)) => return RResult::ROk(rows),
            Ok(Err(Failed::Fault(fault))) => fault,
            Ok(Err(Failed::Refused(malformed))) => self.refuse(malformed.into()),
            Err(_) => self.refuse(Refusal::HostPanicked),
        };
        RResult::RErr(RVec::from(encode(&fault)))
    }

    fn refuse(&self, refusal: Refusal) -> Fault {
        match self.requests.try_borrow_mut() {
            Ok(mut requests) => requests.refuse(refusal),
            // The outer request fails the attempt.
            Err(_) => Fault::error(refusal.to_string()),
        }
    }
}

impl RawAttempt for View<'_> {
    fn path(&self) -> RSlice<'_, u8> {
        RSlice::from_slice(self.call.path.as_os_str().as_bytes())
    }

    fn username(&self) -> RStr<'_> {
        RStr::from_str(self.call.username)
    }

    fn session_key(&self) -> RStr<'_> {
        RStr::from_str(self.call.session.as_str())
    }

    fn modified(&self) -> i64 {
        self.call.modified
    }

    fn file_hash(&self) -> RStr<'_> {
        RStr::from_str(self.call.hash.as_str())
    }

    fn bytes(&self) -> RSlice<'_, u8> {
        RSlice::from_slice(self.call.bytes.as_slice())
    }

    fn run(&self) -> u64 {
        self.call.run
    }

    fn replace(&self, table: RStr<'_>, columns: RSlice<'_, RawColumn<'_>>) -> RawReply {
        self.answer(|requests| {
            let table = abi_checks::name(table, "the name of a table")?;
            Ok(requests.replace(table, &abi_checks::columns(columns)?)?)
        })
    }

    fn execute(&self, sql: RStr<'_>, parameters: RSlice<'_, RawColumn<'_>>) -> RawReply {
        self.answer(|requests| {
            let sql = abi_checks::text(sql, STATEMENT)?;
            Ok(requests.execute(sql, &abi_checks::parameters(parameters)?)?)
        })
    }

    fn query(
        &self,
        sql: RStr<'_>,
        parameters: RSlice<'_, RawColumn<'_>>,
        mut sink: RawBatchSink_TO<'_, RBox<()>>,
    ) -> RawReply {
        self.answer(|requests| {
            let sql = abi_checks::text(sql, STATEMENT)?;
            let mut take = |columns: &[Column<'_>]| {
                let columns: Vec<RawColumn<'_>> = columns.iter().map(abi_checks::raw).collect();
                match sink.take(RSlice::from_slice(&columns)) {
                    // What the plugin says of their number is not believed.
                    RResult::ROk(_) => Ok(()),
                    RResult::RErr(_) => Err(NotTaken),
                }
            };
            Ok(requests.query(sql, &abi_checks::parameters(parameters)?, &mut take)?)
        })
    }

    fn cancellation(&self) -> RawCancellation_TO<'_, RBox<()>> {
        RawCancellation_TO::from_value(Cancelling(self.call.cancel), TD_Opaque)
    }
}

/// How long the attempt may continue, as the plugin sees it.
struct Cancelling<'a>(&'a dyn Cancel);

impl RawCancellation for Cancelling<'_> {
    fn time_left(&self) -> u64 {
        u64::try_from(self.0.time_left().as_nanos()).unwrap_or(u64::MAX)
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}
