//! Wraps a secret in a type that does not reveal it.

use std::{
    fmt::{self, Write as _},
    hash::{Hash, Hasher},
};

use hmac::{Hmac, KeyInit, Mac};
use session_plugin_api::hex;
use sha2::Sha256;

use crate::{
    form::{Form, forms},
    salt::Salt,
};

/// A secret. It is compared and hashed in its [`forms`], whatever way it is written. Only its
/// [`fingerprint`](Self::fingerprint) and its [`preview`](Self::preview) may be shown.
#[derive(Clone)]
pub(crate) struct Secret {
    written: String,
    form: Form,
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.form() == other.form()
    }
}

impl Eq for Secret {}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.form().hash(hasher);
    }
}

impl Secret {
    /// Wraps the secrets in a text: one, or two if the text is a diff that replaces one by another.
    pub(crate) fn all_of(text: &str) -> impl Iterator<Item = Self> + use<> {
        let written = text.to_owned();
        forms(text).into_iter().map(move |form| Self {
            written: written.clone(),
            form,
        })
    }

    /// Wraps a text of one line.
    pub(crate) fn of_line(line: &str) -> Self {
        Self {
            written: line.to_owned(),
            form: Form::AsWritten,
        }
    }

    /// The secret as written, for removing it from other texts. It must never be stored or logged.
    pub(crate) fn expose(&self) -> &str {
        &self.written
    }

    fn form(&self) -> &str {
        match &self.form {
            Form::AsWritten => &self.written,
            Form::Other(form) => form,
        }
    }

    /// The HMAC-SHA-256 of the secret with the database's salt, in hex: the same secret always has the same
    /// fingerprint.
    pub(crate) fn fingerprint(&self, salt: &Salt) -> String {
        let mut mac = Hmac::<Sha256>::new(&salt.as_key().into());
        mac.update(self.form().as_bytes());
        hex(mac.finalize().into_bytes())
    }

    /// The first characters of the secret, at most four and at most a quarter of it, and its length.
    pub(crate) fn preview(&self) -> String {
        const SHOWN: usize = 4;
        let length = self.form().chars().count();
        let shown = self.form().chars().take(SHOWN.min(length / 4));
        let mut preview: String = shown.flat_map(char::escape_debug).collect();
        let _ = write!(preview, "... ({length} characters)");
        preview
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secret({})", self.preview())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_shows_a_quarter_and_four_characters_at_most() {
        let preview = |secret: &str| Secret::of_line(secret).preview();
        assert_eq!(preview(""), "... (0 characters)");
        assert_eq!(preview("abc"), "... (3 characters)");
        assert_eq!(preview("hunter12"), "hu... (8 characters)");
        assert_eq!(preview(&"abcdefgh".repeat(5)), "abcd... (40 characters)");
        assert_eq!(preview("äöüßéèêë"), "äö... (8 characters)");
    }

    #[test]
    fn debugging_shows_no_more_than_the_preview() {
        let secret = Secret::of_line("correct horse battery");
        assert_eq!(format!("{secret:?}"), "Secret(corr... (21 characters))");
    }

    #[test]
    fn a_fingerprint_is_an_hmac() {
        // Test case 2 of RFC 4231. Its key is padded with zeros to the length of a salt, as HMAC itself would do.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        assert_eq!(
            Secret::of_line("what do ya want for nothing?").fingerprint(&Salt::from_bytes(key)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn fingerprints_of_two_databases_have_nothing_in_common() {
        let secret = Secret::of_line("correct horse");
        let fingerprint = |salt| secret.fingerprint(&Salt::from_bytes([salt; 32]));
        assert_ne!(fingerprint(1), fingerprint(2));
        assert_eq!(fingerprint(1), fingerprint(1));
    }
}
