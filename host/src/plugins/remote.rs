//! A plugin that is open in a worker process: the host's side.
//!
//! Each method makes one request and waits for its end. Meanwhile it serves what the plugin asks of the host: log records,
//! rows, statements. A worker whose answer is late or malformed is killed.

use std::{
    os::{fd::AsFd, unix::ffi::OsStrExt},
    time::{Duration, Instant},
};

use abi_stable::std_types::{RSlice, RStr};
use serde_bytes::Bytes;
use session_plugin_api::abi::message::{Fault, encode};

use super::{
    call::{Call, Cancel, Refusal, Requests},
    copies::Copy,
    host_log::{LogName, log_level, write_record},
    library::Built,
};
use crate::{
    abi_checks,
    column::Column,
    shared_memory::{SharedBuffer, SharedMemory, TranscriptSlice},
    state::NotTaken,
    workers::{
        Confinement, Ending, Incoming, Killer, Link, LinkError, Outgoing, RowsBuffer, WorkerError, WorkerLimits,
        WorkerProcess,
        protocol::{AttemptHeader, Method, Opening, Report, Request, WireColumn, WireRows},
    },
};

/// A plugin in a worker process.
pub(super) struct RemotePlugin {
    process: Option<WorkerProcess>,
    log_name: LogName,
    /// The memory of rows that were read, for the next ones.
    encoded: Vec<u8>,
    /// The memory that its worker has.
    memory: Option<SharedMemory>,
    /// How many attempts it has made.
    pub(super) attempts: u64,
}

/// What a worker opens.
pub(super) struct ToOpen<'a> {
    pub(super) copy: &'a Copy,
    pub(super) built: &'a Built,
    pub(super) log_name: &'a LogName,
    pub(super) limits: &'a WorkerLimits,
    pub(super) confinement: Option<Confinement>,
}

impl RemotePlugin {
    /// Starts a worker, and opens the library in it. Returns the worker's report on the library, JSON bytes. `started` gets
    /// what kills the worker, before any code of the plugin runs.
    pub(super) fn open(opening: &ToOpen<'_>, started: &dyn Fn(Killer)) -> Result<(Self, Vec<u8>), WorkerError> {
        let confinement = opening.confinement.clone().map(|mut confinement| {
            confinement.readable.push(opening.copy.path.clone());
            confinement
        });
        let mut plugin = Self {
            process: Some(WorkerProcess::start(opening.log_name.as_str(), confinement.as_ref())?),
            log_name: opening.log_name.clone(),
            encoded: Vec::new(),
            memory: None,
            attempts: 0,
        };
        plugin.killer().into_iter().for_each(started);
        let timeout = opening.limits.load_timeout;
        let path = opening.copy.path.to_string_lossy();
        let request = Request::Open(Opening {
            file: opening.log_name.file(),
            path: &path,
            api_minor: opening.built.api_minor,
            compiler: &opening.built.compiler,
            log_level: log_level(),
            limits: opening.limits.applied(),
        });
        let report = plugin.exchange(Some(timeout), &mut NoRequests, None, |out, rows| {
            out.send(&request)?;
            out.send_file(opening.copy.file.as_fd())?;
            out.send_file(rows.file())
        })?;
        Ok((plugin, report))
    }

    /// Makes a request that needs nothing of the host but its log, and perhaps takes rows.
    pub(super) fn ask(
        &mut self,
        request: &Request<'_>,
        timeout: Duration,
        requests: &mut dyn Requests,
    ) -> Result<Vec<u8>, WorkerError> {
        self.exchange(Some(timeout), requests, None, |out, _| out.send(request))
    }

    /// Makes an attempt. There is no time-out: the attempt's owner kills the worker. `tables` are the session tables of the
    /// processor, JSON bytes, which are the same for each attempt.
    pub(super) fn call(
        &mut self,
        method: Method,
        call: &Call<'_>,
        tables: &[u8],
        requests: &mut dyn Requests,
    ) -> Result<Vec<u8>, WorkerError> {
        let is_first = self.attempts == 0;
        self.attempts += 1;
        if let Some(process) = &mut self.process {
            process.is_given(self.attempts);
        }
        let own;
        let transcript = match call.bytes {
            TranscriptSlice::Shared(buffer) => Some(buffer),
            TranscriptSlice::Own([]) => None,
            TranscriptSlice::Own(bytes) => {
                own = SharedBuffer::holding(bytes).map_err(LinkError::Io)?;
                Some(&own)
            }
        };
        let new_memory = self.memory_of(transcript)?;
        let request = Request::Attempt(AttemptHeader {
            method,
            path: Bytes::new(call.path.as_os_str().as_bytes()),
            username: call.username,
            session: call.session.as_str(),
            modified: call.modified,
            hash: call.hash.as_str(),
            run: call.run,
            start: transcript.map_or(0, |transcript| transcript.start() as u64),
            size: transcript.map_or(0, |transcript| transcript.len() as u64),
            is_in_new_memory: new_memory.is_some(),
            time_left: nanoseconds(call.cancel.time_left()),
            tables: is_first.then(|| Bytes::new(tables)),
        });
        self.exchange(None, requests, Some(call.cancel), |out, _| {
            out.send(&request)?;
            match &new_memory {
                Some(memory) => out.send_file(memory.file()),
                None => Ok(()),
            }
        })
    }

