//! Joins a secret of several lines, such as a private key, without the text that tools and formats add to each line.

mod diff;
mod prefix;

use self::{diff::sides, prefix::Prefix};

/// The secrets of a text of several lines: their joined lines. Empty if the text is one line.
///
/// The text is the part between two markers, such as `-----BEGIN` and `-----END`. A prefix that a tool adds to each
/// line therefore also precedes the second marker, at the end of the text.
pub(super) fn joined_lines(secret: &str) -> Vec<String> {
    let Some(line_break) = line_break(secret) else {
        return Vec::new();
    };
    let lines: Vec<&str> = secret.split(line_break).collect();
    let joined = sides(&lines).into_iter().map(|lines| joined(&lines));
    joined.filter(|form| !form.is_empty()).collect()
}

/// The separator of a text's lines: a line break, an escaped line break, or a space if the key is in a variable.
fn line_break(text: &str) -> Option<&'static str> {
    let text = text.trim_end();
    let written = ["\n", r"\n"].into_iter().find(|written| text.contains(written));
    written.or_else(|| text.starts_with(' ').then_some(" "))
}

/// The content of lines. The first line begins after a marker.
fn joined(lines: &[&str]) -> String {
    let mut form = String::new();
    let Some((first, others)) = lines.split_first() else {
        return form;
    };
    escaped_lines(first).for_each(|line| push_content(&mut form, line));
    let prefix = Prefix::alone_in_last(others);
    let others = match prefix {
        Some(_) => &others[..others.len() - 1],
        None => others,
    };
    for line in others {
        let content = prefix.as_ref().and_then(|prefix| prefix.behind(line)).unwrap_or(line);
        escaped_lines(content).for_each(|line| push_content(&mut form, without_number(line)));
    }
    form
}

/// The lines in a line that contains escaped line breaks: `one
/// two
/// `.
fn escaped_lines(line: &str) -> impl Iterator<Item = &str> {
    line.split(r"\n").flat_map(|line| line.split(r"\r"))
}

/// Appends the leading base64 characters of a line if only signs follow them. Otherwise appends the line without white
/// space, quotes, backslashes and commas.
fn push_content(form: &mut String, line: &str) {
    let is_base64 = |character: char| character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '=');
    let behind = line.trim_start_matches(is_base64);
    // `cat -A` shows a carriage return as `^M`.
    let has_more = behind.trim_start_matches("^M").contains(char::is_alphanumeric);
    if has_more {
        let is_content = |character: &char| !character.is_whitespace() && !matches!(character, '\\' | '"' | '\'' | ',');
        form.extend(line.chars().filter(is_content));
    } else {
        form.push_str(&line[..line.len() - behind.len()]);
    }
}

