//! One candidate on its way: read, compared, attempted.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use abi_stable::erased_types::TD_Opaque;
use session_plugin_api::abi::{RawAttempt_TO, message::FaultKind};

use super::{
    candidates::{Candidate, Reason},
    connection::{Attempt, AttemptError, Finished, View},
    context::RunContext,
    dispatch::Need,
    error::RunError,
    flight::Flight,
    lane::Passage,
    outcome::{Outcome, failure},
};
use crate::{
    crossing,
    plugins::{Fault, Instance, describe_fault},
    sessions::{OpenTranscript, SnapshotError, Transcript},
    state::{FailureKind, FailureRecord, Seen},
};

/// How often an attempt is made again after a write conflict.
const RETRIES: u32 = 3;

/// Takes a candidate to its end. `None` when the attempt was abandoned meanwhile: its result must not count.
pub(super) fn make(context: &RunContext, flight: &Flight, buffer: &mut Vec<u8>) -> Option<Outcome> {
    let candidate = flight.candidate();
    let seen = match read(context, flight, buffer) {
        Ok(seen) => seen,
        Err(error) => {
            let (need, outcome) = unread(&candidate.transcript, &error);
            context.dispatcher.decide(need);
            return flight.end().then_some(outcome);
        }
    };
    if is_unchanged(candidate, &seen) {
        context.dispatcher.decide(Need::Nothing);
        return flight.end().then_some(Outcome::Unchanged(seen));
    }
    context.dispatcher.decide(Need::Attempt);
    attempt(context, flight, &seen, buffer)
}

fn read(context: &RunContext, flight: &Flight, buffer: &mut Vec<u8>) -> Result<Seen, SnapshotError> {
    let transcript = &flight.candidate().transcript;
    let opened = OpenTranscript::open(&transcript.path, context.limits.max_session_bytes)?;
    flight.holds(context.memory.hold(opened.size()));
    let snapshot = opened.read(buffer)?;
    Ok(Seen {
        session: transcript.session.clone(),
        username: transcript.username.clone(),
        hash: snapshot.hash,
        size: snapshot.size,
        modified: snapshot.modified,
        read_at: snapshot.read_at,
    })
}

fn unread(transcript: &Transcript, error: &SnapshotError) -> (Need, Outcome) {
    let Transcript { session, username, .. } = transcript;
    match error {
        SnapshotError::Read(source) if source.kind() == std::io::ErrorKind::NotFound => (Need::Nothing, Outcome::Gone),
        error => (
            Need::Attempt,
            Outcome::Failed(failure(session, username, None, FailureKind::Error, error.to_string())),
        ),
    }
}

fn is_unchanged(candidate: &Candidate, seen: &Seen) -> bool {
    matches!(&candidate.reason, Reason::Changed { recorded: Some(hash) } if *hash == seen.hash)
}

fn attempt(context: &RunContext, flight: &Flight, seen: &Seen, bytes: &[u8]) -> Option<Outcome> {
    let mut conflicts = 0;
    loop {
        let passage = if conflicts == 0 {
            Passage::Together
        } else {
            Passage::Alone
        };
        flight.enters(|| context.lane.enter(passage));
        let made = catch_unwind(AssertUnwindSafe(|| attempt_once(context, flight, seen, bytes)));
        *flight.transaction() = None;
        flight.leaves();
        let error = match made.unwrap_or(Err(Failed::Connection(AttemptError::HostPanicked))) {
            Ok(outcome) => return outcome,
            Err(error) => error,
        };
        if error.is_conflict() && conflicts < RETRIES && !flight.is_abandoned() {
            conflicts += 1;
            flight.resume();
            tracing::debug!(
                conflicts,
                "another transaction wrote the same rows: the attempt is made again"
            );
            continue;
        }
        let error = match error {
            Failed::Connection(error) => match error.into_fatal() {
                Ok(error) => {
                    context.give_up(error.into());
                    return None;
                }
                Err(error) => Failed::Connection(error),
            },
            error @ Failed::Plugin(_) => error,
        };
        if let Failed::Plugin(Fault {
            kind: FaultKind::NotNow,
            message,
            ..
        }) = &error
        {
            tracing::warn!("the processor leaves this session and those behind it for a later run: {message}");
            context.dispatcher.close();
            return flight.end().then_some(Outcome::Postponed);
        }
        let outcome = Outcome::Failed(error.record(seen));
        return flight.end().then_some(outcome);
    }
}

/// Why an attempt failed.
enum Failed {
    Plugin(Fault),
    Connection(AttemptError),
}

impl Failed {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Plugin(_) => false,
            Self::Connection(error) => error.is_conflict(),
        }
    }

    fn record(&self, seen: &Seen) -> FailureRecord {
        let (kind, error) = match self {
            Self::Plugin(fault) => (kind_of(fault), describe_fault(fault)),
            Self::Connection(error) => (FailureKind::Error, error.to_string()),
        };
        failure(&seen.session, &seen.username, Some(&seen.hash), kind, error)
    }
}

fn attempt_once(context: &RunContext, flight: &Flight, seen: &Seen, bytes: &[u8]) -> Result<Option<Outcome>, Failed> {
    let instance = context.processor.instance().map_err(|fault| {
        context.give_up(RunError::NotRenewed(describe_fault(&fault)));
        Failed::Plugin(fault)
    })?;
    let attempt = Attempt::new(context, flight, seen, bytes);
    let view = RawAttempt_TO::from_value(View(&attempt), TD_Opaque);
    let result = instance.process_session(&view);
    drop(view);
    if let Err(fault) = &result {
        after_panic(context, &instance, fault);
    }
    if flight.is_abandoned() {
        context.processor.set_aside(&instance);
    }
    if let Some(error) = attempt.take_failure() {
        return Err(Failed::Connection(error));
    }
    let processed = result.map_err(Failed::Plugin)?;
    let processed = crossing::processed(processed).map_err(|malformed| Failed::Connection(malformed.into()))?;
    match attempt.finish(processed).map_err(Failed::Connection)? {
        Finished::Pending(done) => Ok(flight.end().then_some(Outcome::Pending(done))),
        Finished::Committed(done) => Ok(Some(Outcome::Committed(done))),
        Finished::Abandoned => Ok(None),
    }
}

fn after_panic(context: &RunContext, instance: &Arc<Instance>, fault: &Fault) {
    if fault.kind != FaultKind::Panic {
        return;
    }
    let place = fault.place.as_deref().unwrap_or_default();
    context.log.add_panic(place, &fault.message);
    if let Some(backtrace) = &fault.backtrace {
        tracing::debug!("the stack at the panic:\n{backtrace}");
    }
    context.processor.set_aside(instance);
}

fn kind_of(fault: &Fault) -> FailureKind {
    match fault.kind {
        FaultKind::Error | FaultKind::NotNow => FailureKind::Error,
        FaultKind::Panic => FailureKind::Panic,
    }
}