    /// Lets the worker see this transcript. Returns the memory that it lies in if the worker does not have that yet.
    fn memory_of(&mut self, transcript: Option<&SharedBuffer>) -> Result<Option<SharedMemory>, LinkError> {
        let Some(transcript) = transcript else { return Ok(None) };
        transcript.publish().map_err(LinkError::Io)?;
        let memory = transcript.memory();
        if self.memory.as_ref().is_some_and(|known| known.is(memory)) {
            return Ok(None);
        }
        self.memory = Some(memory.clone());
        Ok(Some(memory.clone()))
    }

    /// What kills the worker.
    pub(super) fn killer(&self) -> Option<Killer> {
        self.process.as_ref().map(WorkerProcess::killer)
    }

    /// How its worker ended; `None` while it runs.
    pub(super) fn ended(&self) -> Option<Ending> {
        self.process.as_ref().and_then(WorkerProcess::ended)
    }

    /// Lets the plugin drop its processor, and ends the worker. A `Drop` that fails is logged.
    pub(super) fn let_go(self) {
        let log_name = self.log_name.clone();
        if let Err(error) = self.drop_processor() {
            let plugin = log_name.as_str();
            tracing::warn!(
                processor = plugin,
                "the `Drop` of the plugin fails in its worker process: {error}"
            );
        }
    }

    /// Lets the plugin drop its processor, and ends the worker.
    ///
    /// # Errors
    /// When the `Drop` does not return.
    pub(super) fn drop_processor(mut self) -> Result<(), WorkerError> {
        self.exchange(Some(DROP_TIMEOUT), &mut NoRequests, None, |out, _| {
            out.send(&Request::End)
        })?;
        if let Some(process) = self.process.take() {
            process.wait();
        }
        Ok(())
    }

    fn exchange(
        &mut self,
        timeout: Option<Duration>,
        requests: &mut dyn Requests,
        cancel: Option<&dyn Cancel>,
        send: impl FnOnce(&mut Outgoing, &RowsBuffer) -> Result<(), LinkError>,
    ) -> Result<Vec<u8>, WorkerError> {
        let Some(mut process) = self.process.take() else {
            return Err(WorkerError::Link(LinkError::Closed));
        };
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let sent = process.link.incoming.set_deadline(deadline).map_err(LinkError::Io);
        let sent = sent.and_then(|()| send(&mut process.link.outgoing, &process.rows));
        let mut exchange = Exchange {
            link: &mut process.link,
            rows: &process.rows,
            encoded: &mut self.encoded,
            log_name: &self.log_name,
            cancel,
            has_asked: false,
        };
        let served = sent.and_then(|()| exchange.serve(requests));
        if exchange.has_asked {
            process.begins();
        }
        match served {
            Ok(answer) => {
                self.process = Some(process);
                Ok(answer)
            }
            Err(error) => Err(process.end_of(error, timeout.unwrap_or_default())),
        }
    }
}

/// How long the `Drop` of a plugin may take in a worker.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// Memory of rows that had to grow beyond this is not kept for the next ones, in bytes.
const KEPT: usize = 4 << 20;

/// One request under way.
struct Exchange<'a> {
    link: &'a mut Link,
    rows: &'a RowsBuffer,
    /// The rows that were read last.
    encoded: &'a mut Vec<u8>,
    log_name: &'a LogName,
    /// How long the attempt may continue; `None` outside of an attempt.
    cancel: Option<&'a dyn Cancel>,
    /// Whether the plugin has asked for anything but a log record.
    has_asked: bool,
}

