//! Values whose name says that they are secret: `PASSWORD=...`, `"api_key": "..."`, `db_password: ...`.

use super::shapes::{Found, Reach, Shape, Shapes};

/// The text that replaces a masked value.
pub(super) const REASON: &str = "named value";

/// The minimum length of a value in prose.
const SHORTEST_IN_PROSE: usize = 6;

/// Words that occur in the names of secrets.
const WORDS: &[&str] = &[
    "pass",
    "pwd",
    "secret",
    "token",
    "api",
    "access",
    "private",
    "auth",
    "account",
    "signing",
    "encryption",
    "master",
    "license",
    "session",
    "connection",
    "credential",
];

/// Values in quotes, elements and similar.
pub(super) static ENCLOSED: Shapes = Shapes {
    reason: REASON,
    words: WORDS,
    reach: Reach::Far,
    shapes: &[
        // In quotes, which may be escaped.
        Shape {
            pattern: r#"(?i)NAME[\\"'`\])]{0,6}\s{0,20}(?:=>|:=|[:=])\s{0,20}\\{0,4}["'`]([^"'`\\\r\n]+)"#,
            fits: |found| is_value(found.value) && !is_of_a_parser(found),
        },
        // An element, or a pair of a name and a value: `<password>...`, `"name": "DB_PASSWORD", "value": "..."`.
        Shape {
            pattern: r#"(?i)NAME>([^\s<>]+)</"#,
            fits: |found| is_value(found.value),
        },
        Shape {
            pattern: r#"(?i)NAME[\\"',]{0,8}\s{0,40}[\\"']{0,8}value[\\"']{0,8}\s{0,4}[:=]\s{0,4}[\\"']{0,8}([^\s"'`<>,}\\]+)"#,
            fits: |found| is_value(found.value),
        },
        // A password in an SQL statement.
        Shape {
            pattern: r"(?i)password\s{1,4}'([^'\r\n]+)'",
            fits: |found| is_value(found.value),
        },
    ],
};

/// Values that end at the next space or punctuation mark.
pub(super) static UNQUOTED: Shapes = Shapes {
    reason: REASON,
    words: WORDS,
    reach: Reach::Near,
    shapes: &[
        // In a shell command or a connection string.
        Shape {
            pattern: r#"(?i)NAME=([^\s"'`<>;,&|()\[\]{}\\]+)END"#,
            fits: |found| is_value(found.value),
        },
        // In the environment of a shell: everything up to the next white space.
        Shape {
            pattern: r#"(?:PASSWORD|PASSWD|PASS|PWD|SECRET|TOKEN|CREDENTIALS?)[0-9]{0,2}=([^\s"'`\\]+)"#,
            fits: |found| is_value(found.value),
        },
        // The only word after a name, up to the end of the line: YAML, INI.
        Shape {
            pattern: r#"(?i)NAME\s{0,20}[:=][ \t]{1,20}([^\s"'`<>;,&|()\[\]{}\\]+)[ \t\r]*(?:\n|\z)"#,
            fits: |found| is_value(found.value) && begins_line(found.before),
        },
        // Any word after a name, if it contains a digit. Words of prose have none.
        Shape {
            pattern: r#"(?i)NAME\s{0,20}(?:=>|:=|[:=]|\bis\b)\s{0,20}([^\s"'`<>;,&|()\[\]{}\\]*[0-9][^\s"'`<>;,&|()\[\]{}\\]*)END"#,
            fits: |found| found.value.len() >= SHORTEST_IN_PROSE && is_value(found.value) && !is_of_a_parser(found),
        },
        // An option of a command.
        Shape {
            pattern: r#"(?i)NAME[ =]["']?([^\s"'`<>;,&|()\[\]{}\\-][^\s"'`;,&|()\[\]{}\\]*)"#,
            fits: |found| is_value(found.value) && begins_option(found.before),
        },
    ],
};

/// `STRIPE_KEY=value`: other keys in the environment of a shell.
pub(super) static KEYS: Shapes = Shapes {
    reason: REASON,
    words: &["_key", "_pat", "_auth", "_salt", "_dsn", "_creds"],
    reach: Reach::Near,
    shapes: &[Shape {
        pattern: r#"_(?:KEY|PAT|AUTH|SALT|DSN|CREDS)(?:=|:\s)["']?([^\s"'`<>;,&|()\[\]{}\\]{8,})"#,
        fits: |found| found.value.contains(|letter: char| letter.is_ascii_digit()),
    }],
};

