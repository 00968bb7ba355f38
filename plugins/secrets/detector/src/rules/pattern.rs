//! Translates the regular expressions of rule files from Go's syntax for the `regex` crate.
//!
//! The two differ little: Go's classes `\w`, `\d`, `\s` and its `\b` know only ASCII, a brace that counts nothing
//! stands for itself, and a class contains neither nested classes nor operators.

use regex::{Regex, RegexBuilder};

/// Compiles a pattern in Go's syntax.
pub(super) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    const COMPILED_BYTES: usize = 64 << 20;
    const CACHED_BYTES: usize = 8 << 20;
    RegexBuilder::new(&translate(pattern))
        .size_limit(COMPILED_BYTES)
        .dfa_size_limit(CACHED_BYTES)
        .build()
}

/// The minimum number of bytes of any match of a compiled pattern.
pub(super) fn minimum_length(pattern: &Regex) -> usize {
    let parsed = regex_syntax::parse(pattern.as_str());
    parsed
        .ok()
        .and_then(|parsed| parsed.properties().minimum_len())
        .unwrap_or(0)
}

fn translate(pattern: &str) -> String {
    let mut translation = Translation {
        rest: pattern,
        written: String::with_capacity(pattern.len() * 2),
    };
    translation.run();
    translation.written
}

struct Translation<'a> {
    rest: &'a str,
    written: String,
}

impl Translation<'_> {
    fn run(&mut self) {
        while let Some(character) = self.next() {
            match character {
                '\\' => self.escape(),
                '[' => self.class(),
                '{' if !is_repetition(self.rest) => self.written.push_str(r"\{"),
                other => self.written.push(other),
            }
        }
    }

    /// Copies a class whose opening bracket has already been copied.
    fn class(&mut self) {
        self.written.push('[');
        if self.rest.starts_with('^') {
            self.pass();
        }
        if self.rest.starts_with(']') {
            self.rest = &self.rest[1..];
            self.written.push_str(r"\]");
        }
        while let Some(character) = self.next() {
            match character {
                '\\' => self.escape(),
                '[' if self.rest.starts_with(':') => self.named_class(),
                '[' => self.written.push_str(r"\["),
                '&' => self.written.push_str(r"\&"),
                '~' => self.written.push_str(r"\~"),
                '-' if self.rest.starts_with('-') => self.range_of_hyphens(),
                other => self.written.push(other),
            }
            if character == ']' {
                return;
            }
        }
    }

    /// Copies the first of two hyphens: the beginning of a range from a hyphen, or the middle of a range that ends with
    /// one.
    fn range_of_hyphens(&mut self) {
        if self.written.ends_with(['[', '^']) {
            self.written.push_str(r"\-");
        } else {
            self.rest = &self.rest[1..];
            self.written.push_str(r"-\-");
        }
    }

    /// Copies a class such as `[:alnum:]`, whose bracket has already been copied, or the bracket alone if it begins no
    /// class.
    fn named_class(&mut self) {
        match self.rest.find(":]") {
            Some(end)
                if self.rest[1..end]
                    .chars()
                    .all(|letter| letter.is_ascii_alphabetic() || letter == '^') =>
            {
                self.written.push('[');
                self.written.push_str(&self.rest[..end + 2]);
                self.rest = &self.rest[end + 2..];
            }
            _ => self.written.push_str(r"\["),
        }
    }

    /// Copies an escape whose backslash has already been copied.
    fn escape(&mut self) {
        let Some(escaped) = self.next() else {
            self.written.push('\\');
            return;
        };
        match escaped {
            'w' => self.written.push_str("[0-9A-Za-z_]"),
            'W' => self.written.push_str("[^0-9A-Za-z_]"),
            'd' => self.written.push_str("[0-9]"),
            'D' => self.written.push_str("[^0-9]"),
            's' => self.written.push_str(r"[\t\n\f\r ]"),
            'S' => self.written.push_str(r"[^\t\n\f\r ]"),
            'b' => self.written.push_str(r"(?-u:\b)"),
            '<' | '>' => self.written.push(escaped),
            other => {
                self.written.push('\\');
                self.written.push(other);
                self.braces_of(other);
            }
        }
    }

    /// Copies the braces of `\x{..}`, `\p{..}` and `\P{..}`, which count nothing.
    fn braces_of(&mut self, escaped: char) {
        if matches!(escaped, 'x' | 'p' | 'P')
            && self.rest.starts_with('{')
            && let Some(end) = self.rest.find('}')
        {
            self.written.push_str(&self.rest[..=end]);
            self.rest = &self.rest[end + 1..];
        }
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    fn pass(&mut self) {
        if let Some(character) = self.next() {
            self.written.push(character);
        }
    }
}

/// Whether the text after an opening brace counts repetitions: `{2}`, `{2,}` or `{2,3}`.
fn is_repetition(after_brace: &str) -> bool {
    let Some((inside, _)) = after_brace.split_once('}') else {
        return false;
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match inside.split_once(',') {
        None => is_number(inside),
        Some((least, most)) => is_number(least) && (most.is_empty() || is_number(most)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern).unwrap().is_match(text)
    }

    #[test]
    fn classes_know_ascii_only() {
        assert!(matches(r"^\w+\s\d$", "az_09 7") && !matches(r"\w", "é") && !matches(r"\d", "٣"));
        assert!(!matches(r"\s", "\u{b}") && matches(r"^[^\s\d]$", "\u{b}") && matches(r"^[\W\D]$", "é"));
        assert!(matches(r"\bkey\b", "ékeyé") && !matches(r"\bkey\b", "akey"));
    }

    #[test]
    fn braces_that_count_nothing_are_themselves() {
        assert!(matches(r"^\$(?:\d+|{\d+})$", "${12}") && matches(r"^{{[a-z]+}}$", "{{name}}"));
        assert!(matches(r"^a{2}b{1,}c{0,3}$", "aabbccc") && matches(r"^a{,2}$", "a{,2}"));
        assert!(matches(r"^\x{41}\p{Lu}$", "AB"));
    }

    #[test]
    fn classes_hold_brackets_and_operators_as_they_are() {
        assert!(matches(r"^[^]]+$", "a[b") && matches(r"^[]a]+$", "a]") && matches(r"^[[]$", "["));
        assert!(matches(r"^[a&&b]+$", "a&b") && matches(r"^[~~]$", "~") && matches(r"^[+--]+[--/]$", "+,-."));
        assert!(matches(r"^[[:alnum:]_]+$", "a_9") && matches(r"^[[:x]$", ":"));
    }

    #[test]
    fn escapes_are_kept() {
        assert!(matches(r#"^\x60\"\/\<\>\.\z"#, "`\"/<>.") && matches(r"^(?-i:[Aa]pi)(?i)KEY$", "Apikey"));
    }

    #[test]
    fn an_invalid_pattern_is_an_error() {
        for pattern in ["(", "[a", r"\", r"(?<x", "*"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn the_least_length_of_a_match_is_known() {
        let minimum = |pattern| minimum_length(&compile(pattern).unwrap());
        assert_eq!(minimum(r"\bghp_[0-9a-zA-Z]{36}\b"), 40);
        assert_eq!(minimum("a*|bcd"), 0);
    }
}
