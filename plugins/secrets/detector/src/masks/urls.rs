//! Credentials in URLs: in the user part, in the path of a webhook, and in the query.

use std::ops::Range;

use memchr::memchr_iter;

use super::{
    Mask, is_placeholder,
    shapes::{Reach, Shape, Shapes},
};

/// The text that replaces a masked credential.
const REASON: &str = "URL credential";

/// A user name without a password counts as a credential from this length on: `https://TOKEN@host`.
const LONG_USER: usize = 16;

/// `scheme://user:password@` and `scheme://user@`; the slashes may be escaped.
pub(super) static USERS: Shapes = Shapes {
    reason: REASON,
    words: &["://", r":\/"],
    reach: Reach::Far,
    shapes: &[
        Shape {
            pattern: r#":(?:\\?/){2}[^\s/?#@:"'`<>\\]*:([^\s/@"'`<>\\]+)@"#,
            fits: |found| ends_with_scheme(found.before),
        },
        // A password with slashes, and no port.
        Shape {
            pattern: r#":(?:\\?/){2}[^\s/?#@:"'`<>\\]*:([^\s@"'`<>\\]+)@"#,
            fits: |found| ends_with_scheme(found.before) && !begins_with_port(found.value),
        },
        Shape {
            pattern: r#":(?:\\?/){2}([^\s/?#@:"'`<>\\]+)@"#,
            fits: |found| ends_with_scheme(found.before) && found.value.len() >= LONG_USER,
        },
    ],
};

/// `https://hooks.example.com/services/T0000/B000/secret`: anyone who knows the address may call it.
pub(super) static HOOKS: Shapes = Shapes {
    reason: REASON,
    words: &["hooks.", "webhook"],
    reach: Reach::Far,
    shapes: &[Shape {
        pattern: r"(?i)(?:hooks\.|webhook)[a-z0-9_.-]{0,80}/(?:[a-z0-9_-]{1,40}/){0,6}([a-z0-9_-]{20,})",
        fits: |found| found.value.contains(|letter: char| letter.is_ascii_digit()),
    }],
};

/// A parameter whose name ends with one of these has a secret value.
const SECRET_ENDS: [&str; 13] = [
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "signature",
    "credential",
    "jwt",
];

/// A parameter with one of these names has a secret value.
const SECRET_NAMES: [&str; 9] = [
    "sig",
    "sas",
    "auth",
    "authorization",
    "pass",
    "code_verifier",
    "client_assertion",
    "samlresponse",
    "ticket",
];

/// A parameter with one of these names has a secret value if the value is long.
const NAMES_OF_LONG: [&str; 11] = [
    "key",
    "code",
    "state",
    "session",
    "sessionid",
    "sid",
    "nonce",
    "hash",
    "s",
    "k",
    "t",
];

/// The secrets in the URL parameters of a text.
pub(super) fn parameters(text: &str) -> Vec<Mask> {
    let mut found: Vec<Mask> = Vec::new();
    for sign in memchr_iter(b'=', text.as_bytes()) {
        // A value that begins within another value also ends with it.
        if found.last().is_some_and(|last| sign < last.range.end) {
            continue;
        }
        found.extend(parameter(text, sign).map(|range| Mask { reason: REASON, range }));
    }
    found
}

fn begins_with_port(value: &str) -> bool {
    value
        .trim_start_matches(|letter: char| letter.is_ascii_digit())
        .starts_with('/')
}

fn ends_with_scheme(before: &str) -> bool {
    before.ends_with(|letter: char| letter.is_ascii_alphanumeric())
}

/// The secret after the equals sign of a parameter, such as `?token=value`.
fn parameter(text: &str, sign: usize) -> Option<Range<usize>> {
    let before = &text[..sign];
    let start = before
        .trim_end_matches(|letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter))
        .len();
    if !text[..start].ends_with(['?', '&', '#', ';']) {
        return None;
    }
    let name = before[start..].to_ascii_lowercase();
    let least = match () {
        () if SECRET_ENDS.iter().any(|end| name.ends_with(end)) || SECRET_NAMES.contains(&&*name) => 4,
        () if NAMES_OF_LONG.contains(&&*name) => 20,
        () => return None,
    };
    let is_end = |letter: char| letter.is_whitespace() || "&#;\"'`<>\\".contains(letter);
    let value = &text[sign + 1..];
    let length = value.find(is_end).unwrap_or(value.len());
    (length >= least && !is_placeholder(&value[..length])).then(|| sign + 1..sign + 1 + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::{
        checks::{are_left_alone, are_masked},
        shapes::Search,
    };

    fn masked(text: &str) -> Vec<&str> {
        static SEARCH: Search = Search::new(&[&USERS, &HOOKS]);
        let masks = SEARCH.masks(text).into_iter().chain(parameters(text));
        masks.map(|mask| &text[mask.range]).collect()
    }

    #[test]
    fn credentials_are_masked() {
        let texts = [
            ("cannot reach postgres://app:swordfish@db:5432/shop", "swordfish"),
            ("mongodb+srv://root:p%40ss@cluster0.example.net", "p%40ss"),
            ("postgres://app:sword/fish9@db/shop", "sword/fish9"),
            (
                "https://hooks.example.com/services/T0000/B000/k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4H",
                "k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4H",
            ),
            (r"amqp:\/\/app:swordfish@queue", "swordfish"),
            ("https://x-access-token:abc@github.com/a/b", "abc"),
            ("redis://:swordfish@cache:6379/0", "swordfish"),
            (
                "fatal: https://8f3kQ92mLx04Bv7zRt61@github.com/a/b.git",
                "8f3kQ92mLx04Bv7zRt61",
            ),
            ("GET /v1/items?page=2&access_token=abcd1234&sort=up", "abcd1234"),
            (
                "https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=9f86d081",
                "9f86d081",
            ),
            ("https://app.example/cb#id_token=abcd.efgh", "abcd.efgh"),
            (
                "https://maps.example/api?key=Zk3vQ9wLr7XtZk3vQ9wLr7Xt",
                "Zk3vQ9wLr7XtZk3vQ9wLr7Xt",
            ),
            ("https://a.blob.core.windows.net/c?sv=1&sig=ab%2Bcd%3D", "ab%2Bcd%3D"),
        ];
        are_masked(masked, &texts);
    }

    #[test]
    fn addresses_stay() {
        let texts = [
            "https://example.org/a/b?page=2&sort=up#top",
            "ssh://git@github.com/a/b.git",
            "git@github.com:a/b.git",
            "http://127.0.0.1:8080/health",
            "postgres://$USER:$PASSWORD@db/shop",
            "https://example.org/search?key=value&code=404",
            "src/main.rs:12:5: error",
            "http://localhost:4873/@scope/package",
            "npm:@scope/package@1.0.0",
        ];
        are_left_alone(masked, &texts);
    }
}
