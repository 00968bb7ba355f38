//! A plugin in a worker process: the worker's side. It opens the library by the same code as the host does.
//!
//! # Threads
//! One thread serves the host's requests, one after the other. Other threads of the plugin may log.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use abi_stable::{
    erased_types::TD_Opaque,
    std_types::{RBox, RResult, RSlice, RStr, RVec},
};
use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;
use session_plugin_api::abi::{
    ProcessorModule_Ref, RawColumn, RawHost, RawHost_TO, RawProcessor_TO, RawReferenceSink, RawReferenceSink_TO,
    RawReply,
    message::{Fault, Outcome, decode, encode},
};

use super::{
    call::{Call, Cancel, Refusal, Requests, TakeRows},
    copies::Copy,
    instance::call_raw,
    library::{self, Built, LibraryRefused},
};
use crate::{
    abi_checks,
    column::Column,
    names::{FileHash, SessionKey},
    process,
    workers::{
        Incoming, Link, LinkError, Outgoing, ReceivedTranscript, RowsBuffer,
        protocol::{AttemptHeader, Opening, Report, Request, WireColumn},
        separate_output,
    },
};

/// What a worker reports about the library that it was to open.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct LibraryReport {
    /// Why it is not open, in one line.
    pub(super) reason: Option<String>,
    /// The long explanation, if there is one.
    pub(super) details: Option<String>,
}

/// Serves the host until it lets the worker go.
///
/// # Errors
/// When the host breaks the link, or breaks the protocol.
pub fn serve(link: Link) -> Result<(), LinkError> {
    let Link { mut incoming, outgoing } = link;
    let outgoing = Arc::new(Mutex::new(outgoing));
    let frame = incoming.receive()?;
    let Request::Open(opening) = frame.message()? else {
        return Err(out_of_step());
    };
    let copy = Copy {
        name: String::new(),
        path: PathBuf::from(opening.path),
        file: File::from(incoming.receive_file()?),
    };
    let rows = RowsBuffer::of_host(incoming.receive_file()?);
    let (module, report) = match open(&opening, copy) {
        Ok(module) => (Some(module), LibraryReport::default()),
        Err(report) => (None, report),
    };
    done(&outgoing, &encode(&report))?;
    let Some(module) = module else { return Ok(()) };
    let mut worker = Worker {
        module,
        level: opening.log_level,
        processor: None,
        incoming: Mutex::new(incoming),
        outgoing,
        rows,
        transcript: None,
    };
    worker.cpu(&opening);
    worker.serve(&opening)
}

fn open(opening: &Opening<'_>, copy: Copy) -> Result<ProcessorModule_Ref, LibraryReport> {
    let refused = |reason: String| LibraryReport {
        reason: Some(reason),
        details: None,
    };
    let limited = opening.limits.bound_memory();
    limited.map_err(|error| refused(format!("cannot limit the memory of the worker process: {error}")))?;
    let built = Built {
        api_minor: opening.api_minor,
        compiler: opening.compiler.to_owned(),
    };
    library::open(copy, &built).map_err(|error| LibraryReport {
        reason: Some(error.to_string()),
        details: LibraryRefused::explanation(&error),
    })
}

fn out_of_step() -> LinkError {
    LinkError::Io(io::Error::new(io::ErrorKind::InvalidData, "the host is out of step"))
}

/// The plugin in this process.
struct Worker {
    module: ProcessorModule_Ref,
    level: u8,
    processor: Option<RawProcessor_TO<'static, RBox<()>>>,
    /// Held while an answer of the host is waited for.
    incoming: Mutex<Incoming>,
    outgoing: Arc<Mutex<Outgoing>>,
    rows: RowsBuffer,
    transcript: Option<ReceivedTranscript>,
}

impl Worker {
    fn serve(&mut self, opening: &Opening<'_>) -> Result<(), LinkError> {
        loop {
            let frame = lock(&self.incoming).receive()?;
            let answer = match frame.message()? {
                Request::Construct => encode(&self.construct()),
                Request::Describe => self.processor()?.describe().into_vec(),
                Request::Configure(configuration) => {
                    let processor = self.processor.as_mut().ok_or_else(out_of_step)?;
                    processor.configure(RStr::from_str(configuration)).into_vec()
                }
                Request::ReferenceRows => self.reference_rows()?,
                Request::Attempt(header) => {
                    self.cpu(opening);
                    self.attempt(&header)?
                }
                Request::End => {
                    drop(self.processor.take());
                    return done(&self.outgoing, &[]);
                }
                Request::Open(_) | Request::Answer(_) | Request::Rows(_) => return Err(out_of_step()),
            };
            lock(&self.incoming).recycle(frame);
            done(&self.outgoing, &answer)?;
        }
    }

    fn cpu(&self, opening: &Opening<'_>) {
        if let Err(error) = opening.limits.bound_cpu() {
            let text = format!("cannot limit the processor time of the worker process: {error}");
            // A link that fails ends the worker at its next message.
            let _ = log(&self.outgoing, session_plugin_api::log::level::WARN, "", "", &text);
        }
    }

