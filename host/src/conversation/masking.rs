//! Text without secrets. Only this file makes such text from a transcript.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use secret_detector::{Rules, redact, redact_member};

/// Masks the secrets of texts.
#[derive(Clone)]
pub struct Mask {
    rules: Arc<Rules>,
}

/// A text without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked(String);

/// The beginning of a text, or all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// What is shown.
    pub text: Masked,
    /// How many bytes are left out.
    pub left_out: u64,
}

/// How the lines of a page are read.
#[derive(Clone, Copy)]
pub(super) struct Look<'m> {
    /// What masks their texts.
    pub(super) mask: &'m Mask,
    /// How much of each text is shown.
    pub(super) extent: Extent,
    /// Until when edits are compared line by line. A hostile transcript may have many that take long.
    pub(super) until: Instant,
}

impl<'m> Look<'m> {
    pub(super) fn new(mask: &'m Mask, extent: Extent) -> Self {
        const PATIENCE: Duration = Duration::from_millis(300);
        Self {
            mask,
            extent,
            until: Instant::now() + PATIENCE,
        }
    }

    /// The beginning of a text.
    pub(super) fn excerpt(self, text: &str) -> Excerpt {
        self.mask.excerpt(text, self.extent.most())
    }

    /// The beginning of a text that few people read.
    pub(super) fn excerpt_of_record(self, text: &str) -> Excerpt {
        self.mask.excerpt(text, self.extent.most_of_a_record())
    }
}

/// How much of each text is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The beginning of long texts.
    Beginning,
    /// All of it, unless it is longer than anybody reads.
    Whole,
}

/// How many bytes of a text are shown of which all is asked for. Nobody reads more of it on a page.
const WHOLE: usize = 4 << 20;

impl Extent {
    /// How many bytes of a text are shown.
    #[must_use]
    pub fn most(self) -> usize {
        match self {
            Self::Beginning => 20_000,
            Self::Whole => WHOLE,
        }
    }

    /// How many bytes of a record that few people read are shown.
    #[must_use]
    pub fn most_of_a_record(self) -> usize {
        match self {
            Self::Beginning => 2_000,
            Self::Whole => WHOLE,
        }
    }
}

impl Mask {
    /// Masks what these rules find.
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        Self { rules }
    }

    /// Masks a text.
    #[must_use]
    pub fn text(&self, text: &str) -> Masked {
        Masked(redact(text, &self.rules).into_owned())
    }

    /// Masks the value of a key, which may give the secret away.
    #[must_use]
    pub fn member(&self, key: &str, text: &str) -> Masked {
        Masked(redact_member(key, text, &self.rules).into_owned())
    }

    /// Masks a text, then cuts it: a secret that the cut would split is found.
    #[must_use]
    pub fn excerpt(&self, text: &str, most: usize) -> Excerpt {
        self.text(text).excerpt(most)
    }
}

impl Masked {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A text of the program.
    #[must_use]
    pub fn fixed(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// Its beginning.
    #[must_use]
    pub fn excerpt(mut self, most: usize) -> Excerpt {
        let end = self.0.floor_char_boundary(most);
        let left_out = (self.0.len() - end) as u64;
        self.0.truncate(end);
        Excerpt { text: self, left_out }
    }
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Mask").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_at_the_cut_is_masked() {
        let mask = Mask::new(Arc::new(Rules::shipped().unwrap()));
        let key = ["AKIA", "QMGK2UPXJNE74YPX"].concat();
        let text = format!("{} {key} {}", "a".repeat(50), "b".repeat(50));
        for most in 45..75 {
            let excerpt = mask.excerpt(&text, most);
            assert_eq!(excerpt.text.as_str().len(), most);
            assert!(!excerpt.text.as_str().contains("AKIA"), "{excerpt:?}");
        }
    }

    #[test]
    fn a_key_gives_its_secret_away() {
        let mask = Mask::new(Arc::new(Rules::shipped().unwrap()));
        let masked = mask.member("password", "correct7horse");
        assert!(!masked.as_str().contains("horse"), "{masked:?}");
        assert_eq!(mask.member("command", "cargo test").as_str(), "cargo test");
    }
}
