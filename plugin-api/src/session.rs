//! One version of one transcript.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path, sync::atomic::AtomicBool, time::Instant};

use abi_stable::std_types::RBox;
use serde::Deserialize;

use crate::{
    Line, MalformedLine, RunId, Timestamp,
    abi::{RawAttempt_TO, message::Reading},
    cancellation::Cancellation,
    reader::Reader,
    tally::Tally,
    transcript::{Event, EventKind, EventKinds},
};

/// One version of one transcript: the bytes that the host read, and what it knows about the file.
///
/// ```
/// use session_plugin_api::{Session, Timestamp};
///
/// let transcript = b"{\"type\":\"user\"}{\"type\":\"assistant\"}\n\n{torn";
/// let session = Session::from_bytes("alice/3f2c.jsonl", "alice", Timestamp::from_micros(0), transcript);
/// assert_eq!(session.lines().count(), 3);
/// assert_eq!(session.events().filter(|event| event.is_ok()).count(), 2);
/// ```
///
/// # Records and spliced lines
///
/// A line that is a JSON object is a record. Any other line may be spliced: an agent was killed while writing, two wrote at
/// once, or the file system left zeros. The session returns each whole record of such a line as if it had a line of its own,
/// and each piece between the records as a [`MalformedLine`]:
///
/// - An object at the beginning of the line, or directly after a record, is a record. Zeros before it do not matter.
/// - An object after torn text could be a part of the torn record. It counts as a record if it has a `type` and a
///   `sessionId`, both strings, or if its `type` is `summary` or `file-history-snapshot`.
/// - An object inside another whole object is not a record.
///
/// A byte order mark before a line is skipped.
///
/// # What the host learns
///
/// While a processor reads, the session counts the lines that are not fully readable. It leaves out an incomplete record at
/// the end of the file, which may still be written. It also notes whether it met a known record: one whose `type` is an
/// [`EventKind`](crate::transcript::EventKind), one with a `type` beside a `uuid` or a `sessionId`, or one that
/// [`events_as`](Self::events_as) parses. Each line counts once, however often and by whichever method a processor reads it.
/// The session reports nothing if the processor does not read to the end.
pub struct Session<'a> {
    path: &'a Path,
    username: &'a str,
    session_key: &'a str,
    modified: Timestamp,
    file_hash: &'a str,
    bytes: &'a [u8],
    run: RunId,
    cancellation: Option<&'a dyn Cancellation>,
    tally: Tally,
}

impl<'a> Session<'a> {
    /// Creates a session for the tests of a processor. Its path is the key, its hash is empty, and its run is the
    /// first.
    #[must_use]
    pub fn from_bytes(session_key: &'a str, username: &'a str, modified: Timestamp, bytes: &'a [u8]) -> Self {
        Self {
            path: Path::new(session_key),
            username,
            session_key,
            modified,
            file_hash: "",
            bytes,
            run: RunId::default(),
            cancellation: None,
            tally: Tally::default(),
        }
    }

    /// Moves the session to another run, for the tests of a processor that distinguishes runs.
    #[must_use]
    pub fn in_run(self, run: RunId) -> Self {
        Self { run, ..self }
    }

    /// Lets [`cancelled`](Self::cancelled) return the value of `flag`, for the tests of a processor that stops early.
    #[must_use]
    pub fn cancelled_by(self, flag: &'a AtomicBool) -> Self {
        Self {
            cancellation: Some(flag),
            ..self
        }
    }

    pub(crate) fn of_attempt(attempt: &'a RawAttempt_TO<'_, RBox<()>>, cancellation: &'a dyn Cancellation) -> Self {
        Self {
            path: Path::new(OsStr::from_bytes(attempt.path().as_slice())),
            username: attempt.username().as_str(),
            session_key: attempt.session_key().as_str(),
            modified: Timestamp::from_micros(attempt.modified()),
            file_hash: attempt.file_hash().as_str(),
            bytes: attempt.bytes().as_slice(),
            run: RunId(attempt.run()),
            cancellation: Some(cancellation),
            tally: Tally::default(),
        }
    }

