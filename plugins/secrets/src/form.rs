//! Brings a secret into one form, so that the same secret has the same fingerprint however it was written.

mod lines;

use percent_encoding::percent_decode_str;

use self::lines::joined_lines;

/// The secrets of a text, each in its canonical form.
///
/// Line breaks, indentation, line numbers, quotes and escaped line ends do not change a secret of several lines.
/// Percent-encoding, as in a URL or a cookie, changes no secret. A text has one secret, except a diff that replaces one
/// secret by another.
pub(crate) fn forms(secret: &str) -> Vec<Form> {
    let joined = joined_lines(secret);
    if joined.is_empty() {
        return vec![percent_decoded(secret).map_or(Form::AsWritten, Form::Other)];
    }
    let decoded = joined.into_iter().map(|form| percent_decoded(&form).unwrap_or(form));
    decoded.map(Form::Other).collect()
}

/// The canonical form of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The secret as written is already in this form.
    AsWritten,
    /// The secret was written differently. This is its canonical form.
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
