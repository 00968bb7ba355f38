//! The lines of a transcript, before anything is parsed.

use std::fmt;

use memchr::memchr;
use serde::{Deserialize, de::Error};

use crate::transcript::{Event, EventKinds, is_object};

/// One line of a transcript, or one piece of a spliced line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line's number in the file, from 1.
    pub number: u64,
    /// The text, without the line break.
    pub bytes: &'a [u8],
    /// Whether the line is complete.
    pub ending: LineEnding,
}

/// Whether a line is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnding {
    /// More of the file follows.
    Complete,
    /// The file ends here. An agent may still write the rest of the line.
    EndOfFile,
}

impl<'a> Line<'a> {
    /// Parses the line as an [`Event`].
    ///
    /// # Errors
    /// Fails if the line is not a JSON object.
    pub fn event(self) -> Result<Event<'a>, MalformedLine<'a>> {
        let mut event = Event::default();
        match event.fill(self.bytes) {
            Ok(()) => {
                event.line = self.number;
                Ok(event)
            }
            Err(error) => Err(self.malformed(error)),
        }
    }

    /// Parses the line as an [`Event`] if it is of one of these kinds.
    pub(crate) fn event_of(self, kinds: EventKinds) -> Result<Option<Event<'a>>, MalformedLine<'a>> {
        if kinds.lack(self.bytes) {
            return Ok(None);
        }
        let event = self.event()?;
        Ok(Some(event).filter(|event| kinds.contain(event.kind)))
    }

    /// Parses the line as any serde type.
    ///
    /// # Errors
    /// Fails if the line is not JSON, or not of this type.
    pub fn parse<T: Deserialize<'a>>(self) -> Result<T, MalformedLine<'a>> {
        serde_json::from_slice(self.bytes).map_err(|error| self.malformed(error))
    }

    /// The line, if it is a JSON object.
    pub(crate) fn object(self) -> Result<Self, MalformedLine<'a>> {
        match is_object(self.bytes) {
            true => Ok(self),
            false => Err(self.unreadable()),
        }
    }

    /// The error for a piece that is not a record.
    pub(crate) fn unreadable(self) -> MalformedLine<'a> {
        let error = Event::parse(self.bytes).err();
        self.malformed(error.unwrap_or_else(|| serde_json::Error::custom("not a record")))
    }

    fn malformed(self, error: serde_json::Error) -> MalformedLine<'a> {
        MalformedLine {
            line: self.number,
            bytes: self.bytes,
            ending: self.ending,
            error,
        }
    }
}

/// A line, or a piece of one, that does not parse as the requested type.
#[derive(Debug)]
pub struct MalformedLine<'a> {
    /// The line's number in the file, from 1.
    pub line: u64,
    /// The complete line, or the piece of it that is not a record.
    pub bytes: &'a [u8],
    /// Whether the line is complete. The last line of a live file often is not.
    pub ending: LineEnding,
    error: serde_json::Error,
}

impl<'a> MalformedLine<'a> {
    pub(crate) fn piece(self) -> Line<'a> {
        Line {
            number: self.line,
            bytes: self.bytes,
            ending: self.ending,
        }
    }
}

impl fmt::Display for MalformedLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.error)
    }
}

impl std::error::Error for MalformedLine<'_> {}

/// The lines that are not blank, whatever their content.
#[derive(Clone, Debug)]
pub(crate) struct RawLines<'a> {
    rest: &'a [u8],
    number: u64,
}

impl<'a> RawLines<'a> {
    pub(crate) fn of(transcript: &'a [u8]) -> Self {
        Self {
            rest: transcript,
            number: 0,
        }
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl<'a> Iterator for RawLines<'a> {
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
            // Every line may have a mark: people concatenate files.
            let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii();
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
