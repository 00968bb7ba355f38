//! Counts the places of a session where a secret occurs.

use crate::transcript::Enclosure;

/// A part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything but the tool's record.
    Message,
    /// The tool's own record of a result. It repeats text of the message.
    ToolRecord,
}

impl Part {
    /// The part that contains a place.
    pub(crate) fn of(enclosures: &[Enclosure<'_>]) -> Self {
        match enclosures.first() {
            Some(Enclosure::Object(Some(key))) if key.is("toolUseResult") => Self::ToolRecord,
            _ => Self::Message,
        }
    }
}

/// The places of a secret. A secret in a message and again in the tool's record of the same line counts as one place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occurrences {
    in_earlier_lines: i64,
    line: u64,
    in_message: i64,
    in_record: i64,
}

impl Occurrences {
    /// The first place.
    pub(crate) fn first(line: u64, part: Part) -> Self {
        let mut first = Self::in_line(line, 0);
        first.add(line, part);
        first
    }

    /// Counts one more place. Lines come in the order of the transcript.
    pub(crate) fn add(&mut self, line: u64, part: Part) {
        if line != self.line {
            *self = Self::in_line(line, self.count());
        }
        match part {
            Part::Message => self.in_message += 1,
            Part::ToolRecord => self.in_record += 1,
        }
    }

    /// The number of places.
    pub(crate) fn count(&self) -> i64 {
        self.in_earlier_lines + self.in_message.max(self.in_record)
    }

    fn in_line(line: u64, in_earlier_lines: i64) -> Self {
        Self {
            in_earlier_lines,
            line,
            in_message: 0,
            in_record: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_in_the_tools_record_is_not_counted() {
        let mut occurrences = Occurrences::first(1, Part::Message);
        occurrences.add(1, Part::ToolRecord);
        assert_eq!(occurrences.count(), 1);
        occurrences.add(1, Part::ToolRecord);
        assert_eq!(occurrences.count(), 2);
        occurrences.add(7, Part::ToolRecord);
        occurrences.add(7, Part::Message);
        occurrences.add(8, Part::Message);
        assert_eq!(occurrences.count(), 4);
    }
}
