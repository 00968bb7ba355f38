//! One attempt: calls the processor with a transcript that was read, unless that is the recorded version.
//!
//! An attempt that loses a write conflict is repeated, alone on the lane. A key that is in its way again is its own. That, and
//! any other failure, is recorded for the session, unless the state is to blame: then the run ends, and nothing is recorded for
//! the session.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::SyncSender,
    time::Instant,
};

use session_plugin_api::{
    Concurrency,
    abi::message::{Fault, FaultKind},
};

use super::{
    cancellation::Cancellation,
    connection::{Connection, ConnectionError, HookConnection},
    context::RunContext,
    error::RunError,
    executor::Attempt,
    flight::{Flight, Killed, TimeOver},
    lane::Passage,
    limits::RunLimits,
    message::Message,
    outcome::{Outcome, failure},
    own_transaction::OwnTransaction,
    prepared::{Need, Prepared},
    shared_transaction::Recorded,
    tables::Tables,
};
use crate::{
    plugins::{CallError, Ending, Hook, Refusal, describe_fault},
    shared_memory::TranscriptSlice,
    state::{Conflict, Conflicts, Done, FailureKind, Judged, Seen},
};

/// Makes the attempt at a candidate; `None` if it was abandoned meanwhile, so that its result must not count.
pub(super) fn make(context: &RunContext, prepared: &Prepared) -> Option<Outcome> {
    let flight = &*prepared.flight;
    let transcript = &flight.candidate().transcript;
    match (&prepared.read, prepared.need()) {
        (Ok(read), Need::Attempt) => attempt(context, flight, &read.seen, read.snapshot.bytes.borrow()),
        (Ok(read), Need::Nothing) => flight.end().then(|| Outcome::Unchanged(read.seen.clone())),
        (Err(_), Need::Nothing) => flight.end().then_some(Outcome::Gone),
        (Err(error), Need::Attempt) => {
            let failure = failure(transcript, FailureKind::Error, error.to_string());
            flight.end().then_some(Outcome::Failed(failure))
        }
    }
}

fn attempt(context: &RunContext, flight: &Flight, seen: &Seen, bytes: TranscriptSlice<'_>) -> Option<Outcome> {
    let mut conflicts = Conflicts::among_hosts();
    loop {
        let passage = match conflicts.met() {
            0 => Passage::Together,
            _ => Passage::Alone,
        };
        let error = match pass(context, flight, seen, bytes, passage) {
            Ok(outcome) => return outcome,
            Err(error) => error,
        };
        let judged = conflicts.judge(error.conflict());
        context.tables.destination.encounters.add_judged(judged);
        if flight.is_abandoned() || judged != Judged::Repeat {
            return fail(context, flight, seen, error);
        }
        flight.resume();
        tracing::debug!(
            conflicts = conflicts.met(),
            "another transaction wrote the same rows: repeating the attempt"
        );
    }
}

/// Calls the processor once, unless the run is over when the attempt has waited for its place. The attempt's transaction
/// has ended when this returns, whatever the result.
fn pass(
    context: &RunContext,
    flight: &Flight,
    seen: &Seen,
    bytes: TranscriptSlice<'_>,
    passage: Passage,
) -> Result<Option<Outcome>, AttemptError> {
    let entered = flight.enters(|| match passage {
        Passage::Together => context.lane.enter(|| context.dispatcher.is_over()),
        Passage::Alone => Some(context.lane.enter_alone()),
    });
    if !entered {
        return Ok(flight.end().then_some(Outcome::Postponed));
    }
    let made = catch_unwind(AssertUnwindSafe(|| call(context, flight, seen, bytes)));
    *flight.transaction() = OwnTransaction::NotBegun;
    context.tables.shared.miss();
    flight.leaves();
    made.unwrap_or(Err(ConnectionError::Refused(Refusal::HostPanicked).into()))
}

