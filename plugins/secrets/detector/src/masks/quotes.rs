//! Finds the end of a string whose quotes may be escaped, as in JSON within a JSON string.

/// Finds where a string ends that begins after a quote and lies in one line: before its closing quote and that quote's
/// backslashes. `None` if `start` follows no quote, or if the string has no closing quote.
///
/// In a string whose own quotes have `n` backslashes, each of its backslashes is written as `n + 1`. A quote after two,
/// four or more of these ends the string. A quote after fewer than `n` backslashes ends the string around it.
pub(super) fn end_of_quoted(text: &str, start: usize) -> Option<usize> {
    let (before, string) = text.split_at(start);
    let quote = before.chars().next_back().filter(|sign| "\"'`".contains(*sign))?;
    let opening = before[..before.len() - 1].bytes().rev();
    let depth = opening.take_while(|byte| *byte == b'\\').count();
    let mut backslashes = 0;
    for (place, sign) in string.char_indices() {
        match sign {
            '\n' => return None,
            '\\' => {
                backslashes += 1;
                continue;
            }
            _ if sign == quote && ends(backslashes, depth) => return Some(start + place - backslashes.min(depth)),
            _ => {}
        }
        backslashes = 0;
    }
    None
}

/// Whether a quote with this many backslashes ends a string whose opening quote has `depth`.
fn ends(backslashes: usize, depth: usize) -> bool {
    backslashes
        .checked_sub(depth)
        .is_none_or(|more| more % (2 * (depth + 1)) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_at_its_own_quote() {
        for (text, string) in [
            (r#""abc", "d""#, "abc"),
            (r#""abc\"def", 1"#, r#"abc\"def"#),
            (r#""abc\\", "d""#, r"abc\\"),
            (r#"\"abc\\\"def\", 1"#, r#"abc\\\"def"#),
            (r#"\"abc\\\\\", 1"#, r"abc\\\\"),
            (r#"\\\"abc\\\\\\\"def\\\", 1"#, r#"abc\\\\\\\"def"#),
            (r#"\"abc", 1"#, "abc"),
            ("'it is \"so\"'", "it is \"so\""),
        ] {
            let start = text.find(['"', '\'']).unwrap() + 1;
            let end = end_of_quoted(text, start).unwrap();
            assert_eq!(&text[start..end], string, "{text}");
        }
    }

    #[test]
    fn unquoted_text_has_no_end() {
        for (text, start) in [
            ("abc", 1),
            ("\"abc", 1),
            ("\"abc\n\"", 1),
            (r#""abc\""#, 1),
            ("\"", 1),
            ("é'", 2),
        ] {
            assert_eq!(end_of_quoted(text, start), None, "{text}");
        }
    }
}
