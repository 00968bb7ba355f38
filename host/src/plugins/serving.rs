//! A plugin in a worker process: the worker's side. It opens the library by the same code as the host does.
//!
//! # Threads
//! One thread serves the host's requests, one after the other. Other threads of the plugin may log.

use std::{
    ffi::OsStr,
    fs::File,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use abi_stable::{
    erased_types::TD_Opaque,
    std_types::{RBox, RResult, RStr},
};
use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;
use session_plugin_api::abi::{
    ProcessorModule_Ref, RawHost, RawHost_TO, RawProcessor_TO, RawReferenceSink_TO,
    message::{Fault, Outcome, decode, encode},
};

use super::{
    call::Call,
    copies::Copy,
    instance::call_raw,
    library::{self, Built, LibraryRefused},
    over_link::{CancelOverLink, Conversation, ReferenceSink, RequestsOverLink, RowsDestination, lock, out_of_step},
};
use crate::{
    abi_checks,
    names::{FileHash, SessionKey},
    shared_memory::{ReceivedMemory, TranscriptSlice},
    state::FilledTable,
    workers::{
        Incoming, Link, LinkError, Outgoing, RowsBuffer, WaitingRows,
        protocol::{AttemptHeader, Method, Opening, Report, Request},
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
    let rows = WaitingRows::new(RowsBuffer::of_host(incoming.receive_file()?));
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
        tables: Vec::new(),
        memory: None,
        attempts: 0,
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

/// The plugin in this process.
struct Worker {
    module: ProcessorModule_Ref,
    level: u8,
    processor: Option<RawProcessor_TO<'static, RBox<()>>>,
    /// Held while an answer of the host is waited for.
    incoming: Mutex<Incoming>,
    outgoing: Arc<Mutex<Outgoing>>,
    rows: WaitingRows,
    /// The processor's session tables, once an attempt was made.
    tables: Vec<Arc<FilledTable>>,
    /// The memory with the transcripts, once an attempt had one.
    memory: Option<ReceivedMemory>,
    /// How many attempts the host has given it.
    attempts: u64,
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

    fn reference_rows(&mut self) -> Result<Vec<u8>, LinkError> {
        let processor = self.processor.as_ref().ok_or_else(out_of_step)?;
        let mut requests = RequestsOverLink {
            conversation: Conversation {
                incoming: &self.incoming,
                outgoing: &self.outgoing,
            },
            rows: &mut self.rows,
            destination: None,
        };
        let sink = RawReferenceSink_TO::from_value(ReferenceSink(&mut requests), TD_Opaque);
        Ok(processor.reference_rows(sink).into_vec())
    }

    fn attempt(&mut self, header: &AttemptHeader<'_>) -> Result<Vec<u8>, LinkError> {
        if header.is_in_new_memory {
            self.memory = None;
            let file = lock(&self.incoming).receive_file()?;
            self.memory = Some(ReceivedMemory::of(file)?);
        }
        if let Some(tables) = header.tables {
            let tables: Vec<FilledTable> = decode(tables).map_err(|_| out_of_step())?;
            self.tables = tables.into_iter().map(Arc::new).collect();
        }
        let mut memory = self.memory.take();
        let answer = match &mut memory {
            Some(memory) => self.call(header, memory.bytes(header.start, header.size)?),
            // What is called has no transcript.
            None if header.size == 0 => self.call(header, &[]),
            None => Err(out_of_step()),
        };
        self.memory = memory;
        answer
    }

    fn call(&mut self, header: &AttemptHeader<'_>, bytes: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.attempts += 1;
        self.rows.note_begin(self.attempts)?;
        let processor = self.processor.as_ref().ok_or_else(out_of_step)?;
        let conversation = Conversation {
            incoming: &self.incoming,
            outgoing: &self.outgoing,
        };
        let cancel = CancelOverLink::new(conversation, header.time_left);
        let (session, hash) = (SessionKey::new(header.session), FileHash::from_hex(header.hash));
        let call = Call {
            cancel: &cancel,
            path: Path::new(OsStr::from_bytes(header.path)),
            username: header.username,
            session: &session,
            modified: header.modified,
            hash: &hash,
            bytes: TranscriptSlice::Own(bytes),
            run: header.run,
        };
        let destination = RowsDestination {
            tables: &self.tables,
            session: &session,
        };
        let mut requests = RequestsOverLink {
            conversation,
            rows: &mut self.rows,
            // A hook has no rows, which the host tells it.
            destination: Some(destination).filter(|_| header.method == Method::ProcessSession),
        };
        let answer = call_raw(processor, header.method, &call, &mut requests).into_vec();
        requests.pass_rows();
        Ok(answer)
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
