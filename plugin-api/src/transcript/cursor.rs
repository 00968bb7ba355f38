//! Reads a JSON text in one pass, member by member and element by element.

use std::{borrow::Cow, ops::Range};

use super::{
    escapes::unescape,
    skim::{Skimmer, Spelling},
};

/// A position in a JSON text. Every method that passes over something returns `None` if the text is not JSON there; the
/// cursor is then of no further use.
pub(super) struct Cursor<'a> {
    text: &'a str,
    skimmer: Skimmer<'a>,
}

impl<'a> Cursor<'a> {
    /// The beginning of a text.
    pub(super) fn of(text: &'a str) -> Self {
        let mut skimmer = Skimmer::at(text.as_bytes(), 0);
        skimmer.skip_whitespace();
        Self { text, skimmer }
    }

    /// Whether an object is next.
    pub(super) fn is_at_object(&self) -> bool {
        self.skimmer.peek() == Some(b'{')
    }

    /// Passes over a value of any depth, and returns it as written.
    pub(super) fn value(&mut self) -> Option<&'a str> {
        let place = self.skimmer.value()?;
        self.text.get(place)
    }

    /// Passes over a value, and returns it if it is a string, unescaped.
    pub(super) fn string(&mut self) -> Option<Option<Cow<'a, str>>> {
        if self.skimmer.peek() != Some(b'"') {
            return self.value().map(|_| None);
        }
        let (place, spelling) = self.skimmer.string()?;
        self.unquoted(place, spelling).map(Some)
    }

    /// Passes over an object. `take` is called at the value of each key, and must pass over it.
    pub(super) fn members(&mut self, mut take: impl FnMut(&[u8], &mut Self) -> Option<()>) -> Option<()> {
        self.skimmer.open(b'{')?;
        if self.skimmer.passes(b'}') {
            return Some(());
        }
        loop {
            self.skimmer.skip_whitespace();
            let key = self.key()?;
            self.skimmer.skip_whitespace();
            take(key.as_bytes(), self)?;
            if self.skimmer.closes(b'}')? {
                return Some(());
            }
        }
    }

    fn key(&mut self) -> Option<Cow<'a, str>> {
        let (place, spelling) = self.skimmer.key()?;
        self.unquoted(place, spelling)
    }

    fn unquoted(&self, quoted: Range<usize>, spelling: Spelling) -> Option<Cow<'a, str>> {
        let text = self.text.get(quoted.start + 1..quoted.end - 1)?;
        Some(match spelling {
            Spelling::Plain => Cow::Borrowed(text),
            Spelling::Escaped => unescape(text),
        })
    }

    /// Passes over a list. `take` is called at each element, and must pass over it.
    pub(super) fn elements(&mut self, mut take: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.skimmer.open(b'[')?;
        if self.skimmer.passes(b']') {
            return Some(());
        }
        loop {
            self.skimmer.skip_whitespace();
            take(self)?;
            if self.skimmer.closes(b']')? {
                return Some(());
            }
        }
    }

    /// Whether the text ends here.
    pub(super) fn end(&mut self) -> Option<()> {
        self.skimmer.end()
    }
}

#[cfg(test)]
mod tests;
