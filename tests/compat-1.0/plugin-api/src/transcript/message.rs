//! What was said: a message and its token counts.

use std::borrow::Cow;

use super::{
    Content, Json,
    lenient::{Lenient, lenient_object},
};

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
    pub usage: Usage<'a>,
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

/// Token counts of a model's response, and the circumstances that its price depends on. A count that is absent or no
/// integer is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage<'a> {
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
    /// How fast the answer was made, such as `standard` or `fast`.
    pub speed: Option<Cow<'a, str>>,
    /// The tier of service, such as `standard` or `batch`.
    pub service_tier: Option<Cow<'a, str>>,
    /// Where in the world the model ran, such as `global` or `us`.
    pub inference_geo: Option<Cow<'a, str>>,
    /// What the model asked of the vendor's own tools.
    pub server_tool_use: ServerToolUse,
    /// `iterations`: the answers that the response consists of, those of [`advisors`](Self::advisors) among them.
    pub iterations: Json<'a>,
}

lenient_object!(Usage<'a> {
    b"input_tokens" => input_tokens,
    b"output_tokens" => output_tokens,
    b"cache_read_input_tokens" => cache_read_input_tokens,
    b"cache_creation_input_tokens" => cache_creation_input_tokens,
    b"cache_creation" => cache_creation,
    b"speed" => speed,
    b"service_tier" => service_tier,
    b"inference_geo" => inference_geo,
    b"server_tool_use" => server_tool_use,
    b"iterations" => iterations,
});

impl<'a> Usage<'a> {
    /// The answers of advisors, whose counts are not in those of the response.
    #[must_use]
    pub fn advisors(&self) -> Vec<Advisor<'a>> {
        const ADVISOR: &str = "advisor_message";
        // Few responses ask an advisor, and reading the iterations takes longer than looking.
        if !self.iterations.as_str().contains(ADVISOR) {
            return Vec::new();
        }
        let iterations = self.iterations.elements().into_iter().enumerate();
        let advisors = iterations.filter(|(_, iteration)| text(*iteration, "type").as_deref() == Some(ADVISOR));
        advisors
            .map(|(place, iteration)| Advisor {
                place,
                model: text(iteration, "model"),
                usage: Usage::from_json(iteration),
            })
            .collect()
    }
}

fn text<'a>(object: Json<'a>, key: &str) -> Option<Cow<'a, str>> {
    Some(object.get(key)?.text()?.decode())
}

/// An answer of another model, which the response's own model asked while it answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advisor<'a> {
    /// The place among the response's iterations, from 0.
    pub place: usize,
    /// The model that answered.
    pub model: Option<Cow<'a, str>>,
    /// What this answer cost in tokens.
    pub usage: Usage<'a>,
}

/// Requests to the vendor's own tools, which are billed one by one; `None` where the response does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerToolUse {
    /// Searches of the web.
    pub web_search_requests: Option<i64>,
}

lenient_object!(ServerToolUse {
    b"web_search_requests" => web_search_requests,
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
    fn usage_is_read_with_all_that_its_price_depends_on() {
        let message = message(
            r#"{"id":"m1","model":"claude","usage":{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":3,
                "cache_creation_input_tokens":9,"service_tier":"batch","speed":"fast","inference_geo":"us",
                "server_tool_use":{"web_search_requests":2,"web_fetch_requests":1},
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
            speed: Some(Cow::Borrowed("fast")),
            service_tier: Some(Cow::Borrowed("batch")),
            inference_geo: Some(Cow::Borrowed("us")),
            server_tool_use: ServerToolUse {
                web_search_requests: Some(2),
            },
            ..Usage::default()
        };
        assert_eq!(message.usage, expected);
        assert_eq!(message.id.as_deref(), Some("m1"));
    }

    #[test]
    fn advisors_have_counts_of_their_own() {
        let message = message(
            r#"{"usage":{"output_tokens":9,"iterations":[{"type":"message","output_tokens":9},
                {"type":"advisor_message","model":"wise","output_tokens":7}, 5, {"type":"advisor_message"}]}}"#,
        );
        let told: Vec<_> = message
            .usage
            .advisors()
            .into_iter()
            .map(|advisor| (advisor.place, advisor.model, advisor.usage.output_tokens))
            .collect();
        assert_eq!(told, [(1, Some(Cow::Borrowed("wise")), 7), (3, None, 0)]);
    }

    #[test]
    fn a_circumstance_that_is_not_told_is_none() {
        let usage =
            message(r#"{"usage":{"speed":1,"service_tier":null,"server_tool_use":{"web_search_requests":"2"}}}"#).usage;
        assert_eq!(usage, Usage::default());
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
