//! One version of one transcript, as a processor sees it.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use abi_stable::std_types::RBox;
use serde::Deserialize;

use crate::{
    Line, MalformedLine, RunId, Timestamp,
    abi::{RawAttempt_TO, message::Reading},
    reader::Reader,
    tally::Tally,
    transcript::Event,
};

/// One version of one transcript: what the host read, once, and what it knows of it.
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
/// # What is read of a line
///
/// A line that is a JSON object is a record. Of any other line, each whole record in it is read as if it stood in a line of
/// its own, and what stands between them is a [`MalformedLine`]:
///
/// - An object at the line's beginning, or directly behind a record, is a record. Zeros before it do not matter.
/// - Behind torn text it must look like one, since it could be a part of what was torn: it has a `type` and a `sessionId`, both
///   strings, or its `type` is `summary` or `file-history-snapshot`.
/// - What is nested in a whole object is no record.
///
/// A byte order mark before a line is passed over. What was read is counted for the host, once, however often and with whichever
/// of the three methods a processor reads: the lines of which something is unreadable, but for what ends the file
/// and may still be written; and whether there is any known record. Known is a record whose `type` is one of
/// [`EventKind`](crate::transcript::EventKind) or stands beside a `uuid` or a `sessionId`, and whatever
/// [`events_as`](Self::events_as) reads.
pub struct Session<'a> {
    path: &'a Path,
    username: &'a str,
    session_key: &'a str,
    modified: Timestamp,
    file_hash: &'a str,
    bytes: &'a [u8],
    run: RunId,
    tally: Tally,
}

impl<'a> Session<'a> {
    /// A session made by hand, for the tests of a processor: its path is the key, its hash is empty, its run the first.
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
            tally: Tally::default(),
        }
    }

    /// The same session in another run, for the tests of a processor that tells runs apart.
    #[must_use]
    pub fn in_run(self, run: RunId) -> Self {
        Self { run, ..self }
    }

    pub(crate) fn of_attempt(attempt: &'a RawAttempt_TO<'_, RBox<()>>) -> Self {
        Self {
            path: Path::new(OsStr::from_bytes(attempt.path().as_slice())),
            username: attempt.username().as_str(),
            session_key: attempt.session_key().as_str(),
            modified: Timestamp::from_micros(attempt.modified()),
            file_hash: attempt.file_hash().as_str(),
            bytes: attempt.bytes().as_slice(),
            run: RunId(attempt.run()),
            tally: Tally::default(),
        }
    }

    /// Where the transcript lies. What was read of it is [`bytes`](Self::bytes): the file may have grown since.
    #[must_use]
    pub fn path(&self) -> &'a Path {
        self.path
    }

    /// The user that the session is recorded for.
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

    /// The MD5 of the file, 32 lower-case hex digits.
    #[must_use]
    pub fn file_hash(&self) -> &'a str {
        self.file_hash
    }

    /// The transcript: the file's bytes, or what UTF-16 decodes to.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The run that this attempt belongs to.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The lines that are not blank, with their numbers; of one that is no JSON object, each record and each unreadable piece
    /// by itself.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> + use<'_, 'a> {
        self.reader().records(Line::object).map(|line| match line {
            Ok(line) => line,
            Err(unreadable) => unreadable.piece(),
        })
    }

    /// The records as [`Event`]s. What is malformed is an error item that costs nothing else.
    pub fn events(&self) -> impl Iterator<Item = Result<Event<'a>, MalformedLine<'a>>> + use<'_, 'a> {
        self.reader().records(Line::event)
    }

    /// The records as any serde type, which may borrow from the transcript. One of another type is an error item, too.
    pub fn events_as<T: Deserialize<'a>>(&self) -> impl Iterator<Item = Result<T, MalformedLine<'a>>> + use<'_, 'a, T> {
        let read = |line: Line<'a>| line.parse().inspect(|_| self.tally.knows());
        self.reader().records(read)
    }

    fn reader(&self) -> Reader<'_, 'a> {
        Reader::new(self.bytes, &self.tally)
    }

    /// What was read so far; `None` when nothing was read to its end.
    pub(crate) fn reading(&self) -> Option<Reading> {
        self.tally.reading()
    }
}
