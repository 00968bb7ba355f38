//! The lines of a transcript as they stand in the file.

use std::fmt;

use memchr::memchr;
use serde::{Deserialize, de::Error};

use crate::transcript::{Event, is_object};

/// One line of a transcript, or a piece of one that is spliced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line's number in the file, from 1.
    pub number: u64,
    /// What stands there, without the line break.
    pub bytes: &'a [u8],
    /// Whether it is complete.
    pub ending: LineEnding,
}

/// Whether a line is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnding {
    /// More of the file follows.
    Complete,
    /// The file ends here: on a live file, the rest may still be written.
    EndOfFile,
}

impl<'a> Line<'a> {
    /// The line as an [`Event`].
    ///
    /// # Errors
    /// When the line is no JSON object.
    pub fn event(self) -> Result<Event<'a>, MalformedLine<'a>> {
        let mut event = Event::parse(self.bytes).map_err(|error| self.malformed(error))?;
        event.line = self.number;
        Ok(event)
    }

    /// The line as any serde type.
    ///
    /// # Errors
    /// When the line is no JSON, or not of this type.
    pub fn parse<T: Deserialize<'a>>(self) -> Result<T, MalformedLine<'a>> {
        serde_json::from_slice(self.bytes).map_err(|error| self.malformed(error))
    }

    /// The line, where it is a JSON object.
    pub(crate) fn object(self) -> Result<Self, MalformedLine<'a>> {
        match is_object(self.bytes) {
            true => Ok(self),
            false => Err(self.unreadable()),
        }
    }

    /// What is no record, with the reason.
    pub(crate) fn unreadable(self) -> MalformedLine<'a> {
        let error = Event::parse(self.bytes).err();
        self.malformed(error.unwrap_or_else(|| serde_json::Error::custom("no record")))
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

/// A line, or a piece of one, that is not what was asked for.
#[derive(Debug)]
pub struct MalformedLine<'a> {
    /// The line's number in the file, from 1.
    pub line: u64,
    /// What stands there: the whole line, or the piece of it that is no record.
    pub bytes: &'a [u8],
    /// Whether it is complete: the end of a live file often is not.
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

/// The lines that are not blank, whatever stands in them.
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
            // Every line may have a mark: files are put together of several.
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
