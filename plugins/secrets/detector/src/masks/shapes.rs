//! Tries patterns only after certain words, because most texts contain none of these words and patterns are slow.

use std::{ops::Range, sync::OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::Regex;

use super::{Mask, is_placeholder, quotes::end_of_quoted};

/// Replaces `NAME` in a pattern: the end of a name whose value is a secret.
const NAME: &str = r"(?:passw(?:or)?d|passwort|passphrase|pwd|passwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|auth[_-]?key|account[_-]?key|signing[_-]?key|encryption[_-]?key|master[_-]?key|license[_-]?key|session[_-]?key|connection[_-]?string|credentials?)[0-9]{0,2}";

/// Replaces `END` in a pattern: anything that may end an unquoted value.
const END: &str = r#"(?:[\s"'`;,&|)\]}]|\\|$)"#;

/// The maximum distance between a shape's word and its value, in bytes.
const LONGEST_NAME: usize = 128;

/// A form in which secrets occur.
pub(super) struct Shape {
    /// A pattern that begins with one of the words. Its first matching group is the secret.
    pub(super) pattern: &'static str,
    /// Whether the match is a secret.
    pub(super) fits: fn(&Found<'_>) -> bool,
}

/// A possible secret.
pub(super) struct Found<'t> {
    /// The text before the word.
    pub(super) before: &'t str,
    /// The text that the pattern matched.
    pub(super) matched: &'t str,
    /// The secret in that match.
    pub(super) value: &'t str,
}

/// Words, and the shapes that may begin with them.
pub(super) struct Shapes {
    /// The text that replaces the matches.
    pub(super) reason: &'static str,
    pub(super) words: &'static [&'static str],
    pub(super) reach: Reach,
    pub(super) shapes: &'static [Shape],
}

/// How much text the patterns examine after a word. A value that continues beyond it is masked to its end.
#[derive(Clone, Copy)]
pub(super) enum Reach {
    /// Enough for a name and the beginning of its value. Many of these words may follow each other, and each is
    /// examined.
    Near,
    /// Enough for the text after a value, or for a value far from its word.
    Far,
}

impl Reach {
    const fn bytes(self) -> usize {
        match self {
            Self::Near => 1 << 8,
            Self::Far => 1 << 10,
        }
    }
}

/// Searches a text for the words of several `Shapes` at once.
pub(super) struct Search {
    all: &'static [&'static Shapes],
    compiled: OnceLock<Option<Compiled>>,
}

struct Compiled {
    words: AhoCorasick,
    /// The `Shapes` that each word belongs to, as an index.
    owners: Vec<usize>,
    patterns: Vec<Vec<Regex>>,
}

impl Search {
    pub(super) const fn new(all: &'static [&'static Shapes]) -> Self {
        Self {
            all,
            compiled: OnceLock::new(),
        }
    }

    /// The masked parts of a text.
    #[cfg(test)]
    pub(super) fn masked<'t>(&self, text: &'t str) -> Vec<&'t str> {
        self.masks(text).into_iter().map(|mask| &text[mask.range]).collect()
    }

    /// The masks of a text. If a pattern does not compile, nothing is masked; the tests notice it.
    pub(super) fn masks(&self, text: &str) -> Vec<Mask> {
        let mut found = Vec::new();
        let Some(compiled) = self.compiled.get_or_init(|| Compiled::of(self.all)) else {
            return found;
        };
        let mut progress: Vec<Vec<Progress>> = compiled
            .patterns
            .iter()
            .map(|all| vec![Progress(0); all.len()])
            .collect();
        let mut value_ends = ValueEnds::of(text);
        for word in compiled.words.find_overlapping_iter(text) {
            let (before, all_behind) = text.split_at(word.start());
            let owner = compiled.owners[word.pattern().as_usize()];
            let rest = &all_behind[..all_behind.floor_char_boundary(self.all[owner].reach.bytes())];
            let shapes = compiled.patterns[owner].iter().zip(self.all[owner].shapes);
            for ((pattern, shape), progress) in shapes.zip(&mut progress[owner]) {
                if progress.covers(word.start()) {
                    continue;
                }
                if let Some(value) = shape.find(pattern, before, rest) {
                    let start = before.len() + value.start;
                    let is_cut = value.end == rest.len() && rest.len() < all_behind.len();
                    let end = match end_of_quoted(text, start) {
                        Some(end) => end.max(before.len() + value.end),
                        None if is_cut => value_ends.behind(start..before.len() + value.end),
                        None => before.len() + value.end,
                    };
                    *progress = Progress(end);
                    found.push(Mask {
                        reason: self.all[owner].reason,
                        range: start..end,
                    });
                }
            }
        }
        found
    }
}

