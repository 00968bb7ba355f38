//! One form of a secret that can be written in several.

use percent_encoding::percent_decode_str;

/// The secret in the form that all its other ways of being written have in common; `None` where it is written so.
///
/// A secret of several lines is the same however these are broken, indented or numbered, and whether their ends are
/// escaped; any is the same where it is percent-encoded, as in a URL or a cookie.
pub(crate) fn one_form(secret: &str) -> Option<String> {
    let joined = joined_lines(secret);
    let secret = joined.as_deref().unwrap_or(secret);
    percent_decoded(secret).or(joined)
}

/// The lines without what a tool or a format puts around them, and without white space. `None` where there is one line.
fn joined_lines(secret: &str) -> Option<String> {
    let unescaped = secret.replace("\\r", "").replace("\\n", "\n");
    let lines = unescaped.trim_end().contains('\n').then(|| unescaped.lines());
    let is_of_key = |character: &char| !character.is_whitespace() && !matches!(character, '\\' | '"' | '\'' | ',');
    let joined = lines?.map(without_number).flat_map(str::chars).filter(is_of_key);
    Some(joined.collect())
}

/// A line without the number that a tool shows it with, such as `12→`.
fn without_number(line: &str) -> &str {
    let line = line.trim_start();
    let rest = line.trim_start_matches(|character: char| character.is_ascii_digit());
    let unnumbered = rest.strip_prefix(['→', '\t', ':', '|']);
    unnumbered.filter(|_| rest.len() < line.len()).unwrap_or(line)
}

fn percent_decoded(secret: &str) -> Option<String> {
    let decoded = percent_decode_str(secret).decode_utf8().ok()?;
    (decoded != secret).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_are_broken_numbered_and_escaped() {
        for written in [
            "\nMIIE12ab\n90CD+/==\n",
            "\r\nMIIE12ab\r\n90CD+/==\r\n",
            "\n     2→MIIE12ab\n    3→90CD+/==\n    4→",
            "\n2\tMIIE12ab\n3\t90CD+/==\n4\t",
            "\n12:MIIE12ab\n13:90CD+/==\n14:",
            "\n    MIIE12ab\n    90CD+/==\n    ",
            r"\nMIIE12ab\n90CD+/==\n",
            r"\\nMIIE12ab\\n90CD+/==\\n",
            "\\n\",\n  \"MIIE12ab\\n\",\n  \"90CD+/==\\n\",\n",
        ] {
            assert_eq!(one_form(written).as_deref(), Some("MIIE12ab90CD+/=="), "{written}");
        }
    }

    #[test]
    fn percent_encoding_changes_no_secret() {
        assert_eq!(one_form("xoxd-a%2Bb%2f%3D").as_deref(), Some("xoxd-a+b/="));
        for as_written in ["xoxd-a+b/=", "100%", "50%zz", "%ff"] {
            assert_eq!(one_form(as_written), None, "{as_written}");
        }
    }

    #[test]
    fn one_line_stays_as_it_is() {
        for secret in ["", "12→34", "correct horse battery", r"C:\temp"] {
            assert_eq!(one_form(secret), None, "{secret}");
        }
    }
}
