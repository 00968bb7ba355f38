//! Where the pages of a transcript begin.
//!
//! A page begins where the one before has enough lines or bytes. Lines that are appended later only lengthen the last page, so
//! an address of a line keeps its page.

use std::ops::Range;

use memchr::memchr_iter;

/// How many lines a page has.
const LINES: u64 = 200;

/// After how many bytes a page ends.
const BYTES: u64 = 1 << 20;

/// The longest line that is read, in bytes. A longer one has a page for itself, which says how long it is.
pub const LONGEST_LINE: u64 = 16 << 20;

/// The pages of a transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    starts: Vec<Start>,
    lines: u64,
    bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    line: u64,
    offset: u64,
}

/// A page of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which page, from 0.
    pub number: usize,
    /// Its first line, from 1.
    pub first_line: u64,
    /// Its last line.
    pub last_line: u64,
    range: Range<u64>,
}

impl Page {
    /// Its place in the file.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// How many bytes it has.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Whether it is one line that is too long to be read.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.first_line == self.last_line && self.bytes() > LONGEST_LINE
    }
}

impl Pages {
    /// How many pages there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// How many lines the transcript has.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The page of this number, from 0.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<Page> {
        let start = self.starts.get(number)?;
        let next = self.starts.get(number + 1);
        Some(Page {
            number,
            first_line: start.line,
            last_line: next.map_or(self.lines, |next| next.line - 1),
            range: start.offset..next.map_or(self.bytes, |next| next.offset),
        })
    }

    /// The page with this line.
    #[must_use]
    pub fn with_line(&self, line: u64) -> Option<Page> {
        let after = self.starts.partition_point(|start| start.line <= line);
        self.get(after.checked_sub(1)?).filter(|page| line <= page.last_line)
    }
}

/// Finds the pages of a text that is read piece by piece.
#[derive(Debug, Default)]
pub(super) struct PageFinder {
    starts: Vec<Start>,
    /// How many lines have ended.
    lines: u64,
    /// Where the line under way begins.
    line_start: u64,
    /// How many bytes were read.
    bytes: u64,
    /// Whether the next line begins a page.
    is_full: bool,
}

impl PageFinder {
    /// Takes the next piece.
    pub(super) fn take(&mut self, piece: &[u8]) {
        for end in memchr_iter(b'\n', piece) {
            self.end_line(self.bytes + end as u64 + 1);
        }
        self.bytes += piece.len() as u64;
    }

    /// The pages of all that was taken.
    pub(super) fn finish(mut self) -> Pages {
        if self.line_start < self.bytes {
            self.end_line(self.bytes);
        }
        Pages {
            starts: self.starts,
            lines: self.lines,
            bytes: self.bytes,
        }
    }

    fn end_line(&mut self, end: u64) {
        let is_too_long = end - self.line_start > LONGEST_LINE;
        if self.starts.is_empty() || self.is_full || is_too_long {
            self.starts.push(Start {
                line: self.lines + 1,
                offset: self.line_start,
            });
        }
        self.lines += 1;
        self.line_start = end;
        let Some(start) = self.starts.last() else { return };
        self.is_full = is_too_long || self.lines + 1 - start.line >= LINES || end - start.offset >= BYTES;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pages(text: &[u8], piece: usize) -> Pages {
        let mut finder = PageFinder::default();
        text.chunks(piece.max(1)).for_each(|piece| finder.take(piece));
        finder.finish()
    }

    #[test]
    fn pages_end_after_enough_lines_or_bytes() {
        let found = pages(&b"{}\n".repeat(450), 7);
        assert_eq!((found.count(), found.lines()), (3, 450));
        let last = found.with_line(450).unwrap();
        assert_eq!((last.number, last.first_line, last.range()), (2, 401, 1200..1350));
        assert_eq!((found.with_line(0), found.with_line(451)), (None, None));
        assert_eq!(found.with_line(200).unwrap().number, 0);
        let large = [vec![b'a'; 600_000], vec![b'b'; 600_000], vec![b'c'; 3]].join(&b'\n');
        let found = pages(&large, 1 << 16);
        assert_eq!(found.count(), 2);
        assert_eq!(found.get(1).unwrap().first_line, 3);
        assert_eq!(pages(b"", 1), Pages::default());
    }

    #[test]
    fn a_line_that_is_too_long_has_a_page_for_itself() {
        let long = vec![b'a'; LONGEST_LINE as usize + 1];
        let found = pages(&[&b"{}"[..], &long, b"{}", b"{}"].join(&b'\n'), 1 << 20);
        let told: Vec<_> = (0..found.count()).map(|number| found.get(number).unwrap()).collect();
        let told: Vec<_> = told
            .iter()
            .map(|page| (page.first_line, page.last_line, page.is_too_long()))
            .collect();
        assert_eq!(told, [(1, 1, false), (2, 2, true), (3, 4, false)]);
    }

    proptest! {
        #[test]
        fn pages_cover_the_text_whatever_its_pieces(
            lines in prop::collection::vec(0_usize..9000, 0..900), ends in any::<bool>(), piece in 1_usize..5000,
        ) {
            let mut text: Vec<u8> = lines.iter().flat_map(|length| [vec![b'a'; *length], vec![b'\n']].concat()).collect();
            if !ends { text.push(b'b'); }
            let found = pages(&text, piece);
            prop_assert_eq!(&found, &pages(&text, usize::MAX));
            let mut at = 0;
            let mut line = 1;
            for number in 0..found.count() {
                let page = found.get(number).unwrap();
                prop_assert_eq!((page.range().start, page.first_line), (at, line));
                prop_assert!(page.last_line - page.first_line < LINES);
                at = page.range().end;
                line = page.last_line + 1;
            }
            prop_assert_eq!((at, line), (text.len() as u64, found.lines() + 1));
            let mut longer = text.clone();
            longer.extend_from_slice(b"\n{}\n{}\n");
            let longer = pages(&longer, piece);
            prop_assert_eq!(&longer.starts[..found.count()], &found.starts[..]);
        }
    }
}