impl Exchange<'_> {
    /// Serves the plugin until the request has ended. Returns the plugin's answer.
    fn serve(&mut self, requests: &mut dyn Requests) -> Result<Vec<u8>, LinkError> {
        loop {
            let frame = self.link.incoming.receive()?;
            let answered = match frame.message()? {
                Report::Done(answer) => return Ok(answer.to_vec()),
                Report::Log {
                    level,
                    target,
                    place,
                    message,
                } => {
                    write_record(self.log_name, level, target, place, message);
                    None
                }
                Report::Replaced(length) => {
                    self.has_asked = true;
                    // A fault has failed the attempt.
                    let _ = self.replace(length, requests)?;
                    None
                }
                report => {
                    self.has_asked = true;
                    Some(self.answer(&report, requests)?)
                }
            };
            self.link.incoming.recycle(frame);
            if let Some(answer) = answered {
                let encoded = answer.map_err(|fault| encode(&fault));
                let answer = encoded.as_ref().map(|rows| *rows).map_err(|fault| Bytes::new(fault));
                self.link.outgoing.send(&Request::Answer(answer))?;
            }
        }
    }

    fn answer(&mut self, report: &Report<'_>, requests: &mut dyn Requests) -> Result<Result<u64, Fault>, LinkError> {
        Ok(match report {
            Report::Replace(length) => self.replace(*length, requests)?,
            Report::Execute { sql, parameters } => {
                match abi_checks::parameters(RSlice::from_slice(&WireColumn::unchecked(parameters))) {
                    Ok(parameters) => requests.execute(sql, &parameters),
                    Err(malformed) => Err(requests.refuse(malformed.into())),
                }
            }
            Report::Query { sql, parameters } => {
                match abi_checks::parameters(RSlice::from_slice(&WireColumn::unchecked(parameters))) {
                    Ok(parameters) => {
                        let link = &mut *self.link;
                        let mut pass = |columns: &[Column<'_>]| {
                            let (incoming, outgoing) = (&mut link.incoming, &mut link.outgoing);
                            pass_on(incoming, outgoing, self.log_name, columns)
                        };
                        requests.query(sql, &parameters, &mut pass)
                    }
                    Err(malformed) => Err(requests.refuse(malformed.into())),
                }
            }
            Report::TimeLeft => Ok(self.cancel.map_or(0, |cancel| nanoseconds(cancel.time_left()))),
            Report::IsCancelled => Ok(self.cancel.is_none_or(Cancel::is_cancelled).into()),
            Report::Malformed(text) => Err(requests.refuse(Refusal::MalformedInWorker((*text).to_owned()))),
            Report::Done(_) | Report::Log { .. } | Report::Replaced(_) | Report::Taken(_) => Err(requests.refuse(
                Refusal::MalformedInWorker("its worker process is out of step".to_owned()),
            )),
        })
    }

    /// Takes all rows that the buffer holds; returns what became of the last.
    fn replace(&mut self, length: u64, requests: &mut dyn Requests) -> Result<Result<u64, Fault>, LinkError> {
        let mut rest = self.rows.read(length, self.encoded)?;
        let mut replaced = Ok(0);
        while !rest.is_empty() {
            let (rows, others) = postcard::take_from_bytes(rest).map_err(LinkError::Malformed)?;
            replaced = replace(&rows, requests);
            rest = others;
        }
        self.rows.shrink()?;
        if self.encoded.capacity() > KEPT {
            *self.encoded = Vec::new();
        }
        Ok(replaced)
    }
}

fn replace(rows: &WireRows<'_>, requests: &mut dyn Requests) -> Result<u64, Fault> {
    let raw = WireColumn::unchecked(&rows.columns);
    let checked = abi_checks::name(RStr::from_str(rows.table), "the name of a table")
        .and_then(|table| Ok((table, abi_checks::columns(RSlice::from_slice(&raw))?)));
    match checked {
        Ok((table, columns)) => requests.replace(table, &columns),
        Err(malformed) => Err(requests.refuse(malformed.into())),
    }
}

/// Passes rows of a query to the worker, and waits until its plugin has taken them.
fn pass_on(
    incoming: &mut Incoming,
    outgoing: &mut Outgoing,
    log_name: &LogName,
    columns: &[Column<'_>],
) -> Result<(), NotTaken> {
    // A link that fails fails the request behind this one too, which tells why.
    outgoing
        .send(&Request::Rows(WireColumn::of(columns)))
        .map_err(|_| NotTaken)?;
    loop {
        let frame = incoming.receive().map_err(|_| NotTaken)?;
        match frame.message().map_err(|_| NotTaken)? {
            Report::Taken(true) => return Ok(()),
            Report::Log {
                level,
                target,
                place,
                message,
            } => write_record(log_name, level, target, place, message),
            _ => return Err(NotTaken),
        }
        incoming.recycle(frame);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Refuses whatever a plugin asks for outside of an attempt.
pub(super) struct NoRequests;

impl NoRequests {
    fn fault() -> Fault {
        Fault::error("there is no attempt to make this request for")
    }
}

impl Requests for NoRequests {
    fn replace(&mut self, _: &str, _: &[Column<'_>]) -> Result<u64, Fault> {
        Err(Self::fault())
    }

    fn execute(&mut self, _: &str, _: &[Column<'_>]) -> Result<u64, Fault> {
        Err(Self::fault())
    }

    fn query(&mut self, _: &str, _: &[Column<'_>], _: &mut super::call::TakeRows<'_>) -> Result<u64, Fault> {
        Err(Self::fault())
    }

    fn refuse(&mut self, refusal: Refusal) -> Fault {
        Fault::error(refusal.to_string())
    }
}
