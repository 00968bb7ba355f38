//! Reads the records of a transcript, also those in lines that are spliced.

use crate::{
    Line, LineEnding, MalformedLine,
    lines::RawLines,
    tally::Tally,
    transcript::{Part, Parts, is_object},
};

/// What reads a transcript from its beginning to its end.
pub(crate) struct Reader<'s, 'a> {
    lines: RawLines<'a>,
    /// The line that is taken apart, and what is left of it.
    spliced: Option<(Line<'a>, Parts<'a>)>,
    tally: &'s Tally,
}

impl<'s, 'a> Reader<'s, 'a> {
    pub(crate) fn new(transcript: &'a [u8], tally: &'s Tally) -> Self {
        Self {
            lines: RawLines::of(transcript),
            spliced: None,
            tally,
        }
    }

    /// What `read` makes of each record; an error for what is no record, and for a record that it does not take.
    ///
    /// A line that is read at once is not looked at a second time.
    pub(crate) fn records<T>(
        mut self,
        read: impl Fn(Line<'a>) -> Result<T, MalformedLine<'a>>,
    ) -> impl Iterator<Item = Result<T, MalformedLine<'a>>> {
        std::iter::from_fn(move || {
            loop {
                if let Some(piece) = self.next_piece() {
                    return Some(piece.and_then(&read));
                }
                let Some(line) = self.lines.next() else {
                    self.tally.ends();
                    return None;
                };
                match read(line) {
                    Err(_) if !is_object(line.bytes) => self.spliced = Some((line, Parts::of(line.bytes))),
                    record => {
                        self.tally.reads(line.bytes);
                        return Some(record);
                    }
                }
            }
        })
    }

    fn next_piece(&mut self) -> Option<Result<Line<'a>, MalformedLine<'a>>> {
        let (line, parts) = self.spliced.as_mut()?;
        let Some(part) = parts.next() else {
            self.spliced = None;
            return None;
        };
        let (Part::Record(bytes) | Part::Unreadable(bytes)) = part;
        let is_last = parts.are_over();
        let ending = if is_last { line.ending } else { LineEnding::Complete };
        let number = line.number;
        let piece = Line { number, bytes, ending };
        Some(match part {
            Part::Record(_) => {
                self.tally.reads(bytes);
                Ok(piece)
            }
            Part::Unreadable(_) => {
                self.tally.passes_over(&piece);
                Err(piece.unreadable())
            }
        })
    }
}

#[cfg(test)]
mod tests;
