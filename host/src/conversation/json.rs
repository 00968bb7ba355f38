//! JSON as people read it, with its strings masked.
//!
//! The text is written in one pass without recursion, because a transcript may nest as deep as it likes.

use memchr::memchr2;
use session_plugin_api::transcript::{Json, unescape};

use super::masking::{Excerpt, Mask};

/// How far beyond the cut the text is written, so that a secret at the cut is found.
const MARGIN: usize = 64 << 10;

/// The deepest indentation.
const DEEPEST: usize = 12;

/// How many spaces indent a value, at most, beside so many for each of its bytes. Brackets alone would become many times as long.
const SPACES: usize = 4096;

/// How many spaces indent each byte of a value, at most.
const SPACES_OF_A_BYTE: usize = 3;

/// The beginning of a JSON value, indented. Each string is masked by itself, and then all of it, because a list may hold a
/// secret line by line.
pub(super) fn written(json: Json<'_>, mask: &Mask, most: usize) -> Excerpt {
    let mut writer = Writer {
        mask,
        text: String::new(),
        depth: 0,
        spaces: SPACES + json.as_str().len().saturating_mul(SPACES_OF_A_BYTE),
        key: String::new(),
    };
    let mut rest = json.as_str();
    while !rest.is_empty() && writer.text.len() < most.saturating_add(MARGIN) {
        rest = writer.take(rest);
    }
    let mut excerpt = mask.excerpt(&writer.text, most);
    excerpt.left_out += rest.len() as u64;
    excerpt
}

struct Writer<'m> {
    mask: &'m Mask,
    text: String,
    depth: usize,
    /// How many spaces may follow.
    spaces: usize,
    /// The latest key.
    key: String,
}

impl Writer<'_> {
    /// Writes the next token, and returns what follows it.
    fn take<'t>(&mut self, rest: &'t str) -> &'t str {
        let rest = rest.trim_ascii_start();
        let Some(first) = rest.chars().next() else {
            return rest;
        };
        let behind = &rest[first.len_utf8()..];
        match first {
            '{' | '[' => self.open(first, behind),
            '}' | ']' => {
                self.depth = self.depth.saturating_sub(1);
                self.break_line();
                self.text.push(first);
                behind
            }
            ',' => {
                self.text.push(',');
                self.break_line();
                behind
            }
            ':' => {
                self.text.push_str(": ");
                behind
            }
            '"' => self.string(rest),
            _ => self.scalar(rest),
        }
    }

    fn open<'t>(&mut self, sign: char, behind: &'t str) -> &'t str {
        self.text.push(sign);
        let inside = behind.trim_ascii_start();
        if let Some(after) = inside.strip_prefix(['}', ']']) {
            self.text.push_str(&inside[..1]);
            return after;
        }
        self.depth += 1;
        self.break_line();
        inside
    }

    fn string<'t>(&mut self, rest: &'t str) -> &'t str {
        let (quoted, behind) = rest.split_at(string_end(rest));
        let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        let text = unescape(inside);
        let masked = if behind.trim_ascii_start().starts_with(':') {
            self.key.clear();
            self.key.push_str(&text);
            self.mask.text(&text)
        } else {
            self.mask.member(&self.key, &text)
        };
        // A string is always valid JSON.
        self.text
            .push_str(&serde_json::to_string(masked.as_str()).unwrap_or_default());
        behind
    }

    /// A number, `true`, `false` or `null`.
    fn scalar<'t>(&mut self, rest: &'t str) -> &'t str {
        let is_end = |letter: char| letter.is_ascii_whitespace() || matches!(letter, ',' | '}' | ']' | ':' | '"');
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let end = rest.find(is_end).unwrap_or(rest.len()).max(first);
        let (scalar, behind) = rest.split_at(end);
        self.text.push_str(self.mask.member(&self.key, scalar).as_str());
        behind
    }

    fn break_line(&mut self) {
        self.text.push('\n');
        let indent = (self.depth.min(DEEPEST) * 2).min(self.spaces);
        self.spaces -= indent;
        self.text.extend(std::iter::repeat_n(' ', indent));
    }
}

/// The end of the string at the beginning of a text.
fn string_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        match bytes[at + found] {
            b'"' => return at + found + 1,
            _ => at += found + 2,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use secret_detector::Rules;

    use super::*;

    fn mask() -> Mask {
        Mask::new(Arc::new(Rules::shipped().unwrap()))
    }

    fn shown(json: &str, most: usize) -> Excerpt {
        written(serde_json::from_str(json).unwrap(), &mask(), most)
    }

    #[test]
    fn values_are_indented() {
        let text = r#"{"a":[1,"b\n\"c\"",{}],"d":{"e":null,"f":[]}}"#;
        let expected = "{\n  \"a\": [\n    1,\n    \"b\\n\\\"c\\\"\",\n    {}\n  ],\n  \"d\": {\n    \"e\": null,\n    \"f\": []\n  }\n}";
        assert_eq!(shown(text, usize::MAX).text.as_str(), expected);
    }

    #[test]
    fn secrets_are_masked_in_strings_keys_and_lists_of_lines() {
        let key = ["AKIA", "QMGK2UPXJNE74YPX"].concat();
        let text = format!(
            r#"{{"{key}":1,"b":["{key}"],"password":"correct7horse","c":"\u0041{}"}}"#,
            &key[1..]
        );
        let text = shown(&text, usize::MAX).text;
        assert!(
            !text.as_str().contains(&key[4..]) && !text.as_str().contains("horse"),
            "{text:?}"
        );
    }

    #[test]
    fn a_cut_tells_what_is_left_out_and_depth_costs_nothing() {
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        let excerpt = shown(&deep, 100);
        assert_eq!(excerpt.text.as_str().len(), 100);
        assert!(excerpt.left_out > 1_900_000);
        let whole = shown(&("[".repeat(50_000) + &"]".repeat(50_000)), usize::MAX);
        assert!(whole.text.as_str().len() < 600_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_text_is_the_same_value(words in prop::collection::vec("[a-z \\\\\"\u{e9}\n]{0,8}", 0..5), number in any::<i32>()) {
            let value = serde_json::json!({"words": words, "nested": [{"number": number}, [], {}, null, true]});
            let text = shown(&value.to_string(), usize::MAX).text;
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(text.as_str()).unwrap(), value);
        }
    }
}
