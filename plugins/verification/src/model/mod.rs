//! Asks a model over HTTP, in one of two formats, within budgets.

mod address;
mod anthropic;
mod api_key;
mod attempts;
mod breach;
mod budget;
mod cancellation;
mod clock;
mod error;
mod exchange;
mod format;
mod openai;
mod received;
mod redaction;
mod refusal;
mod retry_after;
mod schema;

pub(crate) use address::BaseUrl;
pub(crate) use api_key::{ApiKey, KeySource};
pub(crate) use attempts::Model;
pub(crate) use breach::Breach;
pub(crate) use budget::{RunBudget, RunLimits, SessionBudget};
pub(crate) use clock::SystemClock;
pub(crate) use error::ModelError;
pub(crate) use exchange::HttpExchange;
pub(crate) use format::Format;
pub(crate) use refusal::Refusals;
pub(crate) use schema::{at_most, list, object, one_of, text};

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// A question to the model, and the form that the answer must have.
#[derive(Debug)]
pub(crate) struct Question {
    /// The name of the form, which both formats require.
    pub(crate) form: &'static str,
    /// The purpose of the form.
    pub(crate) purpose: &'static str,
    /// The instruction. It contains nothing from a transcript.
    pub(crate) instruction: Cow<'static, str>,
    /// The wrapped data.
    pub(crate) data: String,
    /// The JSON schema of the answer.
    pub(crate) schema: Value,
}

impl Question {
    /// Reads an answer, which must match the form exactly.
    ///
    /// # Errors
    /// The first breach of the form.
    pub(crate) fn read<T: DeserializeOwned>(&self, json: &str) -> Result<T, Breach> {
        let answer: Value = serde_json::from_str(json).map_err(|_| Breach::of_the_answer("is no JSON"))?;
        breach::check(&answer, &self.schema)?;
        // Read from the text, so that a duplicate key is an error.
        serde_json::from_str(json).map_err(|_| Breach::of_the_answer("does not fit the schema"))
    }

    /// The same question after an answer with this breach. The answer is not repeated, because it may contain anything.
    fn once_more(&self, breach: &Breach) -> Self {
        let reminder = format!(
            "\nAn earlier answer was not of the form: {breach}. Keep to the form to the letter, and to the limits in its \
             descriptions.\n"
        );
        Self {
            instruction: format!("{}{reminder}", self.instruction).into(),
            data: self.data.clone(),
            schema: self.schema.clone(),
            ..*self
        }
    }
}

/// The model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// JSON that is not yet checked against the form.
    pub(crate) json: String,
}

#[cfg(test)]
mod exchange_tests;
