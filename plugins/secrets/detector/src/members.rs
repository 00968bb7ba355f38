//! Finds strings that belong to a key, in text that is or contains JSON or code.

use std::ops::Range;

use memchr::{memchr, memchr2_iter};

/// Calls `take` with every string whose key a pattern may miss, because the string is in a list or far from the key.
/// `take` gets the key and the position of the string.
pub(crate) fn for_each_member<'t>(text: &'t str, mut take: impl FnMut(&'t str, Range<usize>)) {
    for_each_listed(text, &mut take);
    for_each_spaced(text, &mut take);
}

/// The strings that white space separates from their key.
fn for_each_spaced<'t>(text: &'t str, take: &mut impl FnMut(&'t str, Range<usize>)) {
    for sign in memchr2_iter(b':', b'=', text.as_bytes()) {
        let behind = &text[sign + 1..];
        let value = behind.trim_start();
        let is_spaced = value.len() < behind.len() || text[..sign].ends_with(char::is_whitespace);
        if is_spaced
            && value.starts_with(['"', '\''])
            && let Some(key) = key_before(&text[..=sign])
            && let Some(length) = string_length(value.as_bytes())
        {
            let start = text.len() - value.len() + 1;
            take(key, start..start + length);
        }
    }
}

/// Calls `take` with every string in a list that follows a key: the key, and the position of the string.
///
/// `{"tokens": ["a", ["b"]], "others": [{"token": "c"}]}` has two of them, `a` and `b`, both with the key `tokens`.
/// Strings in an object have a key of their own. A string in a list may itself contain lists.
fn for_each_listed<'t>(text: &'t str, take: &mut impl FnMut(&'t str, Range<usize>)) {
    const DEPTH: usize = 3;
    let mut searched = vec![(0..text.len(), DEPTH)];
    while let Some((Range { start, end }, depth)) = searched.pop() {
        let mut at = start;
        while let Some(found) = memchr(b'[', &text.as_bytes()[at..end]) {
            let bracket = at + found;
            at = bracket + 1;
            if let Some(key) = key_before(&text[start..bracket]) {
                at = walk(&text[..end], at, key, &mut |key, string| {
                    if depth > 1 {
                        searched.push((string.clone(), depth - 1));
                    }
                    if let Some(key) = key {
                        take(key, string);
                    }
                });
            }
        }
    }
}

/// Walks through a list, starting after its bracket, and passes each of its strings to `take`. Returns the end of the
/// list.
fn walk<'t>(text: &'t str, start: usize, key: &'t str, take: &mut impl FnMut(Option<&'t str>, Range<usize>)) -> usize {
    let bytes = text.as_bytes();
    let mut keys = vec![Some(key)];
    let mut is_at_value = true;
    let mut at = start;
    while let (Some(byte), Some(innermost)) = (bytes.get(at), keys.last().copied()) {
        match byte {
            b'[' => keys.push(key_before(&text[start..at]).or(innermost)),
            b'{' => keys.push(None),
            b']' | b'}' => drop(keys.pop()),
            b'"' | b'\'' if is_at_value => {
                if let Some(length) = string_length(&bytes[at..]) {
                    let string = at + 1..at + 1 + length;
                    at = string.end;
                    take(innermost, string);
                }
            }
            _ => {}
        }
        // An apostrophe within a word begins no string.
        is_at_value = matches!(byte, b'[' | b'{' | b',' | b':') || is_at_value && byte.is_ascii_whitespace();
        at += 1;
    }
    at
}

/// The key at the end of the text before a value: `key: `, `"key": ` or `key = `. The value may be quoted.
fn key_before(before: &str) -> Option<&str> {
    let unquoted = |text: &str| text.trim_end().trim_end_matches(['"', '\'']).len();
    let before = &before[..unquoted(before)];
    let before = before.trim_end().strip_suffix([':', '='])?;
    let before = &before[..unquoted(before)];
    let is_of_a_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = before.bytes().rev().take_while(is_of_a_key).count();
    Some(&before[before.len() - length..]).filter(|key| !key.is_empty())
}

/// The number of bytes in a string, from its opening quote to the closing quote in the same line.
fn string_length(quoted: &[u8]) -> Option<usize> {
    let (quote, string) = quoted.split_first()?;
    let mut is_escaped = false;
    for (length, byte) in string.iter().enumerate() {
        match byte {
            b'\n' => return None,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            byte if byte == quote => return Some(length),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        for_each_listed(text, &mut |key, string| found.push((key, &text[string])));
        found
    }

    #[test]
    fn strings_far_from_their_key_are_told_with_it() {
        let text = "{\"a\"  :\n\t \"b\", \"c\":\"near\", \"d\": [\"e\"]} f =   'g' x: don't";
        let mut found = Vec::new();
        for_each_spaced(text, &mut |key, string| found.push((key, &text[string])));
        assert_eq!(found, [("a", "b"), ("f", "g")]);
    }

    #[test]
    fn strings_of_a_list_are_told_with_the_key_before_it() {
        assert_eq!(
            listed(r#"{"tokens": ["a\"", ["b"], 1], "x": {"y": "no"}, "others":["c"]}"#),
            [("tokens", r#"a\""#), ("tokens", "b"), ("others", "c")]
        );
        assert_eq!(
            listed("api-keys = [\n  'a', \"it's\" ]; z: ['d']"),
            [("api-keys", "a"), ("api-keys", "it's"), ("z", "d")]
        );
    }

    #[test]
    fn strings_in_an_object_have_their_own_key() {
        let json = r#"{"tokens": [{"note": "no", "inner": ["a"]}, "b"]}"#;
        assert_eq!(listed(json), [("inner", "a"), ("tokens", "b")]);
    }

    #[test]
    fn without_a_key_there_is_no_list() {
        for text in [
            "[\"a\"]",
            "see [\"a\"]",
            "\"\": [\"a\"]",
            ": [\"a\"]",
            "[",
            "é=[é",
            "k: [don't, it's]",
        ] {
            assert_eq!(listed(text), [], "{text}");
        }
    }

    #[test]
    fn lists_in_lists_are_walked_through_once() {
        let depth = 200_000;
        let text = "a:['x',".repeat(depth);
        assert_eq!(listed(&text).len(), depth);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_is_no_panic(text in "[\\[\\]{}\"':=,\\\\ka é\n]{0,60}") {
            for_each_member(&text, |key, string| assert!(!key.is_empty() && string.end <= text.len()));
        }
    }
}
