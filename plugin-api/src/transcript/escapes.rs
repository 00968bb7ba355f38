//! Resolves the escapes of JSON.
//!
//! Agents write half of a surrogate pair if they cut a text there, and serde_json rejects such a string. Here the half
//! becomes U+FFFD. A character after a backslash that is not an escape stands for itself, so that a torn piece of JSON can be
//! read as far as it goes.

use std::borrow::Cow;

use memchr::memchr;

/// A text with the escapes of JSON resolved. It is copied only if it contains an escape.
#[must_use]
pub fn unescape(escaped: &str) -> Cow<'_, str> {
    let mut buffer = String::new();
    match has_escapes(escaped) {
        false => Cow::Borrowed(escaped),
        true => {
            unescape_into(escaped, &mut buffer);
            Cow::Owned(buffer)
        }
    }
}

/// As [`unescape`]. `buffer` holds the text if it contains an escape.
pub fn unescape_into<'b>(escaped: &'b str, buffer: &'b mut String) -> &'b str {
    let Some(first) = memchr(b'\\', escaped.as_bytes()) else {
        return escaped;
    };
    buffer.clear();
    buffer.reserve(escaped.len());
    let (plain, mut rest) = escaped.split_at(first);
    buffer.push_str(plain);
    while let Some(escape) = rest.strip_prefix('\\') {
        rest = pass_escape(escape, buffer);
        let plain = memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
        buffer.push_str(&rest[..plain]);
        rest = &rest[plain..];
    }
    buffer
}

fn has_escapes(text: &str) -> bool {
    memchr(b'\\', text.as_bytes()).is_some()
}

/// Appends the meaning of an escape, whose backslash is passed already, and returns the rest of the text.
fn pass_escape<'a>(escape: &'a str, buffer: &mut String) -> &'a str {
    let mut characters = escape.chars();
    match characters.next() {
        Some('n') => buffer.push('\n'),
        Some('t') => buffer.push('\t'),
        Some('r') => buffer.push('\r'),
        Some('b') => buffer.push('\u{8}'),
        Some('f') => buffer.push('\u{c}'),
        Some('u') => return pass_unit(characters.as_str(), buffer),
        Some(itself) => buffer.push(itself),
        None => {}
    }
    characters.as_str()
}

/// As [`pass_escape`], for `\u` and four digits, or for two such escapes that are a surrogate pair.
fn pass_unit<'a>(digits: &'a str, buffer: &mut String) -> &'a str {
    let Some((unit, rest)) = code_unit(digits) else {
        buffer.push(char::REPLACEMENT_CHARACTER);
        return digits;
    };
    let low = rest.strip_prefix("\\u").and_then(code_unit);
    if let Some((low, after)) = low
        && let Some(Ok(pair)) = char::decode_utf16([unit, low]).next()
        && pair > '\u{ffff}'
    {
        buffer.push(pair);
        return after;
    }
    buffer.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

fn code_unit(digits: &str) -> Option<(u16, &str)> {
    let (digits, rest) = digits.split_at_checked(4)?;
    Some((u16::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn half_a_pair_and_what_is_no_escape_cost_nothing_around_them() {
        for (escaped, expected) in [
            (r"caf\u00e9 \ud83d!", "café \u{fffd}!"),
            (r"\ud83d\ude00", "😀"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\u12", "\u{fffd}12"),
            (r"a\q\", "aq"),
        ] {
            assert_eq!(unescape(escaped), expected, "{escaped}");
        }
    }

    proptest! {
        #[test]
        fn text_escaped_by_serde_json_is_restored(text in "\\PC*[\"\\\\\n\t\u{1}]\\PC*") {
            let quoted = serde_json::to_string(&text)?;
            prop_assert_eq!(unescape(&quoted[1..quoted.len() - 1]), text);
        }

        #[test]
        fn accepted_escapes_have_the_same_meaning_as_in_serde_json(escaped in "(\\\\u[dD][89a-f0-9][0-9a-f]{2}|\\\\[nrtbf/]|[a-z])*") {
            if let Ok(text) = serde_json::from_str::<String>(&format!("\"{escaped}\"")) {
                prop_assert_eq!(unescape(&escaped), text);
            }
        }
    }
}
