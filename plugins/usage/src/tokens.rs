//! Token counts of one response, or of many.

use std::iter::Sum;

use session_plugin_api::transcript::Usage;

/// Token counts. Cache writes are counted in total and by how long the cache keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) input: i64,
    pub(crate) output: i64,
    pub(crate) cache_read: i64,
    pub(crate) cache_creation: i64,
    pub(crate) cache_creation_5m: i64,
    pub(crate) cache_creation_1h: i64,
}

impl Tokens {
    /// The total, which compares the lines of one response.
    pub(crate) fn total(&self) -> i64 {
        self.prompt().saturating_add(self.output)
    }

    /// The tokens of the prompt. All copies of a response have the same number, however complete the answer was.
    pub(crate) fn prompt(&self) -> i64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_creation)
    }
}

impl From<&Usage<'_>> for Tokens {
    /// The cache writes are the recorded total, or the sum of its parts if that is larger. Older transcripts do not
    /// divide the total; the undivided rest counts as kept for five minutes, which is the default.
    fn from(usage: &Usage<'_>) -> Self {
        let division = usage.cache_creation;
        let kept_1h = division.ephemeral_1h_input_tokens;
        let divided = division.ephemeral_5m_input_tokens.saturating_add(kept_1h);
        let cache_creation = usage.cache_creation_input_tokens.max(divided);
        Self {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cache_read: usage.cache_read_input_tokens,
            cache_creation,
            cache_creation_5m: cache_creation.saturating_sub(kept_1h),
            cache_creation_1h: kept_1h,
        }
    }
}

impl Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(tokens: I) -> Self {
        tokens.fold(Self::default(), |sum, tokens| Self {
            input: sum.input.saturating_add(tokens.input),
            output: sum.output.saturating_add(tokens.output),
            cache_read: sum.cache_read.saturating_add(tokens.cache_read),
            cache_creation: sum.cache_creation.saturating_add(tokens.cache_creation),
            cache_creation_5m: sum.cache_creation_5m.saturating_add(tokens.cache_creation_5m),
            cache_creation_1h: sum.cache_creation_1h.saturating_add(tokens.cache_creation_1h),
        })
    }
}

#[cfg(test)]
mod tests {
    use session_plugin_api::transcript::CacheCreation;

    use super::*;

    fn usage(cache_creation_input_tokens: i64, kept_5m: i64, kept_1h: i64) -> Usage<'static> {
        Usage {
            cache_creation_input_tokens,
            cache_creation: CacheCreation {
                ephemeral_5m_input_tokens: kept_5m,
                ephemeral_1h_input_tokens: kept_1h,
            },
            ..Usage::default()
        }
    }

    #[test]
    fn undivided_cache_writes_are_kept_for_five_minutes() {
        let tokens = Tokens::from(&usage(90, 0, 0));
        assert_eq!((tokens.cache_creation_5m, tokens.cache_creation_1h), (90, 0));
    }

    #[test]
    fn divided_cache_writes_stay_divided() {
        let tokens = Tokens::from(&usage(90, 0, 90));
        assert_eq!((tokens.cache_creation_5m, tokens.cache_creation_1h), (0, 90));
        let tokens = Tokens::from(&usage(90, 60, 30));
        assert_eq!((tokens.cache_creation_5m, tokens.cache_creation_1h), (60, 30));
    }

    #[test]
    fn a_division_that_does_not_add_up_is_made_to() {
        let tokens = Tokens::from(&usage(1000, 300, 200));
        assert_eq!(
            (
                tokens.cache_creation,
                tokens.cache_creation_5m,
                tokens.cache_creation_1h
            ),
            (1000, 800, 200)
        );
        let tokens = Tokens::from(&usage(100, 300, 200));
        assert_eq!(
            (
                tokens.cache_creation,
                tokens.cache_creation_5m,
                tokens.cache_creation_1h
            ),
            (500, 300, 200)
        );
    }

    #[test]
    fn absurd_counts_do_not_overflow() {
        let absurd = Tokens {
            input: i64::MAX,
            output: i64::MAX,
            ..Tokens::default()
        };
        assert_eq!(absurd.total(), i64::MAX);
        assert_eq!([absurd, absurd].into_iter().sum::<Tokens>().input, i64::MAX);
    }
}
