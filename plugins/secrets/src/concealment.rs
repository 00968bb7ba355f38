//! Keeps secrets out of what else is recorded of a session.

use aho_corasick::{AhoCorasick, BuildError};

use crate::secret::Secret;

/// The secrets of a session, none of which may stand in a text that is recorded.
#[derive(Default)]
pub(crate) struct Concealment {
    beginnings: Option<AhoCorasick>,
}

impl Concealment {
    /// Conceals texts that hold one of these secrets.
    ///
    /// # Errors
    /// When they are too many to be searched for.
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Result<Self, BuildError> {
        let searcher = AhoCorasick::new(secrets.into_iter().map(|secret| beginning(secret.expose())))?;
        Ok(Self {
            beginnings: Some(searcher),
        })
    }

    /// The text, or `***` if a secret, or the long beginning of one, stands in it.
    pub(crate) fn apply<'t>(&self, text: &'t str) -> &'t str {
        const CONCEALED: &str = "***";
        match &self.beginnings {
            Some(beginnings) if beginnings.is_match(text) => CONCEALED,
            _ => text,
        }
    }
}

/// As much of a secret as tells it from any other text.
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
