//! The parts of a text around what was found in it.

use std::{iter, ops::Range, time::Instant};

use regex::Regex;
use serde::{Deserialize, Serialize};

/// How many bytes before and after a match an excerpt shows.
const BEFORE: usize = 60;
const AFTER: usize = 140;

/// How many bytes of a long match it shows.
const OF_MATCH: usize = 200;

/// How many parts of a text it shows at most.
const MOST_PARTS: usize = 3;

/// How many bytes of a text are searched at once: a hostile pattern takes long on a long text, and nothing interrupts it.
const AT_ONCE: usize = 8 << 10;

/// How many of them are searched again with those behind them, so that a match of this length is not missed.
const OVERLAP: usize = 1 << 10;

/// The parts of a text around what was found in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Excerpt(pub Vec<Piece>);

/// A piece of an excerpt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The text, in one line.
    pub text: String,
    /// Whether this is what somebody searched for.
    pub hit: bool,
}

impl Excerpt {
    /// The parts of a text around the first match of each pattern. A match that is not found until then is not shown.
    pub(super) fn of(text: &str, patterns: &[Regex], until: Instant) -> Self {
        let mut pieces = Pieces::default();
        let windows = windows(text, patterns, until);
        for window in &windows {
            if window.start > 0 {
                pieces.add("…", false);
            }
            let mut shown = window.start;
            for hit in hits(text, window, patterns, until) {
                pieces.add(&text[shown..hit.start], false);
                pieces.add(&text[hit.clone()], true);
                shown = hit.end;
            }
            pieces.add(&text[shown..window.end], false);
        }
        if windows.last().is_some_and(|last| last.end < text.len()) {
            pieces.add("…", false);
        }
        Self(pieces.0)
    }
}

#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    /// Adds a piece, in one line.
    fn add(&mut self, text: &str, hit: bool) {
        if text.is_empty() {
            return;
        }
        let mut line = String::with_capacity(text.len());
        for letter in text.chars() {
            match letter.is_whitespace() {
                true if line.ends_with(' ') => {}
                true => line.push(' '),
                false => line.push(letter),
            }
        }
        match self.0.last_mut() {
            Some(last) if last.hit == hit => last.text.push_str(&line),
            _ => self.0.push(Piece { text: line, hit }),
        }
    }
}

/// The parts of a text that are shown, in order.
fn windows(text: &str, patterns: &[Regex], until: Instant) -> Vec<Range<usize>> {
    let firsts = patterns.iter().filter_map(|pattern| first(text, pattern, until));
    let mut windows: Vec<Range<usize>> = firsts
        .map(|first| {
            let end = first.end.min(first.start + OF_MATCH) + AFTER;
            text.floor_char_boundary(first.start.saturating_sub(BEFORE))..text.floor_char_boundary(end)
        })
        .collect();
    windows.sort_by_key(|window| window.start);
    let mut windows = merged(windows);
    windows.truncate(MOST_PARTS);
    match windows.is_empty() {
        // DuckDB found what this program does not, or not in time.
        true => iter::once(0..text.floor_char_boundary(BEFORE + AFTER)).collect(),
        false => windows,
    }
}

/// The first match of a pattern in a text.
fn first(text: &str, pattern: &Regex, until: Instant) -> Option<Range<usize>> {
    let mut from = 0;
    while Instant::now() < until {
        let to = text.floor_char_boundary(from + AT_ONCE);
        let found = find(text, pattern, from..to);
        if found.is_some() || to == text.len() {
            return found;
        }
        from = text.floor_char_boundary(to - OVERLAP);
    }
    None
}

/// The first match of a pattern in a part of a text.
fn find(text: &str, pattern: &Regex, part: Range<usize>) -> Option<Range<usize>> {
    // The letter before the part tells whether a word or the text begins there.
    let begin = text.floor_char_boundary(part.start.saturating_sub(1));
    let found = pattern.find_at(&text[begin..part.end], part.start - begin)?;
    Some(begin + found.start()..begin + found.end())
}

