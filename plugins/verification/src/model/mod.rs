//! The model that is asked: over HTTP, in one of two formats, within budgets.

mod address;
mod anthropic;
mod api_key;
mod attempts;
mod budget;
mod clock;
mod error;
mod exchange;
mod format;
mod openai;
mod redaction;
mod refusal;
mod retry_after;
mod schema;

pub(crate) use address::BaseUrl;
pub(crate) use api_key::{ApiKey, KeySource};
pub(crate) use attempts::Model;
pub(crate) use budget::{RunBudget, RunLimits, SessionBudget};
pub(crate) use clock::SystemClock;
pub(crate) use error::ModelError;
pub(crate) use exchange::HttpExchange;
pub(crate) use format::Format;
pub(crate) use refusal::Refusals;
pub(crate) use schema::object;

use serde_json::Value;

/// What the model is asked, and the form that its answer must have.
#[derive(Debug)]
pub(crate) struct Question {
    /// The name of the form, as both formats want one.
    pub(crate) form: &'static str,
    /// What the form is for.
    pub(crate) purpose: &'static str,
    /// The instruction, in which nothing comes from a transcript.
    pub(crate) instruction: &'static str,
    /// The wrapped data.
    pub(crate) data: String,
    /// The JSON schema of the answer.
    pub(crate) schema: Value,
}

impl Question {
    /// The same after an answer that was not of the form. What the answer said is not repeated: it may be anything.
    fn once_more(&self) -> Self {
        const REMINDER: &str = "\nAn earlier answer was not of the form. Keep to it to the letter, to the limits on \
                                lengths in its descriptions as well.\n";
        Self {
            data: format!("{}{REMINDER}", self.data),
            schema: self.schema.clone(),
            ..*self
        }
    }
}

/// What the model answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// JSON, not yet held against the form.
    pub(crate) json: String,
}

#[cfg(test)]
mod exchange_tests;
