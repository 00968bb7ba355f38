//! Takes secrets out of what else is recorded of a session.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

use crate::secret::Secret;

/// All secrets of a session, to be taken out of texts that come from its transcript.
#[derive(Default)]
pub(crate) struct Concealment {
    secrets: Option<AhoCorasick>,
}

impl Concealment {
    /// Conceals these secrets.
    ///
    /// # Errors
    /// When they are too many to be searched for.
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Result<Self, BuildError> {
        let searcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(secrets.into_iter().map(Secret::expose))?;
        Ok(Self {
            secrets: Some(searcher),
        })
    }

    /// The text with `***` in place of every secret in it.
    pub(crate) fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        const CONCEALED: &str = "***";
        match &self.secrets {
            Some(secrets) if secrets.is_match(text) => {
                let mut concealed = String::with_capacity(text.len());
                secrets.replace_all_with(text, &mut concealed, |_, _, written| {
                    written.push_str(CONCEALED);
                    true
                });
                Cow::Owned(concealed)
            }
            _ => Cow::Borrowed(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_the_longest_first() {
        let secrets = ["abc", "abcdef", "xyz"].map(Secret::new);
        let concealment = Concealment::of(&secrets).unwrap();
        assert_eq!(concealment.apply("1abcdef2abc3"), "1***2***3");
        assert!(matches!(concealment.apply("ab"), Cow::Borrowed("ab")));
        assert_eq!(Concealment::default().apply("abc"), "abc");
    }
}
