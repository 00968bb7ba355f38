//! Skips JSON without parsing it: finds where values, and the strings in them, begin and end.
//!
//! Most of a transcript is skipped, and serde_json skips a value byte by byte. This skims strings in wide blocks, which
//! takes a fraction of the time. It accepts nothing that serde_json would reject. Where it stops, serde_json explains the
//! fault.

#[cfg(target_arch = "x86_64")]
mod blocks;
mod nesting;
mod plain;

use std::ops::Range;

use self::{
    nesting::{Container, Nesting},
    plain::plain_length,
};

/// A position in a text that may be JSON.
pub(super) struct Skimmer<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The objects and lists around the position, within the value that is being skipped.
    nesting: Nesting,
    /// The start of the last string.
    string: usize,
    /// The depth of the containers that are noted, and the start of the last of them.
    noted: (usize, usize),
}

/// Whether a string contains escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Plain,
    Escaped,
}

/// The position at which an object turns out to be torn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tear {
    /// The start of the last string before the tear. If the tear is inside a string, the string seems to go on into the next
    /// object, up to the quote of that object's first key.
    pub(super) string: usize,
    /// The object inside the torn one that ends at the tear, if there is one.
    pub(super) last: Option<Range<usize>>,
}

/// The end of the object that begins at `start`, whatever comes after it.
///
/// # Errors
/// Fails if the object is torn.
pub(super) fn object_end(bytes: &[u8], start: usize) -> Result<usize, Tear> {
    let mut skimmer = Skimmer::at(bytes, start);
    if let Some(object) = skimmer.value() {
        return Ok(object.end);
    }
    Err(Tear {
        string: skimmer.string,
        last: skimmer.object_before(start),
    })
}

impl<'a> Skimmer<'a> {
    pub(super) fn at(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            nesting: Nesting::default(),
            string: at,
            noted: (usize::MAX, at),
        }
    }

    /// The object that ends at this position, if the value that begins at `start` is torn.
    ///
    /// It takes a second pass, so that the first need not remember the start of each container.
    fn object_before(&self, start: usize) -> Option<Range<usize>> {
        let before = self.bytes.get(..self.at)?.trim_ascii_end();
        if before.last() != Some(&b'}') {
            return None;
        }
        let mut again = Self::at(self.bytes, start);
        again.noted.0 = self.nesting.depth();
        let _torn = again.value();
        let object = Self::at(before, again.noted.1).value()?;
        (object.end == before.len()).then_some(object)
    }

    pub(super) fn open(&mut self, opener: u8) -> Option<()> {
        self.skip_whitespace();
        self.expect(opener)?;
        self.skip_whitespace();
        Some(())
    }

    /// Called after a member or an element: whether it was the last.
    pub(super) fn closes(&mut self, closer: u8) -> Option<bool> {
        self.skip_whitespace();
        match self.passes(b',') {
            true => Some(false),
            false => self.expect(closer).map(|()| true),
        }
    }

    pub(super) fn end(&mut self) -> Option<()> {
        self.skip_whitespace();
        (self.at == self.bytes.len()).then_some(())
    }

    /// Skips a key and its colon, and returns the key with its quotes.
    pub(super) fn key(&mut self) -> Option<(Range<usize>, Spelling)> {
        let key = self.string()?;
        self.skip_whitespace();
        self.expect(b':')?;
        Some(key)
    }

    /// Skips a string, and returns it with its quotes.
    #[inline]
    pub(super) fn string(&mut self) -> Option<(Range<usize>, Spelling)> {
        let start = self.at;
        let spelling = self.skip_string()?;
        Some((start..self.at, spelling))
    }

    /// Skips a value of any depth, and returns it as written.
    pub(super) fn value(&mut self) -> Option<Range<usize>> {
        if self.peek() == Some(b'"') {
            return self.string().map(|(string, _)| string);
        }
        let start = self.at;
        self.nesting.clear();
        loop {
            let begins_another = self.begin_value()?;
            if !begins_another && self.end_value()? {
                return Some(start..self.at);
            }
            self.skip_whitespace();
        }
    }

    /// Skips a scalar or an empty container, or enters a container. Returns whether a value inside the container comes next.
    fn begin_value(&mut self) -> Option<bool> {
        match self.peek()? {
            b'"' => _ = self.skip_string()?,
            b'{' => return self.enter(Container::Object),
            b'[' => return self.enter(Container::List),
            b't' => self.skip_literal("true")?,
            b'f' => self.skip_literal("false")?,
            b'n' => self.skip_literal("null")?,
            _ => self.skip_number()?,
        }
        Some(false)
    }

    fn enter(&mut self, container: Container) -> Option<bool> {
        if self.nesting.depth() == self.noted.0 {
            self.noted.1 = self.at;
        }
        self.at += 1;
        self.skip_whitespace();
        if self.passes(container.closer()) {
            return Some(false);
        }
        if container == Container::Object {
            self.key()?;
        }
        self.nesting.enter(container);
        Some(true)
    }

    /// Called after a value: leaves the containers that end here. Returns whether the outermost one ended.
    fn end_value(&mut self) -> Option<bool> {
        while let Some(container) = self.nesting.innermost() {
            if self.closes(container.closer())? {
                self.nesting.leave();
                continue;
            }
            if container == Container::Object {
                self.skip_whitespace();
                self.key()?;
            }
            return Some(false);
        }
        Some(true)
    }

    #[inline]
    fn skip_string(&mut self) -> Option<Spelling> {
        self.string = self.at;
        self.expect(b'"')?;
        match plain::short_end(self.bytes.get(self.at..)?) {
            Some(end) => {
                self.at += end;
                Some(Spelling::Plain)
            }
            None => self.skip_long_string(),
        }
    }

    /// As [`skip_string`](Self::skip_string), behind the opening quote.
    #[inline(never)]
    fn skip_long_string(&mut self) -> Option<Spelling> {
        let mut spelling = Spelling::Plain;
        #[cfg(target_arch = "x86_64")]
        if let Some(passed) = blocks::pass_over(self.bytes, self.at) {
            self.at = passed.at;
            spelling = passed.spelling;
            if passed.end == blocks::End::OfString {
                return Some(spelling);
            }
        }
        loop {
            self.at += plain_length(self.bytes.get(self.at..)?);
            match self.next()? {
                b'"' => return Some(spelling),
                b'\\' => self.skip_escape()?,
                _ => return None,
            }
            spelling = Spelling::Escaped;
        }
    }

    fn skip_escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.bytes.get(self.at..self.at + 4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn skip_literal(&mut self, literal: &str) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        self.at += literal.len();
        rest.starts_with(literal.as_bytes()).then_some(())
    }

    fn skip_number(&mut self) -> Option<()> {
        self.passes(b'-');
        if !self.passes(b'0') {
            self.skip_digits()?;
        }
        if self.passes(b'.') {
            self.skip_digits()?;
        }
        if self.passes(b'e') || self.passes(b'E') {
            let _is_signed = self.passes(b'-') || self.passes(b'+');
            self.skip_digits()?;
        }
        Some(())
    }

    /// Skips at least one.
    fn skip_digits(&mut self) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }

    pub(super) fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Skips a byte if it is the next one. The processor guesses which byte comes next, and need not wait for it.
    #[inline]
    pub(super) fn passes(&mut self, byte: u8) -> bool {
        if self.peek() == Some(byte) {
            self.at += 1;
            return true;
        }
        false
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.passes(byte).then_some(())
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }
}
