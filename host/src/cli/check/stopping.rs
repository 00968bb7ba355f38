//! Makes attempts that are cancelled from their first moment on, and observes whether the plugin stops.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use serde::Serialize;
use session_plugin_api::abi::message::FaultKind;

use crate::{
    column::Column,
    plugins::{Call, CallError, Cancel, Fault, Killer, Processor, Refusal, Requests, TakeRows, Watch},
    runner::seen,
    sessions::{OpenTranscript, Snapshot, SnapshotError, Transcript},
    shared_memory::TranscriptBytes,
};

/// How long an attempt may continue that was cancelled: what its deadline says.
const TIME_LEFT: Duration = Duration::from_secs(3);

/// How long the check waits for such an attempt. A plugin that returns at its deadline returns in time.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What cancelled attempts came to.
#[derive(Serialize)]
pub(super) struct Stopping {
    /// The first session whose attempt did not end in time, if there is one.
    pub(super) late: Option<String>,
    /// Whether the plugin asked in the attempt that did not end, and was told to stop.
    pub(super) was_told: bool,
    /// The sessions whose attempts panicked, with what the panic says.
    pub(super) panics: Vec<(String, String)>,
    /// The sessions that the host would count as failed, with the error that the plugin returned when it was told to stop.
    pub(super) failures: Vec<(String, String)>,
}

/// Makes the attempts, until one does not end.
pub(super) fn stop(processor: &Processor, transcripts: &[Transcript]) -> anyhow::Result<Stopping> {
    let mut stopping = Stopping {
        late: None,
        was_told: false,
        panics: Vec::new(),
        failures: Vec::new(),
    };
    let mut buffer = TranscriptBytes::default();
    for transcript in transcripts {
        let session = transcript.session.to_string();
        let snapshot = read(transcript, buffer).with_context(|| format!("cannot read the transcript of {session}"))?;
        let cancelled = Cancelled::new();
        let mut requests = Discarded::default();
        let ended = attempt(
            processor,
            &Call::new(
                &transcript.path,
                &seen(transcript, &snapshot),
                snapshot.bytes.borrow(),
                0,
                &cancelled,
            ),
            &mut requests,
        );
        buffer = snapshot.bytes;
        let was_told = cancelled.has_told.load(Ordering::Relaxed);
        match ended {
            Ended::Late => {
                (stopping.late, stopping.was_told) = (Some(session), was_told);
                break;
            }
            Ended::Failed(fault) if fault.kind == FaultKind::Panic => stopping.panics.push((session, fault.message)),
            Ended::Failed(fault) if fault.kind == FaultKind::Error && was_told && !requests.has_asked => {
                stopping.failures.push((session, fault.message));
            }
            Ended::Failed(_) | Ended::InAnotherWay => {}
        }
    }
    Ok(stopping)
}

enum Ended {
    Late,
    Failed(Fault),
    InAnotherWay,
}

fn read(transcript: &Transcript, buffer: TranscriptBytes) -> Result<Snapshot, SnapshotError> {
    let read = OpenTranscript::open(&transcript.path, u64::MAX)?.read(buffer)?;
    Ok(read.hash())
}

fn attempt(processor: &Processor, call: &Call<'_>, requests: &mut Discarded) -> Ended {
    let (watched, is_late) = (&Watched::default(), &AtomicBool::new(false));
    let (ended, end) = channel::<()>();
    let result = thread::scope(|scope| {
        scope.spawn(move || {
            if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                is_late.store(true, Ordering::Relaxed);
                watched.kill();
            }
        });
        let result = processor.call(call, requests, watched);
        drop(ended);
        result
    });
    match result {
        _ if is_late.load(Ordering::Relaxed) => Ended::Late,
        Err(CallError::Failed(fault)) => Ended::Failed(fault),
        Ok(_) | Err(_) => Ended::InAnotherWay,
    }
}

/// Cancels an attempt at once.
struct Cancelled {
    deadline: Instant,
    has_told: AtomicBool,
}

impl Cancelled {
    fn new() -> Self {
        Self {
            deadline: Instant::now() + TIME_LEFT,
            has_told: AtomicBool::new(false),
        }
    }
}

impl Cancel for Cancelled {
    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn is_cancelled(&self) -> bool {
        self.has_told.store(true, Ordering::Relaxed);
        true
    }
}

/// Kills the worker process of an attempt.
#[derive(Default)]
struct Watched(Mutex<Option<Killer>>);

impl Watched {
    fn kill(&self) {
        let killer = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        killer.iter().for_each(Killer::kill);
    }
}

impl Watch for Watched {
    fn runs_in(&self, killer: Option<Killer>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = killer;
    }

    fn is_abandoned(&self) -> bool {
        false
    }
}

/// Takes what the plugin writes, and keeps nothing. A query gives no rows.
#[derive(Default)]
struct Discarded {
    /// Whether the plugin made a query, whose rows it may miss.
    has_asked: bool,
}

impl Requests for Discarded {
    fn replace(&mut self, _: &str, columns: &[Column<'_>]) -> Result<u64, Fault> {
        Ok(columns.first().map_or(0, |column| column.rows as u64))
    }

    fn execute(&mut self, _: &str, _: &[Column<'_>]) -> Result<u64, Fault> {
        Ok(0)
    }

    fn query(&mut self, _: &str, _: &[Column<'_>], _: &mut TakeRows<'_>) -> Result<u64, Fault> {
        self.has_asked = true;
        Ok(0)
    }

    fn refuse(&mut self, refusal: Refusal) -> Fault {
        Fault::error(refusal.to_string())
    }
}