/// The end of the last value that a shape has found.
#[derive(Clone, Copy)]
struct Progress(usize);

impl Progress {
    /// Whether the shape can only find a part of the last value from here on: all values that begin within it end where
    /// it ends. Without this check, a text that repeats a name would be read again from each repetition.
    fn covers(self, start: usize) -> bool {
        start + LONGEST_NAME < self.0
    }
}

/// Where long values end: with their word, or with their line if they have several words. Each end is searched for
/// once.
struct ValueEnds<'t> {
    text: &'t str,
    word: Range<usize>,
    line: Range<usize>,
}

impl<'t> ValueEnds<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            text,
            word: 0..0,
            line: 0..0,
        }
    }

    /// The end of the value whose known part is `begin`.
    fn behind(&mut self, begin: Range<usize>) -> usize {
        let has_words = self.text[begin.clone()].contains(char::is_whitespace);
        let known = if has_words { &mut self.line } else { &mut self.word };
        if !known.contains(&begin.end) {
            let rest = &self.text[begin.end..];
            let is_end = |letter: char| "\"'`\\\r\n".contains(letter) || !has_words && letter.is_whitespace();
            *known = begin.end..begin.end + rest.find(is_end).unwrap_or(rest.len());
        }
        known.end
    }
}

impl Shape {
    /// Finds the secret in a match at the start of `rest`.
    fn find(&self, pattern: &Regex, before: &str, rest: &str) -> Option<Range<usize>> {
        let captures = pattern.captures(rest)?;
        let value = captures.iter().skip(1).flatten().next()?;
        let found = Found {
            before,
            matched: captures.get_match().as_str(),
            value: value.as_str(),
        };
        (!is_placeholder(found.value) && (self.fits)(&found)).then(|| value.range())
    }
}

impl Compiled {
    fn of(all: &[&Shapes]) -> Option<Self> {
        let compile = |shape: &Shape| {
            let pattern = shape.pattern.replace("NAME", NAME).replace("END", END);
            Regex::new(&format!(r"\A(?:{pattern})")).ok()
        };
        let patterns = all.iter().map(|shapes| shapes.shapes.iter().map(compile).collect());
        let words = all.iter().flat_map(|shapes| shapes.words);
        let owners = (0..)
            .zip(all)
            .flat_map(|(owner, shapes)| shapes.words.iter().map(move |_| owner));
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA));
        Some(Self {
            words: builder.build(words).ok()?,
            owners: owners.collect(),
            patterns: patterns.collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_found_where_its_word_stands() {
        static SHAPES: Shapes = Shapes {
            reason: "letters",
            words: &["ab", "cd"],
            reach: Reach::Near,
            shapes: &[Shape {
                pattern: "ab(x)|cd(y)",
                fits: |found| !found.before.ends_with('!') && found.value.len() < found.matched.len(),
            }],
        };
        static SEARCH: Search = Search::new(&[&SHAPES]);
        let masks = SEARCH.masks("abx cd !abx CDy é cdy").into_iter();
        let found: Vec<_> = masks.map(|mask| (mask.reason, mask.range)).collect();
        assert_eq!(found, [("letters", 2..3), ("letters", 21..22)]);
    }
}