    fn processor(&self) -> Result<&RawProcessor_TO<'static, RBox<()>>, LinkError> {
        self.processor.as_ref().ok_or_else(out_of_step)
    }

    fn construct(&mut self) -> Outcome<()> {
        let host = HostOverLink {
            level: self.level,
            outgoing: Arc::clone(&self.outgoing),
        };
        match self.module.construct()(RawHost_TO::from_value(host, TD_Opaque)) {
            RResult::ROk(processor) => {
                self.processor = Some(processor);
                Outcome::Returned(())
            }
            RResult::RErr(bytes) => {
                let unreadable = |error| Fault::error(format!("the plugin's answer cannot be read: {error}"));
                Outcome::Failed(decode(&bytes).unwrap_or_else(unreadable))
            }
        }
    }

    fn reference_rows(&self) -> Result<Vec<u8>, LinkError> {
        let processor = self.processor.as_ref().ok_or_else(out_of_step)?;
        let mut requests = self.requests();
        let sink = RawReferenceSink_TO::from_value(ReferenceSink(&mut requests), TD_Opaque);
        Ok(processor.reference_rows(sink).into_vec())
    }

    fn requests(&self) -> RequestsOverLink<'_> {
        RequestsOverLink {
            conversation: self.conversation(),
            rows: &self.rows,
        }
    }

    fn conversation(&self) -> Conversation<'_> {
        Conversation {
            incoming: &self.incoming,
            outgoing: &self.outgoing,
        }
    }

    fn attempt(&mut self, header: &AttemptHeader<'_>) -> Result<Vec<u8>, LinkError> {
        if header.is_in_new_file {
            self.transcript = None;
            let file = lock(&self.incoming).receive_file()?;
            self.transcript = Some(ReceivedTranscript::of(file)?);
        }
        let mut transcript = self.transcript.take().ok_or_else(out_of_step)?;
        let answer = self.call(header, transcript.bytes(header.size)?);
        self.transcript = Some(transcript);
        answer
    }

    fn call(&self, header: &AttemptHeader<'_>, bytes: &[u8]) -> Result<Vec<u8>, LinkError> {
        let processor = self.processor.as_ref().ok_or_else(out_of_step)?;
        let cancel = CancelOverLink {
            conversation: self.conversation(),
            deadline: Instant::now() + Duration::from_nanos(header.time_left.min(LONGEST)),
        };
        separate_output();
        let (session, hash) = (SessionKey::new(header.session), FileHash::from_hex(header.hash));
        let call = Call {
            cancel: &cancel,
            path: Path::new(OsStr::from_bytes(header.path)),
            username: header.username,
            session: &session,
            modified: header.modified,
            hash: &hash,
            bytes,
            run: header.run,
        };
        let mut requests = self.requests();
        Ok(call_raw(processor, header.method, &call, &mut requests).into_vec())
    }
}

fn done(outgoing: &Mutex<Outgoing>, answer: &[u8]) -> Result<(), LinkError> {
    lock(outgoing).send(&Report::Done(Bytes::new(answer)))
}

fn log(outgoing: &Mutex<Outgoing>, level: u8, target: &str, place: &str, message: &str) -> Result<(), LinkError> {
    lock(outgoing).send(&Report::Log {
        level,
        target,
        place,
        message,
    })
}

fn lock<T>(half: &Mutex<T>) -> MutexGuard<'_, T> {
    half.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The host, as the plugin sees it.
struct HostOverLink {
    level: u8,
    outgoing: Arc<Mutex<Outgoing>>,
}

impl RawHost for HostOverLink {
    fn log_level(&self) -> u8 {
        self.level
    }

    fn log(&self, level: u8, target: RStr<'_>, place: RStr<'_>, message: RStr<'_>) {
        let words = abi_checks::words;
        // A record that cannot be sent is lost: the host has gone, and this process ends.
        let _ = log(&self.outgoing, level, &words(target), &words(place), &words(message));
    }
}

/// A question to the host, and its answer. One thread asks at a time.
#[derive(Clone, Copy)]
struct Conversation<'a> {
    incoming: &'a Mutex<Incoming>,
    outgoing: &'a Mutex<Outgoing>,
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
struct CancelOverLink<'a> {
    conversation: Conversation<'a>,
    deadline: Instant,
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
struct RequestsOverLink<'a> {
    conversation: Conversation<'a>,
    rows: &'a RowsBuffer,
}

impl Requests for RequestsOverLink<'_> {
    fn replace(&mut self, table: &str, columns: &[Column<'_>]) -> Result<u64, Fault> {
        let encoded = match postcard::to_stdvec(&WireColumn::of(columns)) {
            Ok(encoded) => encoded,
            Err(error) => return Err(Fault::error(format!("cannot pass the rows to the host: {error}"))),
        };
        if let Err(error) = self.rows.write(&encoded) {
            return Err(Fault::error(format!("cannot pass the rows to the host: {error}")));
        }
        let length = encoded.len() as u64;
        self.conversation
            .ask(&Report::Replace { table, length }, &mut |_| Ok(()))
    }

    fn execute(&mut self, sql: &str, parameters: &[Column<'_>]) -> Result<u64, Fault> {
        let parameters = WireColumn::of(parameters);
        self.conversation
            .ask(&Report::Execute { sql, parameters }, &mut |_| Ok(()))
    }

    fn query(&mut self, sql: &str, parameters: &[Column<'_>], take: &mut TakeRows<'_>) -> Result<u64, Fault> {
        let parameters = WireColumn::of(parameters);
        self.conversation.ask(&Report::Query { sql, parameters }, take)
    }

    fn refuse(&mut self, refusal: Refusal) -> Fault {
        match self
            .conversation
            .ask(&Report::Malformed(&refusal.to_string()), &mut |_| Ok(()))
        {
            Ok(_) => Fault::error(refusal.to_string()),
            Err(fault) => fault,
        }
    }
}

/// Takes the rows of reference tables.
struct ReferenceSink<'a, 'b>(&'a mut RequestsOverLink<'b>);

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