/// What the patterns match in a part of a text, in order.
fn hits(text: &str, window: &Range<usize>, patterns: &[Regex], until: Instant) -> Vec<Range<usize>> {
    let to = text.floor_char_boundary(window.end + OVERLAP);
    let mut hits = Vec::new();
    for pattern in patterns {
        let mut from = window.start;
        while Instant::now() < until {
            let found = find(text, pattern, from..to).filter(|found| found.start < window.end);
            let Some(found) = found else {
                break;
            };
            if !found.is_empty() {
                hits.push(found.start..found.end.min(window.end));
            }
            from = text.ceil_char_boundary(found.end.max(found.start + 1));
            if from >= window.end {
                break;
            }
        }
    }
    hits.sort_by_key(|hit| hit.start);
    merged(hits)
}

/// Ranges in order, those that meet as one.
fn merged(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    fn excerpt(text: &str, patterns: &[&str]) -> Vec<(String, bool)> {
        let patterns: Vec<Regex> = patterns
            .iter()
            .map(|pattern| Regex::new(&format!("(?i){pattern}")).unwrap())
            .collect();
        let pieces = Excerpt::of(text, &patterns, soon()).0;
        pieces.into_iter().map(|piece| (piece.text, piece.hit)).collect()
    }

    fn pieces(pieces: &[(&str, bool)]) -> Vec<(String, bool)> {
        pieces.iter().map(|(text, hit)| ((*text).to_owned(), *hit)).collect()
    }

    #[test]
    fn every_match_near_the_first_is_marked_in_one_line() {
        assert_eq!(
            excerpt("one\n\n  Two two\tthree", &["two", "one"]),
            pieces(&[
                ("one", true),
                (" ", false),
                ("Two", true),
                (" ", false),
                ("two", true),
                (" three", false)
            ])
        );
        assert_eq!(excerpt("abcabc", &["abc", "bca"]), pieces(&[("abcabc", true)]));
        assert_eq!(excerpt("aaa", &["x*"]), pieces(&[("aaa", false)]));
        assert_eq!(excerpt("aaa", &["b"]), pieces(&[("aaa", false)]));
    }

    #[test]
    fn what_is_left_out_is_told() {
        let text = format!("{}one{}two{}", "ä".repeat(500), "ö".repeat(500), "ü".repeat(500));
        let found = excerpt(&text, &["one", "two"]);
        let all: String = found.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(all.matches('…').count(), 3, "{all}");
        assert!(all.len() < 500);
        assert_eq!(found.iter().filter(|(_, hit)| *hit).count(), 2);
    }

    #[test]
    fn a_match_is_found_wherever_a_long_text_is_divided() {
        let pattern = Regex::new(r"\bword\b").unwrap();
        for before in (AT_ONCE - OVERLAP - 10..AT_ONCE + 10).step_by(13) {
            let text = format!("{} word {}", "ä".repeat(before / 2), "x".repeat(AT_ONCE));
            let begin = text.find("word").unwrap();
            assert_eq!(first(&text, &pattern, soon()), Some(begin..begin + 4), "{before}");
        }
        let text = format!("b{}", "a".repeat(3 * AT_ONCE));
        assert_eq!(first(&text, &Regex::new("^a").unwrap(), soon()), None);
    }

    #[test]
    fn a_pattern_that_takes_too_long_leaves_the_beginning_of_the_text() {
        let pattern = [Regex::new("two").unwrap()];
        let found = Excerpt::of("one two", &pattern, Instant::now()).0;
        let text = "one two".to_owned();
        assert_eq!(found, [Piece { text, hit: false }]);
    }

    proptest! {
        #[test]
        fn any_text_has_an_excerpt_with_its_match(before in ".{0,300}", word in "[a-zß]{1,8}", after in ".{0,300}") {
            let found = excerpt(&format!("{before}{word}{after}"), &[&word]);
            let pattern = Regex::new(&format!("(?i){word}")).unwrap();
            prop_assert!(found.iter().any(|(text, hit)| *hit && pattern.is_match(text)));
            prop_assert!(found.iter().map(|(text, _)| text.len()).sum::<usize>() < 600);
        }

        #[test]
        fn any_pattern_ends(text in ".{0,100}", pattern in "[a-c.*?|^$ä]{1,6}") {
            if Regex::new(&pattern).is_ok() {
                let _ = excerpt(&text, &[&pattern]);
            }
        }
    }
}