/// Passwords that the text around them gives away.
pub(super) static PLACES: Shapes = Shapes {
    reason: REASON,
    words: &["identified by", "$apr1$"],
    reach: Reach::Far,
    shapes: &[
        Shape {
            pattern: r"(?i)identified\s+by\s+'([^'\r\n]+)'",
            fits: |found| is_value(found.value),
        },
        // A line of `.htpasswd`.
        Shape {
            pattern: r"\$apr1\$([./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{22})",
            fits: |_| true,
        },
    ],
};

/// Whether the name that `before` begins is the first word of its line.
fn begins_line(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let line =
        line.trim_start_matches(|letter: char| letter.is_whitespace() || matches!(letter, '>' | '|' | '+' | '-'));
    let named = ["export ", "set ", "$env:"]
        .iter()
        .find_map(|word| line.strip_prefix(word));
    let is_of_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '-');
    named.unwrap_or(line).chars().all(is_of_name)
}

/// Whether the name that `before` begins is that of an option, such as `--db-`.
fn begins_option(before: &str) -> bool {
    let name = before.trim_end_matches(|letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
    let begins = name.is_empty() || name.ends_with(|letter: char| letter.is_whitespace() || "\"'`(".contains(letter));
    begins && before[name.len()..].starts_with('-')
}

/// Whether a text can be a secret value. Types, words for a missing value, and expressions of a program cannot.
pub(super) fn is_value(value: &str) -> bool {
    const NO_VALUES: [&str; 26] = [
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
        "is",
        "must",
        "or",
        "and",
    ];
    let is_number_of_few = value.len() < 6 && value.bytes().all(|byte| byte.is_ascii_digit());
    let has_letters = value.contains(char::is_alphanumeric);
    has_letters
        && !NO_VALUES.iter().any(|word| value.eq_ignore_ascii_case(word))
        && !is_number_of_few
        && !is_expression(value)
}

/// `unexpected token: '...'` and similar: the token of a parser is not a secret.
fn is_of_a_parser(found: &Found<'_>) -> bool {
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
    let before = found.before.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    let word = before
        .rsplit(|letter: char| !letter.is_alphanumeric())
        .next()
        .unwrap_or_default();
    let is_token = found
        .matched
        .get(..5)
        .is_some_and(|name| name.eq_ignore_ascii_case("token"));
    is_token && WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
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
    use crate::masks::{
        checks::{are_left_alone, are_masked},
        shapes::Search,
    };

    fn masked(text: &str) -> Vec<&str> {
        static SEARCH: Search = Search::new(&[&ENCLOSED, &UNQUOTED, &KEYS, &PLACES]);
        SEARCH.masked(text)
    }

    #[test]
    fn values_are_masked() {
        let texts = [
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
            ("login --password swordfish --verbose", "swordfish"),
            ("login --api-key=swordfish", "swordfish"),
            ("login --client-secret 'swordfish'", "swordfish"),
            ("Passwort: swordfish", "swordfish"),
            ("<password>swordfish</password>", "swordfish"),
            (r#"<add key="ApiSecret" value="swordfish"/>"#, "swordfish"),
            (r#"{"name":"DB_PASSWORD","value":"swordfish"}"#, "swordfish"),
            ("- name: DB_PASSWORD\n  value: swordfish\n", "swordfish"),
            ("CREATE ROLE app WITH PASSWORD 'swordfish'", "swordfish"),
            ("CREATE USER app IDENTIFIED BY 'swordfish'", "swordfish"),
            (
                "app:$apr1$Zk3vQ9wL$r7XtB2mNc5Hd8Jf4Gs6Pa1",
                "Zk3vQ9wL$r7XtB2mNc5Hd8Jf4Gs6Pa1",
            ),
        ];
        are_masked(masked, &texts);
    }

    #[test]
    fn words_types_and_expressions_stay() {
        let texts = [
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
            "docker login --password-stdin",
            "login --token -v",
            "error: --password is required",
            "login --token $TOKEN",
            "x-api-key header is required",
        ];
        are_left_alone(masked, &texts);
    }
}
