//! One version of one transcript, as a processor sees it.

use std::{ffi::OsStr, fmt, os::unix::ffi::OsStrExt, path::Path};

use abi_stable::std_types::RBox;
use memchr::memchr;
use serde::Deserialize;

use crate::{RunId, Timestamp, abi::RawAttempt_TO, transcript::Event};

/// One version of one transcript: the exact bytes that the host read, once, and what it knows of them.
///
/// ```
/// use session_plugin_api::{Session, Timestamp};
///
/// let transcript = b"{\"type\":\"user\"}\n\n{torn";
/// let session = Session::from_bytes("alice/3f2c.jsonl", "alice", Timestamp::from_micros(0), transcript);
/// assert_eq!(session.lines().count(), 2);
/// assert_eq!(session.events().filter(|event| event.is_ok()).count(), 1);
/// ```
pub struct Session<'a> {
    path: &'a Path,
    username: &'a str,
    session_key: &'a str,
    modified: Timestamp,
    file_hash: &'a str,
    bytes: &'a [u8],
    run: RunId,
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

    /// The MD5 of [`bytes`](Self::bytes), 32 lower-case hex digits.
    #[must_use]
    pub fn file_hash(&self) -> &'a str {
        self.file_hash
    }

    /// The transcript.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The run that this attempt belongs to.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The lines that are not blank, with their numbers.
    #[must_use]
    pub fn lines(&self) -> Lines<'a> {
        Lines {
            rest: self.bytes,
            number: 0,
        }
    }

    /// The lines as [`Event`]s. A malformed line is an error item that costs nothing else.
    pub fn events(&self) -> impl Iterator<Item = Result<Event<'a>, MalformedLine>> + use<'a> {
        self.lines().map(|line| line.event())
    }

    /// The lines as any serde type, which may borrow from the transcript.
    pub fn events_as<T: Deserialize<'a>>(&self) -> impl Iterator<Item = Result<T, MalformedLine>> + use<'a, T> {
        self.lines().map(|line| line.parse())
    }
}

/// The lines of a transcript that are not blank.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a [u8],
    number: u64,
}

/// One line of a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line's number in the file, from 1.
    pub number: u64,
    /// The line without its line break.
    pub bytes: &'a [u8],
    /// Whether a line break ended it.
    pub ending: LineEnding,
}

/// Whether a line is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnding {
    /// A line break follows.
    Complete,
    /// The file ends here: on a live file, the rest may still be written.
    EndOfFile,
}

impl<'a> Line<'a> {
    /// The line as an [`Event`].
    ///
    /// # Errors
    /// When the line is no JSON object.
    pub fn event(self) -> Result<Event<'a>, MalformedLine> {
        let mut event = Event::parse(self.bytes).map_err(|error| self.malformed(error))?;
        event.line = self.number;
        Ok(event)
    }

    /// The line as any serde type.
    ///
    /// # Errors
    /// When the line is no JSON, or not of this type.
    pub fn parse<T: Deserialize<'a>>(self) -> Result<T, MalformedLine> {
        serde_json::from_slice(self.bytes).map_err(|error| self.malformed(error))
    }

    fn malformed(self, error: serde_json::Error) -> MalformedLine {
        MalformedLine {
            line: self.number,
            ending: self.ending,
            error,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        while !self.rest.is_empty() {
            self.number += 1;
            let (bytes, ending) = match memchr(b'\n', self.rest) {
                Some(end) => {
                    let line = &self.rest[..end];
                    self.rest = &self.rest[end + 1..];
                    (line, LineEnding::Complete)
                }
                None => (std::mem::take(&mut self.rest), LineEnding::EndOfFile),
            };
            let bytes = bytes.trim_ascii();
            if !bytes.is_empty() {
                return Some(Line {
                    number: self.number,
                    bytes,
                    ending,
                });
            }
        }
        None
    }
}

/// A line that is not what was asked for.
#[derive(Debug)]
pub struct MalformedLine {
    /// The line's number in the file, from 1.
    pub line: u64,
    /// Whether the line is complete: the last one of a live file often is not.
    pub ending: LineEnding,
    error: serde_json::Error,
}

impl fmt::Display for MalformedLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.error)
    }
}

impl std::error::Error for MalformedLine {}
