//! One form of a secret that can be written in several.

mod lines;

use percent_encoding::percent_decode_str;

use self::lines::joined_lines;

/// The secrets in the form that all their other ways of being written have in common.
///
/// A secret of several lines is the same however these are broken, indented, numbered or quoted, and whether their ends
/// are escaped; any is the same where it is percent-encoded, as in a URL or a cookie. A text holds one secret, but for a
/// diff that replaces one by another.
pub(crate) fn forms(secret: &str) -> Vec<Form> {
    let joined = joined_lines(secret);
    if joined.is_empty() {
        return vec![percent_decoded(secret).map_or(Form::AsWritten, Form::Other)];
    }
    let decoded = joined.into_iter().map(|form| percent_decoded(&form).unwrap_or(form));
    decoded.map(Form::Other).collect()
}

/// The form of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The secret is written in it.
    AsWritten,
    /// The secret is written in another one than this.
    Other(String),
}

fn percent_decoded(secret: &str) -> Option<String> {
    let decoded = percent_decode_str(secret).decode_utf8().ok()?;
    (decoded != secret).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_changes_no_secret() {
        assert_eq!(forms("xoxd-a%2Bb%2f%3D"), [Form::Other("xoxd-a+b/=".to_owned())]);
        for as_written in ["xoxd-a+b/=", "100%", "50%zz", "%ff"] {
            assert_eq!(forms(as_written), [Form::AsWritten], "{as_written}");
        }
    }

    #[test]
    fn one_line_stays_as_it_is() {
        for secret in ["", "12→34", "correct horse battery", r"C:\temp"] {
            assert_eq!(forms(secret), [Form::AsWritten], "{secret}");
        }
    }
}
