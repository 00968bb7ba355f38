//! Splits a spliced line. Such a line is not a JSON object, but may contain whole records: a line break was lost, a record
//! was torn, or the file system left zeros.

use std::ops::Range;

use memchr::memchr;

use super::{
    marks::is_distinct,
    skim::{Tear, object_end},
    utf8,
};

/// A part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// A complete record.
    Record(&'a [u8]),
    /// The text between records.
    Unreadable(&'a [u8]),
}

/// The parts of a line, in their order. The line neither begins nor ends with whitespace.
///
/// An object at the beginning of the line, or directly after a record, is a record. An object after torn text must look
/// like a record, because it could be a part of the torn record. Objects inside a complete object are never examined.
/// The time is linear in the length of the line, whatever its content: each byte is passed a few times.
#[derive(Clone, Debug)]
pub(crate) struct Parts<'a> {
    line: &'a [u8],
    /// The end of the parts that were returned.
    given: usize,
    /// The record to return next.
    record: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(line: &'a [u8]) -> Self {
        Self {
            line,
            given: 0,
            record: None,
        }
    }

    /// Whether every part was returned.
    pub(crate) fn are_over(&self) -> bool {
        self.record.is_none() && self.given == self.line.len()
    }

    /// The place of the next record.
    fn next_record(&self) -> Option<Range<usize>> {
        let mut at = self.given;
        let mut is_torn = false;
        loop {
            let passed = memchr(b'{', &self.line[at..])?;
            is_torn |= !is_blank(&self.line[at..at + passed]);
            let start = at + passed;
            match object_end(self.line, start) {
                Ok(end) if self.is_record(start..end, is_torn) => return Some(start..end),
                Ok(end) => at = end,
                Err(Tear { last: Some(last), .. }) if self.is_record(last.clone(), true) => return Some(last),
                Err(Tear { string, .. }) => at = string.clamp(start + 1, self.line.len()),
            }
            is_torn = true;
        }
    }

    fn is_record(&self, place: Range<usize>, is_torn: bool) -> bool {
        let object = &self.line[place];
        match is_torn {
            true => is_distinct(object),
            false => utf8::text(object).is_ok(),
        }
    }
}

/// Whether the bytes are only zeros and whitespace.
fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace())
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if let Some(record) = self.record.take() {
            return Some(Part::Record(record));
        }
        let found = self.next_record().unwrap_or(self.line.len()..self.line.len());
        let between = self.line[self.given..found.start].trim_ascii();
        self.given = found.end;
        self.record = Some(&self.line[found]).filter(|record| !record.is_empty());
        match between.is_empty() {
            true => self.record.take().map(Part::Record),
            false => Some(Part::Unreadable(between)),
        }
    }
}
