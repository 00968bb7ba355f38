//! One response of the model.

use crate::json::{list, object, text};
use crate::random::Random;

/// What the lines of one response have in common.
pub(crate) struct Response {
    pub(crate) model: &'static str,
    pub(crate) message_id: String,
    pub(crate) request_id: String,
    pub(crate) usage: String,
}

impl Response {
    pub(crate) fn draw(random: &mut Random, model: &'static str, context_tokens: &mut u64) -> Self {
        let created = random.skewed(200, 20_000);
        let usage = object(&[
            ("input_tokens", random.between(1, 12).to_string()),
            ("cache_creation_input_tokens", created.to_string()),
            ("cache_read_input_tokens", context_tokens.to_string()),
            (
                "cache_creation",
                object(&[
                    ("ephemeral_5m_input_tokens", created.to_string()),
                    ("ephemeral_1h_input_tokens", "0".into()),
                ]),
            ),
            ("output_tokens", random.skewed(8, 4_000).to_string()),
            ("service_tier", text("standard")),
        ]);
        *context_tokens = (*context_tokens + created).min(190_000);
        Self {
            model,
            message_id: random.identifier("msg_01", 22),
            request_id: random.identifier("req_011", 21),
            usage,
        }
    }

    /// The message with one of its blocks.
    pub(crate) fn message(&self, block: String) -> String {
        object(&[
            ("model", text(self.model)),
            ("id", text(&self.message_id)),
            ("type", text("message")),
            ("role", text("assistant")),
            ("content", list(&[block])),
            ("stop_reason", "null".into()),
            ("stop_sequence", "null".into()),
            ("usage", self.usage.clone()),
        ])
    }
}