fn call(
    context: &RunContext,
    flight: &Flight,
    seen: &Seen,
    bytes: TranscriptSlice<'_>,
) -> Result<Option<Outcome>, AttemptError> {
    let attempt = Attempt {
        path: &flight.candidate().transcript.path,
        seen,
        bytes,
        run: context.number,
        cancellation: Some(Cancellation::new(flight, &context.dispatcher, &context.limits)),
    };
    let mut connection = Connection::new(&context.tables, &context.messages, flight, seen);
    let result = take_back(context, flight, &attempt, &mut connection)
        .and_then(|()| context.executor.call(&attempt, &mut connection, flight));
    if let Err(CallError::Failed(fault)) = &result {
        log_panic(context, fault);
    }
    if let Some(killed) = flight.killed() {
        return Err(AttemptError::Killed(killed));
    }
    if let Err(CallError::Ended(ending)) = result {
        return Err(AttemptError::Ended(ending));
    }
    let (rows, statements) = connection.into_writes()?;
    let processed = result.map_err(|error| match error {
        CallError::NoInstance(fault) => {
            context.give_up(RunError::NotStarted(describe_fault(&fault)));
            AttemptError::NotStarted
        }
        CallError::Failed(fault) => AttemptError::Fault(fault),
        CallError::Malformed(malformed) => ConnectionError::Refused(malformed.into()).into(),
        CallError::Ended(ending) => AttemptError::Ended(ending),
    })?;
    let done = Done {
        seen: seen.clone(),
        processed,
        rows,
    };
    Ok(end(&context.tables, &context.messages, flight, done, statements)?)
}

/// Calls the hook that takes back what was written for the earlier version, if there is both.
fn take_back(
    context: &RunContext,
    flight: &Flight,
    attempt: &Attempt<'_>,
    connection: &mut Connection<'_>,
) -> Result<(), CallError> {
    let Some(earlier) = &flight.candidate().earlier else {
        return Ok(());
    };
    if !context.executor.hooks().replaced {
        return Ok(());
    }
    let session = Attempt {
        seen: &Seen::of_earlier(&attempt.seen.session, earlier),
        bytes: TranscriptSlice::NONE,
        ..*attempt
    };
    let called = context
        .executor
        .call_hook(Hook::Replaced, &session, &mut HookConnection(connection), flight);
    called.map_err(|error| error.of_hook(Hook::Replaced))
}

/// Ends a successful attempt: commits its own transaction, or leaves it to the next attempts of a serial processor.
fn end(
    tables: &Tables,
    messages: &SyncSender<Message>,
    flight: &Flight,
    done: Done,
    statements: Recorded,
) -> Result<Option<Outcome>, ConnectionError> {
    let Tables {
        destination,
        concurrency,
        shared,
        ..
    } = tables;
    let mut transaction = flight.transaction().take()?;
    if !flight.end() {
        return Ok(None);
    }
    if *concurrency == Concurrency::Serial {
        // Rows that were committed beside the shared transaction, the next attempt would not see in it.
        transaction = transaction.or_else(|| shared.lend());
    }
    let Some(transaction) = transaction else {
        return Ok(Some(Outcome::Pending(done)));
    };
    match concurrency {
        Concurrency::Parallel => {
            let began = Instant::now();
            transaction
                .commit(destination, &done)
                .map_err(ConnectionError::Commit)?;
            let done = Done {
                rows: Vec::new(),
                ..done
            };
            let took = began.elapsed();
            Ok(Some(Outcome::Committed { done, took }))
        }
        Concurrency::Serial => {
            let joined = shared.join(destination, transaction, done, statements);
            joined.map_err(ConnectionError::Commit)?;
            if shared.is_due() {
                tables.commit_shared(messages)?;
            }
            Ok(Some(Outcome::Joined))
        }
    }
}

