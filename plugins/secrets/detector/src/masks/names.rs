//! Values that go by the name of a secret: `PASSWORD=...`, `"api_key": "..."`, `db_password: ...`.

use std::sync::LazyLock;

use regex::Regex;

use super::{Mask, Pattern, groups, is_placeholder};

/// What stands in the place of one.
pub(super) const REASON: &str = "named value";

/// In prose, a value is at least so long.
const SHORTEST_IN_PROSE: usize = 6;

/// The end of a name whose value is a secret.
const NAME: &str = r"(?:passw(?:or)?d|passphrase|pwd|passwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|auth[_-]?key|account[_-]?key|signing[_-]?key|encryption[_-]?key|master[_-]?key|license[_-]?key|session[_-]?key|connection[_-]?string|credentials?)[0-9]{0,2}";

/// What may end an unquoted value.
const END: &str = r#"(?:[\s"'`;,&|)\]}]|\\|$)"#;

/// A pattern in which `NAME` and `END` stand for those.
pub(super) fn pattern(text: &str) -> Option<Regex> {
    Regex::new(&text.replace("NAME", NAME).replace("END", END)).ok()
}

/// In quotes, also where these are escaped.
static QUOTED: Pattern =
    LazyLock::new(|| pattern(r#"(?i)NAME[\\"'`\])]{0,6}\s{0,20}(?:=>|:=|[:=])\s{0,20}\\{0,4}["'`]([^"'`\\\r\n]+)"#));

/// Of a shell, or of a connection string: `NAME=value`, without white space.
static ASSIGNED: Pattern = LazyLock::new(|| pattern(r#"(?i)NAME=([^\s"'`<>;,&|()\[\]{}\\]+)END"#));

/// Of a shell's environment: all up to the next white space.
static ENVIRONMENT: Pattern = LazyLock::new(|| {
    pattern(r#"\b[A-Z0-9_]*(?:PASSWORD|PASSWD|PASS|PWD|SECRET|TOKEN|CREDENTIALS?)[0-9]{0,2}=([^\s"'`\\]+)"#)
});

/// The only word behind a name, to the end of the line: YAML, INI.
static ALONE: Pattern = LazyLock::new(|| {
    pattern(
        r#"(?im)^[\s>|+-]{0,40}(?:export\s+|set\s+|\$env:)?[\w.-]*NAME\s{0,20}[:=]\s{1,20}([^\s"'`<>;,&|()\[\]{}\\]+)[ \t\r]*$"#,
    )
});

/// Anything that is behind a name and has a digit, which a word of prose has not.
static WITH_DIGIT: Pattern = LazyLock::new(|| {
    pattern(
        r#"(?i)NAME\s{0,20}(?:=>|:=|[:=]|\bis\b)\s{0,20}([^\s"'`<>;,&|()\[\]{}\\]*[0-9][^\s"'`<>;,&|()\[\]{}\\]*)END"#,
    )
});

/// `STRIPE_KEY=value`: other keys, of a shell's environment.
static KEY: Pattern = LazyLock::new(|| {
    pattern(r#"\b[A-Z][A-Z0-9_]*_(?:KEY|PAT|AUTH|SALT|DSN|CREDS)(?:=|:\s)["']?([^\s"'`<>;,&|()\[\]{}\\]{8,})"#)
});

/// The values that go by the name of a secret.
pub(super) fn masks(text: &str) -> Vec<Mask> {
    let values = |pattern: &'static Pattern| groups(pattern, text);
    let long = values(&WITH_DIGIT).filter(|range| range.len() >= SHORTEST_IN_PROSE);
    let of_names = values(&QUOTED)
        .chain(values(&ASSIGNED))
        .chain(values(&ENVIRONMENT))
        .chain(values(&ALONE))
        .chain(long);
    let of_names = of_names.filter(|range| is_value(&text[range.clone()]) && !is_of_a_parser(&text[..range.start]));
    let of_keys = values(&KEY).filter(|range| text[range.clone()].contains(|letter: char| letter.is_ascii_digit()));
    let found = of_names.chain(of_keys);
    found
        .filter(|range| !is_placeholder(&text[range.clone()]))
        .map(|range| Mask { reason: REASON, range })
        .collect()
}

/// Whether a value is one, and neither a type nor the absence of a value nor an expression of a program.
pub(super) fn is_value(value: &str) -> bool {
    const NO_VALUES: [&str; 22] = [
        "null",
        "none",
        "nil",
        "undefined",
        "true",
        "false",
        "yes",
        "no",
        "string",
        "str",
        "number",
        "boolean",
        "bool",
        "any",
        "void",
        "object",
        "required",
        "optional",
        "missing",
        "invalid",
        "expired",
        "unknown",
    ];
    let is_number_of_few = value.len() < 6 && value.bytes().all(|byte| byte.is_ascii_digit());
    let has_letters = value.contains(char::is_alphanumeric);
    has_letters
        && !NO_VALUES.iter().any(|word| value.eq_ignore_ascii_case(word))
        && !is_number_of_few
        && !is_expression(value)
}

/// `unexpected token: '...'` and the like: what a parser calls a token is no secret.
fn is_of_a_parser(before: &str) -> bool {
    const WORDS: [&str; 8] = [
        "unexpected",
        "expected",
        "invalid",
        "illegal",
        "unknown",
        "missing",
        "next",
        "bad",
    ];
    let trimmed = |text: &'_ str| text.trim_end_matches(|letter: char| !letter.is_alphanumeric()).len();
    let before = &before[..trimmed(before)];
    let word = before
        .len()
        .checked_sub("token".len())
        .and_then(|start| before.split_at_checked(start));
    word.is_some_and(|(before, word)| {
        let before = before[..trimmed(before)].to_ascii_lowercase();
        word.eq_ignore_ascii_case("token") && WORDS.iter().any(|word| before.ends_with(word))
    })
}

/// `os.environ`, `self.token`, `config::token`, `/run/secrets/token`.
fn is_expression(value: &str) -> bool {
    let is_name = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && part.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
    };
    let mut parts = value.split(['.', ':']).filter(|part| !part.is_empty());
    let is_dotted = value.contains(['.', ':']) && parts.all(is_name);
    is_dotted || value.starts_with('/') || value.starts_with("./") || value.starts_with("~/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> Vec<&str> {
        masks(text).into_iter().map(|mask| &text[mask.range]).collect()
    }

    #[test]
    fn values_are_masked() {
        for (text, secret) in [
            ("env: PASSWORD=swordfish", "swordfish"),
            ("DB_PASS=sword(fish)&co make", "sword(fish)&co"),
            ("DB_PASSWORD=swordfish LOG=1", "swordfish"),
            ("Server=db;User Id=app;Password=swordfish;", "swordfish"),
            (r#"{"api_key": "swordfish"}"#, "swordfish"),
            (r#"{\"clientSecret\":\"swordfish\"}"#, "swordfish"),
            ("client_secret => 'swordfish'", "swordfish"),
            ("  db_password: swordfish\n", "swordfish"),
            ("password = swordfish", "swordfish"),
            ("+ token: swordfish", "swordfish"),
            ("the password is hunter2, as you said", "hunter2"),
            ("STRIPE_KEY=sword1fish", "sword1fish"),
        ] {
            assert!(masked(text).contains(&secret), "{text}: {:?}", masked(text));
        }
    }

    #[test]
    fn words_types_and_expressions_stay() {
        for text in [
            "password must not be empty",
            "error: unexpected token: identifier, expected `;`",
            "SyntaxError: Unexpected token } in JSON at position 17",
            "error: token: expected one of `,` or `)`",
            "Parse error: unexpected token: 'import' in a.js",
            "max_tokens: 4096",
            "token_count=512",
            "tokens = 17",
            "password: null",
            "token: string",
            "PASSWORD=$DB_PASSWORD",
            "PWD=/home/dev/shop OLDPWD=/home/dev BYPASS=1",
            "token: ${{ secrets.GITHUB_TOKEN }}",
            "API_KEY=<your key>",
            "password = os.environ",
            "PASSWORD_FILE=/run/secrets/db",
            "let token = parser.next();",
            "PRIMARY_KEY=id",
        ] {
            assert_eq!(masked(text), [""; 0], "{text}");
        }
    }
}
