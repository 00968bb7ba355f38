//! The call of a processor, wherever its code runs: what it is told, and what it may ask of the host.

use std::{path::Path, time::Duration};

use session_plugin_api::abi::message::Fault;

use super::hook::Hook;
use crate::{
    abi_checks::Malformed,
    column::Column,
    names::{FileHash, SessionKey},
    shared_memory::TranscriptSlice,
    state::{NotTaken, Seen},
    workers::{Ending, Killer},
};

/// What a processor is told about an attempt.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Where the transcript lies.
    pub path: &'a Path,
    /// The user that the session belongs to.
    pub username: &'a str,
    /// The session.
    pub session: &'a SessionKey,
    /// When the transcript was last written, in microseconds since the epoch.
    pub modified: i64,
    /// The MD5 of the file's bytes.
    pub hash: &'a FileHash,
    /// The snapshot.
    pub bytes: TranscriptSlice<'a>,
    /// The number by which the processor tells this run from others.
    pub run: u64,
    /// How long the attempt may continue.
    pub cancel: &'a dyn Cancel,
}

impl<'a> Call<'a> {
    /// The call for a version of a session.
    #[must_use]
    pub fn new(path: &'a Path, seen: &'a Seen, bytes: TranscriptSlice<'a>, run: u64, cancel: &'a dyn Cancel) -> Self {
        Self {
            path,
            username: &seen.username,
            session: &seen.session,
            modified: seen.modified.as_micros(),
            hash: &seen.hash,
            bytes,
            run,
            cancel,
        }
    }
}

/// Tells an attempt how long it may continue. A plugin may ask from any of its threads.
pub trait Cancel: Send + Sync {
    /// The time until the host ends or abandons the attempt.
    fn time_left(&self) -> Duration;

    /// Whether the attempt should stop.
    fn is_cancelled(&self) -> bool;
}

/// What a processor may ask of the host during an attempt.
///
/// The values are checked. An attempt fails when one of its requests failed, whatever the processor makes of the fault.
pub trait Requests {
    /// Replaces what the session gave to a table before. Returns the number of rows.
    ///
    /// # Errors
    /// When the rows do not fit the table.
    fn replace(&mut self, table: &str, columns: &[Column<'_>]) -> Result<u64, Fault>;

    /// Runs a statement. Returns the number of rows that it changed.
    ///
    /// # Errors
    /// When the statement is refused, or fails.
    fn execute(&mut self, sql: &str, parameters: &[Column<'_>]) -> Result<u64, Fault>;

    /// Runs a query, and passes its rows to `take`. Returns the number of rows.
    ///
    /// # Errors
    /// When the query is refused, or fails, or the rows are not taken.
    fn query(&mut self, sql: &str, parameters: &[Column<'_>], take: &mut TakeRows<'_>) -> Result<u64, Fault>;

    /// Fails the attempt because of a request that cannot be made. Returns the fault for the processor.
    fn refuse(&mut self, refusal: Refusal) -> Fault;
}

/// Whoever watches an attempt.
pub trait Watch {
    /// The attempt is made in a worker process, which this kills; `None` once it is no longer the attempt's.
    fn runs_in(&self, killer: Option<Killer>);

    /// Whether the attempt was abandoned.
    fn is_abandoned(&self) -> bool;
}

/// Takes the next rows of a query.
pub type TakeRows<'a> = dyn FnMut(&[Column<'_>]) -> Result<(), NotTaken> + 'a;

/// Why a request of a processor is not even made.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// What the processor passed is malformed.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A worker process found that it is malformed.
    #[error("{0}")]
    MalformedInWorker(String),
    /// The host panicked while it served the request.
    #[error("the host panicked, and its log says why; report the panic")]
    HostPanicked,
}

/// Why a call gave no result.
#[derive(Debug)]
pub enum CallError {
    /// There is nothing to call: no fresh instance can be made, or no worker started.
    NoInstance(Fault),
    /// The processor failed.
    Failed(Fault),
    /// What the processor returned is malformed.
    Malformed(Malformed),
    /// The worker process of the attempt ended.
    Ended(Ending),
}

impl CallError {
    /// The same, with the hook that failed.
    #[must_use]
    pub fn of_hook(self, hook: Hook) -> Self {
        match self {
            Self::Failed(fault) => Self::Failed(Fault {
                message: format!("the hook `{hook}`: {}", fault.message),
                ..fault
            }),
            error => error,
        }
    }
}

/// The result of a call.
pub type CallResult<T> = Result<T, CallError>;

/// Nothing ends the call.
pub struct Unending;

impl Cancel for Unending {
    fn time_left(&self) -> Duration {
        Duration::MAX
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}