/// Ends a failed attempt. `None` if the state is to blame, or if the attempt was abandoned.
fn fail(context: &RunContext, flight: &Flight, seen: &Seen, error: AttemptError) -> Option<Outcome> {
    let outcome = match error {
        AttemptError::Fault(Fault {
            kind: FaultKind::NotNow,
            message,
            ..
        }) => match flight.told_time_over() {
            Some(over) => {
                let error = gave_up(&context.limits, over, &message);
                Outcome::Failed(failure(seen, FailureKind::Timeout, error))
            }
            None => {
                tracing::warn!(
                    "the processor postpones this session and all later candidates to another run: {message}"
                );
                context.dispatcher.close();
                Outcome::Postponed
            }
        },
        AttemptError::Fault(fault) => {
            let kind = match fault.kind {
                FaultKind::Error | FaultKind::NotNow => FailureKind::Error,
                FaultKind::Panic => FailureKind::Panic,
            };
            Outcome::Failed(failure(seen, kind, describe_fault(&fault)))
        }
        AttemptError::NotStarted => Outcome::Postponed,
        AttemptError::Ended(ending) => Outcome::Failed(failure(seen, kind_of(&ending), ending.to_string())),
        AttemptError::Killed(Killed::Shutdown) => {
            tracing::warn!(
                "killed the worker process of the attempt, because it did not end before the service must; the next run attempts the session again"
            );
            Outcome::Postponed
        }
        AttemptError::Killed(Killed::Overdue(limit)) => {
            let seconds = limit.as_secs();
            let error = format!(
                "the attempt did not return within attempt_timeout_seconds ({seconds} s): its worker process was killed"
            );
            Outcome::Failed(failure(seen, FailureKind::Timeout, error))
        }
        AttemptError::Connection(error) => match error.into_fatal() {
            Ok(error) => {
                context.give_up(error.into());
                return None;
            }
            Err(error) => Outcome::Failed(failure(seen, FailureKind::Error, error.to_string())),
        },
    };
    flight.end().then_some(outcome)
}

/// Why an attempt failed that stopped because the host told it to. To make it again first thing in the next run would hold
/// up all others, and not get further.
fn gave_up(limits: &RunLimits, over: TimeOver, message: &str) -> String {
    let (setting, seconds) = match over {
        TimeOver::OfAttempt => ("attempt_timeout_seconds", limits.attempt_timeout.as_secs()),
        TimeOver::OfRun => ("time_budget_seconds", limits.time_budget.as_secs()),
    };
    format!("gave up because {setting} ({seconds} s) is nearly over: {message}; raise {setting} if it needs longer")
}

fn kind_of(ending: &Ending) -> FailureKind {
    match () {
        () if ending.lacked_time() => FailureKind::Timeout,
        () if ending.lacked_memory() => FailureKind::Memory,
        () => FailureKind::Crash,
    }
}

fn log_panic(context: &RunContext, fault: &Fault) {
    if fault.kind != FaultKind::Panic {
        return;
    }
    let place = fault.place.as_deref().unwrap_or_default();
    context.log.add_panic(place, &fault.message);
    if let Some(backtrace) = &fault.backtrace {
        tracing::debug!("the stack at the panic:\n{backtrace}");
    }
}

/// Why an attempt failed.
enum AttemptError {
    /// The processor failed.
    Fault(Fault),
    /// Nothing could be called, and the run ends: the session is not to blame.
    NotStarted,
    /// A call through the connection failed, or the processor returned malformed data.
    Connection(ConnectionError),
    /// Its worker process ended by itself.
    Ended(Ending),
    /// Its worker process was killed.
    Killed(Killed),
}

impl From<ConnectionError> for AttemptError {
    fn from(error: ConnectionError) -> Self {
        Self::Connection(error)
    }
}

impl AttemptError {
    fn conflict(&self) -> Option<Conflict> {
        match self {
            Self::Fault(_) | Self::NotStarted | Self::Ended(_) | Self::Killed(_) => None,
            Self::Connection(error) => error.conflict(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use session_plugin_api::abi::message::Processed;

    use super::*;
    use crate::{
        runner::sample::{flight, seen, tables},
        state::{AttemptTurn, State},
    };

    fn done() -> Done {
        Done {
            seen: seen(),
            processed: Processed::default(),
            rows: Vec::new(),
        }
    }

    #[test]
    fn an_attempt_whose_transaction_was_rolled_back_fails() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.duckdb")).unwrap();
        let tables = tables(state, Concurrency::Parallel);
        let flight = flight();
        *flight.transaction() = OwnTransaction::Open(tables.state.begin_attempt(AttemptTurn::First).unwrap());
        flight.roll_back();
        let (messages, _inbox) = sync_channel(1);
        let ended = end(&tables, &messages, &flight, done(), Recorded::default());
        assert!(matches!(ended, Err(ConnectionError::RolledBack(_))), "{ended:?}");
        assert!(tables.state.sessions(&tables.destination.processor).unwrap().is_empty());
    }
}
