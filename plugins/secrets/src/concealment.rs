//! Keeps secrets out of the other columns of a session's rows.

use aho_corasick::{AhoCorasick, BuildError};

use crate::secret::Secret;

/// The secrets of a session. No stored text may contain one of them.
#[derive(Default)]
pub(crate) struct Concealment {
    beginnings: Option<AhoCorasick>,
}

impl Concealment {
    /// Conceals texts that contain one of these secrets.
    ///
    /// # Errors
    /// When there are too many secrets to search for.
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Result<Self, BuildError> {
        let searcher = AhoCorasick::new(secrets.into_iter().map(|secret| beginning(secret.expose())))?;
        Ok(Self {
            beginnings: Some(searcher),
        })
    }

    /// The text, or `***` if it contains a secret or the long beginning of one.
    pub(crate) fn apply<'t>(&self, text: &'t str) -> &'t str {
        const CONCEALED: &str = "***";
        match &self.beginnings {
            Some(beginnings) if beginnings.is_match(text) => CONCEALED,
            _ => text,
        }
    }
}

/// The first bytes of a secret: enough to distinguish it from any other text.
fn beginning(secret: &str) -> &str {
    const TELLING_BYTES: usize = 64;
    &secret[..secret.floor_char_boundary(TELLING_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_holds_a_secret_is_concealed() {
        let secrets = ["abc".to_owned(), "ä".repeat(200)].map(|secret| Secret::of_line(&secret));
        let concealment = Concealment::of(&secrets).unwrap();
        for text in ["1abc2", "abc", &"ä".repeat(100)] {
            assert_eq!(concealment.apply(text), "***");
        }
        assert_eq!(concealment.apply("ab"), "ab");
        assert_eq!(Concealment::default().apply("abc"), "abc");
    }
}
