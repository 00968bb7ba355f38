//! Patterns that are tried only where one of some words stands: most of a text has none, and a pattern takes its time.

use std::{ops::Range, sync::OnceLock};

use aho_corasick::AhoCorasick;
use regex::Regex;

use super::is_placeholder;

/// What stands for `NAME` in a pattern: the end of a name whose value is a secret.
const NAME: &str = r"(?:passw(?:or)?d|passphrase|pwd|passwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|auth[_-]?key|account[_-]?key|signing[_-]?key|encryption[_-]?key|master[_-]?key|license[_-]?key|session[_-]?key|connection[_-]?string|credentials?)[0-9]{0,2}";

/// What stands for `END` in a pattern: what may end an unquoted value.
const END: &str = r#"(?:[\s"'`;,&|)\]}]|\\|$)"#;

/// How much of a text is looked at from a word on, in bytes.
const LOOKED_AT: usize = 16 << 10;

/// A form in which a secret may stand.
pub(super) struct Shape {
    /// A pattern that begins with one of the words; its first group that takes part is the secret.
    pub(super) pattern: &'static str,
    /// Whether it is one.
    pub(super) fits: fn(&Found<'_>) -> bool,
}

/// What may be a secret.
pub(super) struct Found<'t> {
    /// What stands before the word.
    pub(super) before: &'t str,
    /// What the pattern matched.
    pub(super) matched: &'t str,
    /// The secret in that.
    pub(super) value: &'t str,
}

/// Words, and the forms that may begin with them.
pub(super) struct Shapes {
    words: &'static [&'static str],
    shapes: &'static [Shape],
    compiled: OnceLock<Option<Compiled>>,
}

struct Compiled {
    words: AhoCorasick,
    patterns: Vec<Regex>,
}

impl Shapes {
    pub(super) const fn new(words: &'static [&'static str], shapes: &'static [Shape]) -> Self {
        Self {
            words,
            shapes,
            compiled: OnceLock::new(),
        }
    }

    /// Where the secrets are. A pattern that does not compile finds nothing, which its tests tell.
    pub(super) fn find(&'static self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let Some(compiled) = self.compiled.get_or_init(|| self.compile()) else {
            return found;
        };
        for word in compiled.words.find_iter(text) {
            let (before, rest) = text.split_at(word.start());
            let rest = &rest[..rest.floor_char_boundary(LOOKED_AT)];
            for (pattern, shape) in compiled.patterns.iter().zip(self.shapes) {
                let Some(captures) = pattern.captures(rest) else {
                    continue;
                };
                let Some(value) = captures.iter().skip(1).flatten().next() else {
                    continue;
                };
                let may_be = Found {
                    before,
                    matched: captures.get_match().as_str(),
                    value: value.as_str(),
                };
                if !is_placeholder(may_be.value) && (shape.fits)(&may_be) {
                    found.push(before.len() + value.start()..before.len() + value.end());
                }
            }
        }
        found
    }

    fn compile(&self) -> Option<Compiled> {
        let words = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(self.words)
            .ok()?;
        let patterns = self.shapes.iter().map(|shape| {
            let pattern = shape.pattern.replace("NAME", NAME).replace("END", END);
            Regex::new(&format!(r"\A(?:{pattern})")).ok()
        });
        Some(Compiled {
            words,
            patterns: patterns.collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_told_by_its_place() {
        static SHAPES: Shapes = Shapes::new(
            &["ab", "cd"],
            &[Shape {
                pattern: "ab(x)|cd(y)",
                fits: |found| !found.before.ends_with('!') && found.value.len() < found.matched.len(),
            }],
        );
        assert_eq!(SHAPES.find("abx cd !abx CDy é cdy"), [2..3, 21..22]);
    }
}
