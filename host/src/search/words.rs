//! Turns the words that somebody searches for into regular expressions, for DuckDB and for this program.
//!
//! Both must find the same, since DuckDB finds the texts and this program the places in them. So only what both know alike
//! is used: literals, and explicit sets of characters.

use regex::{Regex, RegexBuilder};

use super::error::SearchError;

/// The maximum number of words and phrases, and of their letters.
const MOST_WORDS: usize = 32;
const MOST_LETTERS: usize = 1000;

/// The maximum size of a compiled pattern, in bytes. A search takes the longer, the larger it is.
const LARGEST: usize = 4 << 20;

/// What separates the words of a phrase in a text: lines may be broken there.
const GAP: &str = "[ \\t\\r\\n]+";

/// The patterns of a search: a text must match each.
#[derive(Debug)]
pub(super) struct Patterns {
    /// The regular expressions.
    all: Vec<Regex>,
}

impl Patterns {
    /// The patterns of words. Upper and lower case are the same.
    ///
    /// # Errors
    /// When there is no word, or too many.
    pub(super) fn of_words(text: &str) -> Result<Self, SearchError> {
        refuse_long(text)?;
        let words = words(text);
        match words.len() {
            0 => Err(SearchError::NoWord),
            1..=MOST_WORDS => Self::of(words.iter().map(|word| literal(word))),
            _ => Err(too_much()),
        }
    }

    /// The pattern that is a regular expression. Upper and lower case are the same, unless it says otherwise.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn of_regex(text: &str) -> Result<Self, SearchError> {
        refuse_long(text)?;
        match text.is_empty() {
            true => Err(SearchError::NoWord),
            false => Self::of([text.to_owned()].into_iter()),
        }
    }

    fn of(patterns: impl Iterator<Item = String>) -> Result<Self, SearchError> {
        let compiled = |pattern: String| {
            let mut builder = RegexBuilder::new(&format!("(?i){pattern}"));
            builder.size_limit(LARGEST).build()
        };
        let patterns = patterns.map(compiled);
        let all: Result<Vec<Regex>, regex::Error> = patterns.collect();
        all.map(|all| Self { all })
            .map_err(|error| SearchError::Pattern(Box::new(error)))
    }

    /// The regular expressions.
    pub(super) fn all(&self) -> &[Regex] {
        &self.all
    }

    /// Their texts.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.all.iter().map(Regex::as_str).collect()
    }
}

fn refuse_long(text: &str) -> Result<(), SearchError> {
    match text.chars().nth(MOST_LETTERS) {
        None => Ok(()),
        Some(_) => Err(too_much()),
    }
}

fn too_much() -> SearchError {
    SearchError::TooMuch {
        words: MOST_WORDS,
        letters: MOST_LETTERS,
    }
}

/// The words, and the phrases in double quotes. A quote that nothing closes extends to the end.
fn words(text: &str) -> Vec<&str> {
    let parts = text.split('"').enumerate();
    let words = parts.flat_map(|(number, part)| match number % 2 {
        0 => part.split_whitespace().collect(),
        _ => vec![part.trim()],
    });
    words.filter(|word| !word.is_empty()).collect()
}

/// The pattern of a word or phrase.
fn literal(word: &str) -> String {
    let words = word.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty());
    words.map(regex::escape).collect::<Vec<_>>().join(GAP)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn phrases_stay_whole() {
        assert_eq!(words(r#" one "two  three" four"#), ["one", "two  three", "four"]);
        assert_eq!(words(r#"a"b c"#), ["a", "b c"]);
        assert_eq!(words("\"\" \" \""), [""; 0]);
    }

    fn matches(asked: &str, text: &str) -> bool {
        Patterns::of_words(asked)
            .unwrap()
            .all()
            .iter()
            .all(|pattern| pattern.is_match(text))
    }

    #[test]
    fn words_are_found_in_any_order_and_case_and_phrases_over_line_breaks() {
        assert!(matches("Größe TEST", "test der GRÖSSE größe"));
        assert!(!matches("one two", "one"));
        assert!(matches(r#""one two""#, "one\n  Two"));
        assert!(!matches(r#""one two""#, "two one"));
        for odd in ["100%", "a_b", "it's", "f(x)*[y]", "a\\d", "^$.|?+{2}", "#&-~", "日本"] {
            assert!(matches(odd, &format!("x {odd} y")), "{odd}");
            assert!(!matches(odd, "x aXb 1000 its y ad"), "{odd}");
        }
    }

    #[test]
    fn what_is_nothing_or_too_much_is_refused() {
        assert!(matches!(Patterns::of_words(" \"\" "), Err(SearchError::NoWord)));
        assert!(matches!(Patterns::of_regex(""), Err(SearchError::NoWord)));
        assert!(matches!(
            Patterns::of_words(&"a ".repeat(33)),
            Err(SearchError::TooMuch { .. })
        ));
        assert!(matches!(
            Patterns::of_regex(&"a".repeat(1001)),
            Err(SearchError::TooMuch { .. })
        ));
        for regex in ["(", "(?:\\w{100}){100}"] {
            assert!(
                matches!(Patterns::of_regex(regex), Err(SearchError::Pattern(_))),
                "{regex}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_phrase_finds_itself_and_nothing_without_it(phrase in "[^\"]{1,20}", other in "[a-z]{0,20}") {
            prop_assume!(!words(&format!("\"{phrase}\"")).is_empty());
            let asked = format!("\"{phrase}\"");
            prop_assert!(matches(&asked, &phrase));
            if !phrase.trim().chars().all(|letter| letter.is_alphabetic()) {
                prop_assert!(!matches(&asked, &other));
            }
        }
    }
}
