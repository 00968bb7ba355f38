//! Makes text from plugins and transcripts safe for terminals and log lines.
//!
//! Errors of plugins, file names and words of transcripts can hold characters that move the cursor, end a line, set a
//! window's title or reverse the text that follows. They are shown as escapes, such as `\n`, `\x1b` and `\u{202e}`.
//! A backslash stays unchanged: the text is for people, and no program reads it back.

use std::{
    borrow::Cow,
    fmt::{self, Display, Write},
};

/// Displays a value with escapes for characters that must not reach a terminal or a log.
#[derive(Clone, Copy, Debug)]
pub struct Printable<T>(pub T);

impl<T: Display> Display for Printable<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(formatter), "{}", self.0)
    }
}

struct Escaping<'f, 'b>(&'f mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(text, self.0)
    }
}

/// Escapes a text of several lines, whose line breaks and tabs stay. The break of a line may be `\r\n`.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    let is_left = |letter: char| is_unprintable(letter) && !matches!(letter, '\n' | '\t');
    if !text.contains(is_left) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(['\n', '\t']) {
        let (words, sign) = match piece.strip_suffix(['\n', '\t']) {
            Some(words) => (words, &piece[words.len()..]),
            None => (piece, ""),
        };
        let words = match sign {
            "\n" => words.strip_suffix('\r').unwrap_or(words),
            _ => words,
        };
        // Writing to a String does not fail.
        let _ = escape(words, &mut shown);
        shown.push_str(sign);
    }
    Cow::Owned(shown)
}

/// Whether a text can be shown unchanged.
#[must_use]
pub fn is_printable(text: &str) -> bool {
    !text.contains(is_unprintable)
}

/// Escapes a log line but keeps the colours that the log itself added. The log has already escaped all other colours: it
/// shows their ESC as text.
#[must_use]
pub fn coloured(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(found) = rest.find('\x1b') {
        let (before, from) = rest.split_at(found);
        let colour = colour_at_start(from).unwrap_or(0);
        // Writing to a String does not fail.
        let _ = escape(before, &mut shown);
        let _ = match colour {
            0 => escape("\x1b", &mut shown),
            length => shown.write_str(&from[..length]),
        };
        rest = &from[colour.max(1)..];
    }
    let _ = escape(rest, &mut shown);
    shown
}

/// The length of the sequence at the start that sets a colour or weight, if there is one.
fn colour_at_start(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\x1b[")?;
    let end = codes.find(|letter: char| !letter.is_ascii_digit() && letter != ';')?;
    codes[end..].starts_with('m').then_some("\x1b[".len() + end + 1)
}

/// Escapes a JSON text by the rules of JSON: the same value, without characters that a terminal would interpret.
#[must_use]
pub fn json(text: String) -> String {
    // JSON writers escape only the ASCII control characters. The others occur only in strings.
    let is_left = |letter: char| letter >= '\x7f' && is_unprintable(letter);
    if !text.contains(is_left) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        // Writing to a String does not fail.
        let _ = match is_left(letter) {
            true => write!(shown, "\\u{:04x}", u32::from(letter)),
            false => shown.write_char(letter),
        };
    }
    shown
}

fn escape(text: &str, shown: &mut impl Write) -> fmt::Result {
    let mut rest = text;
    while let Some(found) = rest.find(is_unprintable) {
        let (before, from) = rest.split_at(found);
        shown.write_str(before)?;
        let mut letters = from.chars();
        match letters.next() {
            Some('\n') => shown.write_str("\\n")?,
            Some('\r') => shown.write_str("\\r")?,
            Some('\t') => shown.write_str("\\t")?,
            Some(letter) if letter.is_ascii() => write!(shown, "\\x{:02x}", u32::from(letter))?,
            Some(letter) => write!(shown, "\\u{{{:x}}}", u32::from(letter))?,
            None => {}
        }
        rest = letters.as_str();
    }
    shown.write_str(rest)
}

/// Whether a terminal would not simply show the character: control characters, line breaks, direction marks and overrides,
/// and invisible characters. Joiners are allowed, because scripts and emoji need them.
fn is_unprintable(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_characters_that_a_terminal_would_interpret() {
        for (text, shown) in [
            ("plain, größer, 日本, 👩‍💻", "plain, größer, 日本, 👩‍💻"),
            ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{9b}31m\u{7f}\0", "\\u{9b}31m\\x7f\\x00"),
            (
                "abc\u{202e}fdp.exe\u{2066}\u{2028}",
                "abc\\u{202e}fdp.exe\\u{2066}\\u{2028}",
            ),
            ("C:\\new", "C:\\new"),
        ] {
            assert_eq!(Printable(text).to_string(), shown);
        }
    }

    #[test]
    fn breaks_and_tabs_stay_in_a_text_of_several_lines() {
        assert_eq!(
            lines("a\r\nb\tc\rd\n\x1b[31m\u{202e}"),
            "a\nb\tc\\rd\n\\x1b[31m\\u{202e}"
        );
        assert!(matches!(lines("a\n\tb"), Cow::Borrowed(_)));
    }

    #[test]
    fn only_colours_of_the_log_stay() {
        let line = "\x1b[2m12:00\x1b[0m \x1b[1;31mERROR\x1b[0m a\nb \x1b]0;x\x07 \x1b[2J \x1b[31";
        let shown = "\x1b[2m12:00\x1b[0m \x1b[1;31mERROR\x1b[0m a\\nb \\x1b]0;x\\x07 \\x1b[2J \\x1b[31";
        assert_eq!(coloured(line), shown);
    }

    #[test]
    fn escaping_json_keeps_the_value() {
        let value = serde_json::json!({"a\u{9b}": "\x1b\n\u{7f}\u{202e}é"});
        let shown = json(value.to_string());
        assert!(!shown.contains(is_unprintable), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
