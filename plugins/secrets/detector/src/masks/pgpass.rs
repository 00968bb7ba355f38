//! Passwords in lines of `.pgpass`: `host:port:database:user:password`.

use std::ops::Range;

use memchr::memchr_iter;

use super::{
    Mask, is_placeholder,
    names::{REASON, is_value},
};

/// The maximum length of a host name.
const LONGEST_HOST: usize = 253;

/// The maximum length of the name of a database or a user.
const LONGEST_NAME: usize = 63;

/// The maximum number of digits of a port.
const LONGEST_PORT: usize = 5;

/// A smaller number is more often a line number, as in `file.yml:12:...`.
const SMALLEST_PORT: u32 = 1024;

/// A shorter text is more often something else.
const SHORTEST_PASSWORD: usize = 4;

/// The passwords of these lines, with any port.
pub(super) fn passwords(text: &str) -> Vec<Mask> {
    let found = memchr_iter(b':', text.as_bytes()).filter_map(|colon| password(text, colon));
    found.map(|range| Mask { reason: REASON, range }).collect()
}

/// The password of the line whose host ends at this colon.
fn password(text: &str, colon: usize) -> Option<Range<usize>> {
    let rest = &text[colon + 1..];
    let (_, rest) = split_field(rest, LONGEST_PORT).filter(|(port, _)| is_port(port))?;
    let (_, rest) = split_field(rest, LONGEST_NAME).filter(|(database, _)| is_name(database))?;
    let (_, rest) = split_field(rest, LONGEST_NAME).filter(|(user, _)| is_name(user))?;
    let start = text.len() - rest.len();
    let password = &rest[..password_length(rest)];
    let is_one = password.len() >= SHORTEST_PASSWORD && is_value(password) && !is_placeholder(password);
    // Text with one more field is not a line of `.pgpass`.
    let is_last = !rest[password.len()..].starts_with(':');
    (is_one && is_last && ends_with_host(&text[..colon])).then(|| start..start + password.len())
}

/// The text before the next colon, and the text after it.
fn split_field(text: &str, longest: usize) -> Option<(&str, &str)> {
    let end = text.bytes().take(longest + 1).position(|byte| byte == b':')?;
    Some((&text[..end], &text[end + 1..]))
}

fn is_port(port: &str) -> bool {
    port == "*" || port.parse().is_ok_and(|port: u32| port >= SMALLEST_PORT)
}

/// Whether a database or a user can have this name.
fn is_name(name: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.@-".contains(&byte);
    name == "*" || name.bytes().all(is_of_name) && name.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Whether the text ends with the name of a host or the path of a socket's directory, but with no other path.
fn ends_with_host(text: &str) -> bool {
    let is_of_host = |byte: &u8| byte.is_ascii_alphanumeric() || b"*._-/".contains(byte);
    let bytes = text.bytes().rev().take(LONGEST_HOST + 1);
    let length = bytes.take_while(|byte| is_of_host(byte)).count();
    let host = &text[text.len() - length..];
    let says_one = host == "*" || host.contains(|letter: char| letter.is_ascii_alphabetic() || letter == '.');
    (1..=LONGEST_HOST).contains(&length)
        && says_one
        && host.rfind('/').is_none_or(|_| host.starts_with('/'))
        && !text[..text.len() - length].ends_with(':')
}

/// The length of the password at the start of the text. A backslash escapes a colon or a backslash in it.
fn password_length(text: &str) -> usize {
    let mut is_escaped = false;
    let is_end = |letter: char| {
        let ends = match letter {
            ':' | '\\' if is_escaped => false,
            ':' => true,
            _ => is_escaped || letter.is_whitespace() || "\"'`".contains(letter),
        };
        is_escaped = letter == '\\' && !is_escaped;
        ends
    };
    let length = text.find(is_end).unwrap_or(text.len());
    // A backslash that escapes neither of these belongs to the text that follows.
    let signs = text[..length].len() - text[..length].trim_end_matches('\\').len();
    length - signs % 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::checks::are_left_alone;

    fn masked(text: &str) -> Vec<&str> {
        passwords(text).into_iter().map(|mask| &text[mask.range]).collect()
    }

    #[test]
    fn passwords_are_masked() {
        for (text, password) in [
            ("db.internal:5432:shop:app:swordfish", "swordfish"),
            ("12→localhost:6543:*:postgres:swordfish\n", "swordfish"),
            ("echo '*:*:*:admin:sword-fish' >> ~/.pgpass", "sword-fish"),
            ("/run/postgresql:5433:shop:etl@corp:sword&fish", "sword&fish"),
            (r"db:6432:shop:app:sword\:fish\\\n", r"sword\:fish\\"),
        ] {
            assert_eq!(masked(text), [password], "{text}");
        }
    }

    #[test]
    fn other_fields_stay() {
        let texts = [
            "config.yml:7:image:postgres:sixteen",
            "tests/api/test_login.py:2012:TestLogin:test_refused:PASSED",
            "root:x:0:0:root:/root:/bin/bash",
            "fe80:1024:2:3:4",
            "1:2000:shop:app:swordfish",
            "db:5432:shop:app:$PASSWORD",
            "db:5432:shop:app:swordfish:more",
            "db:5432:shop:app:",
            "::::",
        ];
        are_left_alone(masked, &texts);
    }
}
