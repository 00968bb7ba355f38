//! The requests of an attempt, made by a worker process over its link to the host.
//!
//! # Threads
//! Any thread of the plugin may ask how long the attempt may continue. One thread at a time waits for an answer.

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use abi_stable::std_types::{RResult, RSlice, RStr, RVec};
use session_plugin_api::abi::{
    RawColumn, RawReferenceSink, RawReply,
    message::{Fault, decode, encode},
};

use super::call::{Cancel, Refusal, Requests, TakeRows};
use crate::{
    abi_checks,
    column::Column,
    names::SessionKey,
    process,
    state::{FilledTable, PendingRows},
    workers::{
        Incoming, LinkError, Outgoing, WaitingRows,
        protocol::{Report, Request, WireColumn, WireRows},
    },
};

/// The host does not keep to the protocol.
pub(super) fn out_of_step() -> LinkError {
    LinkError::Io(io::Error::new(io::ErrorKind::InvalidData, "the host is out of step"))
}

/// Locks one half of the link.
pub(super) fn lock<T>(half: &Mutex<T>) -> MutexGuard<'_, T> {
    half.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A question to the host, and its answer. One thread asks at a time.
#[derive(Clone, Copy)]
pub(super) struct Conversation<'a> {
    pub(super) incoming: &'a Mutex<Incoming>,
    pub(super) outgoing: &'a Mutex<Outgoing>,
}

impl Conversation<'_> {
    /// Asks the host. Rows on the way to the answer go to `take`.
    fn ask(&self, report: &Report<'_>, take: &mut TakeRows<'_>) -> Result<u64, Fault> {
        answered(self.try_ask(&mut lock(self.incoming), report, take))
    }

    /// Asks the host, unless another thread is waiting for an answer.
    fn ask_unless_busy(&self, report: &Report<'_>) -> Option<u64> {
        let mut incoming = self.incoming.try_lock().ok()?;
        answered(self.try_ask(&mut incoming, report, &mut |_| Ok(()))).ok()
    }

    fn try_ask(
        &self,
        incoming: &mut Incoming,
        report: &Report<'_>,
        take: &mut TakeRows<'_>,
    ) -> Result<Result<u64, Fault>, LinkError> {
        lock(self.outgoing).send(report)?;
        loop {
            let frame = incoming.receive()?;
            match frame.message()? {
                Request::Answer(Ok(rows)) => return Ok(Ok(rows)),
                Request::Answer(Err(fault)) => {
                    let unreadable = |error| Fault::error(format!("the host's answer cannot be read: {error}"));
                    return Ok(Err(decode(fault).unwrap_or_else(unreadable)));
                }
                Request::Rows(columns) => {
                    let raw = WireColumn::unchecked(&columns);
                    let columns = abi_checks::columns(RSlice::from_slice(&raw)).map_err(|_| out_of_step())?;
                    let taken = take(&columns).is_ok();
                    lock(self.outgoing).send(&Report::Taken(taken))?;
                }
                _ => return Err(out_of_step()),
            }
            incoming.recycle(frame);
        }
    }
}

/// An answer of the host. Without the host there is nobody to work for, and the plugin could go on for ever.
fn answered(answer: Result<Result<u64, Fault>, LinkError>) -> Result<u64, Fault> {
    answer.unwrap_or_else(|_| process::end_at_once(1))
}

/// Asks the host how long the attempt may continue. While another thread waits for an answer, the deadline at the beginning
/// of the attempt counts.
pub(super) struct CancelOverLink<'a> {
    conversation: Conversation<'a>,
    deadline: Instant,
}

impl<'a> CancelOverLink<'a> {
    /// For an attempt that has so many nanoseconds left.
    pub(super) fn new(conversation: Conversation<'a>, time_left: u64) -> Self {
        Self {
            conversation,
            deadline: Instant::now() + Duration::from_nanos(time_left.min(LONGEST)),
        }
    }
}

impl Cancel for CancelOverLink<'_> {
    fn time_left(&self) -> Duration {
        match self.conversation.ask_unless_busy(&Report::TimeLeft) {
            Some(nanoseconds) => Duration::from_nanos(nanoseconds),
            None => self.deadline.saturating_duration_since(Instant::now()),
        }
    }

    fn is_cancelled(&self) -> bool {
        match self.conversation.ask_unless_busy(&Report::IsCancelled) {
            Some(answer) => answer != 0,
            None => self.deadline <= Instant::now(),
        }
    }
}

/// The longest time until a deadline, in nanoseconds: a century.
const LONGEST: u64 = 100 * 365 * 24 * 3600 * 1_000_000_000;

