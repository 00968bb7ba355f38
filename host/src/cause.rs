//! Groups the errors of sessions by cause.

use std::iter::Peekable;

/// The part of an error that does not depend on the session: its first line, without the session's name, and with `#` for
/// every number. Sessions with the same cause failed for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause(String);

/// How many bytes of an error determine its cause.
const TELLING: usize = 400;

impl Cause {
    /// The cause of a session's error.
    #[must_use]
    pub fn of(session: &str, error: &str) -> Self {
        let line = error.lines().next().unwrap_or_default();
        let line = &line[..line.floor_char_boundary(TELLING)];
        let anonymous = match session {
            "" => line.to_owned(),
            session => line.replace(session, "SESSION"),
        };
        Self(without_numbers(&anonymous))
    }
}

fn without_numbers(text: &str) -> String {
    let mut letters = text.chars().peekable();
    let mut cause = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        match letter.is_ascii_digit() {
            true => {
                pass_number(&mut letters);
                cause.push('#');
            }
            false => cause.push(letter),
        }
    }
    cause
}

fn pass_number(letters: &mut Peekable<impl Iterator<Item = char>>) {
    while letters.next_if(char::is_ascii_digit).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_differ_only_in_session_and_numbers_have_one_cause() {
        let one = Cause::of(
            "alice/a1.jsonl",
            "read /s/alice/a1.jsonl: 512 bytes at line 3\nand more",
        );
        let other = Cause::of("bob/b.jsonl", "read /s/bob/b.jsonl: 9 bytes at line 70\nand else");
        assert_eq!(one, other);
        assert_eq!(one, Cause("read /s/SESSION: # bytes at line #".to_owned()));
    }

    #[test]
    fn errors_with_other_words_have_other_causes() {
        assert_ne!(Cause::of("a", "the disk is full"), Cause::of("a", "the disk is slow"));
        assert_ne!(Cause::of("", "1 a"), Cause::of("", "a 1"));
    }
}
