//! What was said: a message and its token counts.

use std::borrow::Cow;

use super::{Content, lenient::lenient_object};

/// The `message` of a `user` or `assistant` line.
#[derive(Clone, Debug, Default)]
pub struct Message<'a> {
    /// The identifier of the model's response. One response is often written as several lines that share it.
    pub id: Option<Cow<'a, str>>,
    /// `user` or `assistant`.
    pub role: Option<Cow<'a, str>>,
    /// The model that answered.
    pub model: Option<Cow<'a, str>>,
    /// What the response cost in tokens: of the whole response, repeated on each of its lines.
    pub usage: Usage,
    /// What was said and done.
    pub content: Content<'a>,
}

lenient_object!(Message<'a> {
    b"id" => id,
    b"role" => role,
    b"model" => model,
    b"usage" => usage,
    b"content" => content,
});

/// Token counts of a model's response. A count that is absent or no integer is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input that was neither read from the cache nor written to it.
    pub input_tokens: i64,
    /// Output.
    pub output_tokens: i64,
    /// Input read from the cache.
    pub cache_read_input_tokens: i64,
    /// Input written to the cache.
    pub cache_creation_input_tokens: i64,
    /// How what was written to the cache divides by the time it is kept.
    pub cache_creation: CacheCreation,
}

lenient_object!(Usage {
    b"input_tokens" => input_tokens,
    b"output_tokens" => output_tokens,
    b"cache_read_input_tokens" => cache_read_input_tokens,
    b"cache_creation_input_tokens" => cache_creation_input_tokens,
    b"cache_creation" => cache_creation,
});

/// Tokens written to the cache, by the time they are kept. Older transcripts have no such division: both are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCreation {
    /// Tokens kept for five minutes.
    pub ephemeral_5m_input_tokens: i64,
    /// Tokens kept for one hour.
    pub ephemeral_1h_input_tokens: i64,
}

lenient_object!(CacheCreation {
    b"ephemeral_5m_input_tokens" => ephemeral_5m_input_tokens,
    b"ephemeral_1h_input_tokens" => ephemeral_1h_input_tokens,
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::lenient::Lenient;

    fn message(json: &str) -> Message<'_> {
        Message::from_json(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn usage_is_read_with_the_division_of_cache_writes() {
        let message = message(
            r#"{"id":"m1","model":"claude","usage":{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":3,
                "cache_creation_input_tokens":9,"service_tier":"standard",
                "cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":5}}}"#,
        );
        let expected = Usage {
            input_tokens: 1,
            output_tokens: 2,
            cache_read_input_tokens: 3,
            cache_creation_input_tokens: 9,
            cache_creation: CacheCreation {
                ephemeral_5m_input_tokens: 4,
                ephemeral_1h_input_tokens: 5,
            },
        };
        assert_eq!(message.usage, expected);
        assert_eq!(message.id.as_deref(), Some("m1"));
    }

    #[test]
    fn a_count_that_is_no_integer_is_zero() {
        for value in [
            "null",
            "\"12\"",
            "1.5",
            "1e3",
            "true",
            "[1]",
            "99999999999999999999",
            "{\"n\":1}",
        ] {
            let json = format!(r#"{{"usage":{{"input_tokens":{value},"output_tokens":7}}}}"#);
            let usage = message(&json).usage;
            assert_eq!((usage.input_tokens, usage.output_tokens), (0, 7), "{value}");
        }
    }
}
