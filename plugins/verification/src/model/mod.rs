//! The model that is asked: over HTTP, in one of two formats, within budgets.

mod address;
mod anthropic;
mod api_key;
mod attempts;
mod breach;
mod budget;
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

/// What the model is asked, and the form that its answer must have.
#[derive(Debug)]
pub(crate) struct Question {
    /// The name of the form, as both formats want one.
    pub(crate) form: &'static str,
    /// What the form is for.
    pub(crate) purpose: &'static str,
    /// The instruction, in which nothing comes from a transcript.
    pub(crate) instruction: Cow<'static, str>,
    /// The wrapped data.
    pub(crate) data: String,
    /// The JSON schema of the answer.
    pub(crate) schema: Value,
}

impl Question {
    /// Reads an answer, which must be of the form to the letter.
    ///
    /// # Errors
    /// With what breaks the form.
    pub(crate) fn read<T: DeserializeOwned>(&self, json: &str) -> Result<T, Breach> {
        let answer: Value = serde_json::from_str(json).map_err(|_| Breach::of_the_answer("is no JSON"))?;
        breach::check(&answer, &self.schema)?;
        // From the text, so that what stands there twice is not read once.
        serde_json::from_str(json).map_err(|_| Breach::of_the_answer("does not fit the schema"))
    }

    /// The same after an answer with this breach. What the answer said is not repeated: it may be anything.
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

/// What the model answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// JSON, not yet held against the form.
    pub(crate) json: String,
}

#[cfg(test)]
mod exchange_tests;