/// A line without the number that a tool adds, such as `12→`.
fn without_number(line: &str) -> &str {
    let line = line.trim_start();
    let rest = line.trim_start_matches(|character: char| character.is_ascii_digit());
    let unnumbered = rest.strip_prefix(['→', '\t', ':', '|']);
    let unnumbered = unnumbered.filter(|_| rest.len() < line.len());
    unnumbered.unwrap_or(line).trim_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 4] = [
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCu9kz4AKpEJJ1o",
        "+n8dR1k0Yb/3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6JgKd9Fh2Pq0Wz7Tx4Vc1Bn8Mk3a",
        "12ab/Zk3vQ9wLr7XtBm5nGh2Jd8SpY4cF6uEoT1iAaR0lKqWxNzVbUy5Ig7Oe2Pd",
        "90CD+/==",
    ];

    /// How a tool writes a line, given its number.
    type Way = fn(usize, &str) -> String;

    /// The text between the markers if a tool writes each line this way, given the line's number.
    fn between_markers(write: impl Fn(usize, &str) -> String) -> String {
        const MARKER: &str = "-----";
        let lines = [MARKER].into_iter().chain(LINES).chain([MARKER]);
        let written: String = (8..).zip(lines).map(|(number, line)| write(number, line)).collect();
        let (_, behind) = written.split_once(MARKER).unwrap();
        behind.rsplit_once(MARKER).unwrap().0.to_owned()
    }

    #[test]
    fn lines_are_the_same_whatever_is_written_around_them() {
        let ways: [(&str, Way); 30] = [
            ("plain", |_, line| format!("{line}\n")),
            ("CRLF", |_, line| format!("{line}\r\n")),
            ("trailing blanks", |_, line| format!("{line}  \n")),
            ("indented", |_, line| format!("    {line}\n")),
            ("Read", |number, line| format!("{number:6}→{line}\n")),
            ("cat -n", |number, line| format!("{number:6}\t{line}\n")),
            ("nl -s ' '", |number, line| format!("{number:6} {line}\n")),
            ("cat -A", |_, line| format!("{line}$\n")),
            ("cat -A, CRLF", |_, line| format!("{line}^M$\n")),
            ("cat -A, tab", |_, line| format!("^I{line}$\n")),
            ("grep -n", |number, line| format!("{number}:{line}\n")),
            ("grep -H", |_, line| format!("keys/my-key2.pem:{line}\n")),
            ("grep -Hn", |number, line| format!("keys/my-key2.pem:{number}:{line}\n")),
            ("grep -HnA", |number, line| {
                let sign = if number == 8 { ':' } else { '-' };
                format!("keys/my-key2.pem{sign}{number}{sign}{line}\n")
            }),
            ("grep -HnB", |number, line| {
                let sign = if number == 13 { ':' } else { '-' };
                format!(r"C:\new\rsa.pem{sign}{number}{sign}{line}") + "\n"
            }),
            ("diff, added", |_, line| format!("+{line}\n")),
            ("diff, removed", |_, line| format!("-{line}\n")),
            ("diff, kept", |_, line| format!(" {line}\n")),
            ("diff, added between kept", |number, line| {
                let sign = if matches!(number, 8 | 13) { ' ' } else { '+' };
                format!("{sign}{line}\n")
            }),
            ("quoted", |_, line| format!("> {line}\n")),
            ("in a table", |number, line| format!("{number:3} | {line} |\n")),
            ("commented", |_, line| format!("    // {line}\n")),
            ("logged", |number, line| {
                format!("2026-03-01T09:15:{number:02}.123Z app-1  | {line}\n")
            }),
            ("escaped", |_, line| format!(r"{line}\n")),
            ("escaped, CRLF", |_, line| format!(r"{line}\r\n")),
            ("escaped twice", |_, line| format!(r"{line}\\n")),
            ("in a variable", |_, line| format!("{line} ")),
            ("JavaScript", |_, line| format!("  \"{line}\\n\" +\n")),
            ("Python", |number, line| format!("{number:6}→    '{line}\\n' \\\n")),
            ("Java", |_, line| format!("    + \"{line}\\r\\n\"\n")),
        ];
        for (name, way) in ways {
            assert_eq!(joined_lines(&between_markers(way)), [LINES.concat()], "{name}");
        }
    }

    #[test]
    fn lines_are_the_same_of_whatever_length() {
        let broken = LINES
            .concat()
            .as_bytes()
            .chunks(40)
            .fold(String::from("\n"), |broken, chunk| {
                broken + "  12→" + std::str::from_utf8(chunk).unwrap() + "\n"
            });
        for text in [format!("{broken}  13→"), format!("\n{}\n", LINES.concat())] {
            assert_eq!(joined_lines(&text), [LINES.concat()], "{text}");
        }
    }

    #[test]
    fn a_secret_without_an_end_has_all_its_lines() {
        for text in [
            format!("\n{}\n{}", LINES[0], LINES[1]),
            format!("\n  8→{}\n  9→{}", LINES[0], LINES[1]),
            format!("\n+{}\n+{}", LINES[0], LINES[1]),
            format!("{}\n{}\n", LINES[0], LINES[1]),
        ] {
            assert_eq!(joined_lines(&text), [LINES[..2].concat()], "{text}");
        }
    }

    #[test]
    fn a_diff_that_replaces_a_key_has_both() {
        let text = format!("\n {}\n-{}\n+{}\n {}\n ", LINES[0], LINES[1], LINES[2], LINES[3]);
        let [removed, added] = [LINES[1], LINES[2]].map(|line| [LINES[0], line, LINES[3]].concat());
        assert_eq!(joined_lines(&text), [removed, added]);
    }

    #[test]
    fn different_lines_stay_different() {
        for (one, other) in [
            ("p@ss\nword!", "p@ss\nwort!"),
            ("a:b\nc:d\n", "a:b\nc:e\n"),
            ("1:a\n1:a\n1:a", "1:b\n1:b\n1:b"),
            ("a==\na==\na==", "b==\nb==\nb=="),
            ("\n+a1\n/b2\n", "\na1\n/b2\n"),
        ] {
            assert_ne!(joined_lines(one), joined_lines(other), "{one:?}, {other:?}");
        }
    }

    #[test]
    fn headers_of_a_key_stay() {
        let text = "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\nMIIE\n90==\n";
        assert_eq!(
            joined_lines(text),
            ["Proc-Type:4ENCRYPTEDDEK-Info:AES-128-CBC0A1BMIIE90=="]
        );
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_is_no_panic(text in "[ +\\-→\t:|\"\\\\nrMé^$0-9ab\n]{0,60}") {
            joined_lines(&text);
        }
    }
}