/// The requests of an attempt, made over the link.
///
/// Rows that fit wait for the next request or for the end of the attempt, and cost no round trip of their own. The host
/// answers for all others.
pub(super) struct RequestsOverLink<'a> {
    pub(super) conversation: Conversation<'a>,
    pub(super) rows: &'a mut WaitingRows,
    /// What rows must fit; `None` if only the host knows.
    pub(super) destination: Option<RowsDestination<'a>>,
}

/// Where the rows of an attempt go.
#[derive(Clone, Copy)]
pub(super) struct RowsDestination<'a> {
    pub(super) tables: &'a [Arc<FilledTable>],
    pub(super) session: &'a SessionKey,
}

impl RowsDestination<'_> {
    /// How many rows these are, if they fit. The host makes the same check.
    fn fitting(self, table: &str, columns: &[Column<'_>]) -> Option<u64> {
        let fit = PendingRows::fit(self.tables, table, self.session, columns);
        fit.then(|| columns.first().map_or(0, |column| column.rows as u64))
    }
}

impl RequestsOverLink<'_> {
    /// Passes on the rows that wait, with the next message.
    pub(super) fn pass_rows(&mut self) {
        match self.rows.pass() {
            Ok(None) => {}
            Ok(Some(length)) => {
                let put_off = lock(self.conversation.outgoing).put_off(&Report::Replaced(length));
                put_off.unwrap_or_else(|_| process::end_at_once(1));
            }
            Err(error) => drop(self.refuse(not_passed(error))),
        }
    }

    fn try_replace(&mut self, table: &str, columns: &[Column<'_>]) -> Result<u64, NotReplaced> {
        let wire = WireRows {
            table,
            columns: WireColumn::of(columns),
        };
        self.rows.add(&wire).map_err(not_passed)?;
        let destination = self.destination.filter(|_| !self.rows.are_many());
        if let Some(rows) = destination.and_then(|destination| destination.fitting(table, columns)) {
            return Ok(rows);
        }
        let length = self.rows.pass().map_err(not_passed)?.unwrap_or_default();
        Ok(self.conversation.ask(&Report::Replace(length), &mut |_| Ok(()))?)
    }
}

/// Why rows are not replaced.
enum NotReplaced {
    Refused(Refusal),
    Fault(Fault),
}

impl From<Refusal> for NotReplaced {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for NotReplaced {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn not_passed(error: impl fmt::Display) -> Refusal {
    Refusal::MalformedInWorker(format!("cannot pass the rows to the host: {error}"))
}

impl Requests for RequestsOverLink<'_> {
    fn replace(&mut self, table: &str, columns: &[Column<'_>]) -> Result<u64, Fault> {
        self.try_replace(table, columns).map_err(|error| match error {
            NotReplaced::Refused(refusal) => self.refuse(refusal),
            NotReplaced::Fault(fault) => fault,
        })
    }

    fn execute(&mut self, sql: &str, parameters: &[Column<'_>]) -> Result<u64, Fault> {
        self.pass_rows();
        let parameters = WireColumn::of(parameters);
        self.conversation
            .ask(&Report::Execute { sql, parameters }, &mut |_| Ok(()))
    }

    fn query(&mut self, sql: &str, parameters: &[Column<'_>], take: &mut TakeRows<'_>) -> Result<u64, Fault> {
        self.pass_rows();
        let parameters = WireColumn::of(parameters);
        self.conversation.ask(&Report::Query { sql, parameters }, take)
    }

    fn refuse(&mut self, refusal: Refusal) -> Fault {
        self.pass_rows();
        let text = refusal.to_string();
        match self.conversation.ask(&Report::Malformed(&text), &mut |_| Ok(())) {
            Ok(_) => Fault::error(text),
            Err(fault) => fault,
        }
    }
}

/// Takes the rows of reference tables.
pub(super) struct ReferenceSink<'a, 'b>(pub(super) &'a mut RequestsOverLink<'b>);

impl RawReferenceSink for ReferenceSink<'_, '_> {
    fn replace(&mut self, table: RStr<'_>, columns: RSlice<'_, RawColumn<'_>>) -> RawReply {
        let replaced = abi_checks::name(table, "the name of a table")
            .and_then(|table| Ok((table, abi_checks::columns(columns)?)))
            .map_err(|malformed| self.0.refuse(malformed.into()))
            .and_then(|(table, columns)| self.0.replace(table, &columns));
        match replaced {
            Ok(rows) => RResult::ROk(rows),
            Err(fault) => RResult::RErr(RVec::from(encode(&fault))),
        }
    }
}

#[cfg(test)]
mod tests;
