//! Text that others wrote, as a terminal and a line of a log may get it.
//!
//! Errors of plugins, names of files and words of transcripts can hold characters that move a cursor, end a line, set a
//! window's title or turn the order of what follows. They are shown as escapes, such as `\n`, `\x1b` and `\u{202e}`.
//! A backslash stays as it is: what is shown is for people, and no program reads it back.

use std::fmt::{self, Display, Write};

/// Shows a value with escapes for what must not reach a terminal or a log.
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

/// Whether a text can be shown as it is.
#[must_use]
pub fn is_printable(text: &str) -> bool {
    !text.contains(is_unprintable)
}

/// A line of a log with escapes, but with the colours that the log itself has put there. The log has escaped those of
/// others: it shows their ESC as text.
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

/// How long the sequence is that sets a colour or weight, where there is one.
fn colour_at_start(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\x1b[")?;
    let end = codes.find(|letter: char| !letter.is_ascii_digit() && letter != ';')?;
    codes[end..].starts_with('m').then_some("\x1b[".len() + end + 1)
}

/// A JSON text with the escapes of JSON: the same value, without a character that a terminal would follow.
#[must_use]
pub fn json(text: String) -> String {
    // Writers of JSON escape the control characters of ASCII, and leave the rest, which stands in strings alone.
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

/// Whether a terminal would do something other than show it: control characters, breaks of lines, marks and overrides
/// of direction, and what takes no room at all. Joiners are left: scripts and emoji are written with them.
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
    fn what_a_terminal_would_follow_is_shown_as_an_escape() {
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
    fn colours_of_the_log_stay_and_nothing_else() {
        let line = "\x1b[2m12:00\x1b[0m \x1b[1;31mERROR\x1b[0m a\nb \x1b]0;x\x07 \x1b[2J \x1b[31";
        let shown = "\x1b[2m12:00\x1b[0m \x1b[1;31mERROR\x1b[0m a\\nb \\x1b]0;x\\x07 \\x1b[2J \\x1b[31";
        assert_eq!(coloured(line), shown);
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"a\u{9b}": "\x1b\n\u{7f}\u{202e}é"});
        let shown = json(value.to_string());
        assert!(!shown.contains(is_unprintable), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