    /// The path of the transcript. Read [`bytes`](Self::bytes) instead of the file, which may have grown since the snapshot.
    #[must_use]
    pub fn path(&self) -> &'a Path {
        self.path
    }

    /// The user that the session belongs to.
    #[must_use]
    pub fn username(&self) -> &'a str {
        self.username
    }

    /// The transcript's path below the sessions directory, such as `alice/3f2c.jsonl`.
    #[must_use]
    pub fn session_key(&self) -> &'a str {
        self.session_key
    }

    /// When the transcript was last written.
    #[must_use]
    pub fn modified(&self) -> Timestamp {
        self.modified
    }

    /// The MD5 of the file's bytes, 32 lower-case hex digits.
    #[must_use]
    pub fn file_hash(&self) -> &'a str {
        self.file_hash
    }

    /// The transcript: the file's bytes, or the UTF-8 that the host decoded UTF-16 to.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The run that this attempt belongs to.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run
    }

    /// When the host abandons this attempt. An attempt that is abandoned takes its processor out of service until it
    /// returns.
    ///
    /// Ask again before each long step: the deadline moves nearer when the host is told to stop. `None` if nothing is known
    /// of a deadline, as with a host older than interface 1.2.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let left = self.cancellation?.time_left()?;
        Instant::now().checked_add(left)
    }

    /// Whether the attempt should stop: the host is stopping, the run has spent its time budget, or the
    /// [deadline](Self::deadline) is near. It stays true once it is.
    ///
    /// A processor that waits, for example for a server, asks at least every second, and returns
    /// [`Error::not_now`](crate::Error::not_now). If the attempt's own time was over, the host records the failure
    /// `timeout`; otherwise the session waits for the next run. One that does not ask may finish its work until the
    /// deadline. A host older than interface 1.2 always says `false`.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.cancellation.is_some_and(Cancellation::is_cancelled)
    }

    /// The lines that are not blank, with their numbers. A line that is not a JSON object gives each record and each
    /// unreadable piece separately.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> + use<'_, 'a> {
        self.reader().records(Line::object).map(|line| match line {
            Ok(line) => line,
            Err(unreadable) => unreadable.piece(),
        })
    }

    /// The records as [`Event`]s. A malformed piece is an error item; the records around it are not affected.
    pub fn events(&self) -> impl Iterator<Item = Result<Event<'a>, MalformedLine<'a>>> + use<'_, 'a> {
        self.reader().records(Line::event)
    }

    /// The records of these kinds as [`Event`]s: the items of [`events`](Self::events) without the events of other kinds.
    ///
    /// A record of another kind is passed over: only its `type` is read. It is still known to be a whole object, and counts as
    /// read. A [`Context`](crate::transcript::Context) that observes these events does not know the times of the others.
    ///
    /// ```
    /// use session_plugin_api::{Session, Timestamp, transcript::EventKind};
    ///
    /// let transcript = b"{\"type\":\"user\"}\n{\"type\":\"progress\"}\nnonsense\n{\"type\":\"assistant\"}\n";
    /// let session = Session::from_bytes("alice/3f2c.jsonl", "alice", Timestamp::from_micros(0), transcript);
    /// let kinds = session.events_of(&[EventKind::User, EventKind::Assistant]).map(|event| event.ok().map(|event| event.kind));
    /// assert_eq!(kinds.collect::<Vec<_>>(), [Some(EventKind::User), None, Some(EventKind::Assistant)]);
    /// ```
    pub fn events_of(
        &self,
        kinds: &[EventKind],
    ) -> impl Iterator<Item = Result<Event<'a>, MalformedLine<'a>>> + use<'_, 'a> {
        let kinds = EventKinds::of(kinds);
        let records = self.reader().records(move |line| line.event_of(kinds));
        records.filter_map(Result::transpose)
    }

    /// The records as any serde type, which may borrow from the transcript. A record of another type is an error item too.
    pub fn events_as<T: Deserialize<'a>>(&self) -> impl Iterator<Item = Result<T, MalformedLine<'a>>> + use<'_, 'a, T> {
        let read = |line: Line<'a>| line.parse().inspect(|_| self.tally.knows());
        self.reader().records(read)
    }

    fn reader(&self) -> Reader<'_, 'a> {
        Reader::new(self.bytes, &self.tally)
    }

    /// The summary of what was read so far; `None` if the processor did not read to the end.
    pub(crate) fn reading(&self) -> Option<Reading> {
        self.tally.reading()
    }
}
