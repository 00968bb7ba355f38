//! The two HTTP formats for requests to models.

use serde::Deserialize;
use serde_json::Value;

use super::{Question, anthropic, api_key::ApiKey, openai, received::Received};

/// The format of requests and answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// Anthropic Messages, with a tool that the model must call.
    #[default]
    Anthropic,
    /// OpenAI's chat completions, with a strict JSON schema.
    Openai,
}

impl Format {
    /// The name of the format in the settings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
        }
    }

    /// The address of the format's own provider.
    pub(crate) fn usual_base_url(self) -> &'static str {
        match self {
            Self::Anthropic => "https://api.anthropic.com",
            Self::Openai => "https://api.openai.com/v1",
        }
    }

    /// The variable that usually contains the key of the format's own provider.
    pub(crate) fn usual_variable(self) -> &'static str {
        match self {
            Self::Anthropic => "ANTHROPIC_API_KEY",
            Self::Openai => "OPENAI_API_KEY",
        }
    }

    /// Whether some servers of this format need no key.
    pub(crate) fn can_do_without_key(self) -> bool {
        self == Self::Openai
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Anthropic => "/v1/messages",
            Self::Openai => "/chat/completions",
        }
    }

    pub(super) fn headers(self, key: Option<&ApiKey>) -> Vec<(&'static str, String)> {
        match self {
            Self::Anthropic => anthropic::headers(key),
            Self::Openai => openai::headers(key),
        }
    }

    pub(super) fn request(self, question: &Question, model: &str, max_output_tokens: u32) -> Value {
        match self {
            Self::Anthropic => anthropic::request(question, model, max_output_tokens),
            Self::Openai => openai::request(question, model, max_output_tokens),
        }
    }

    pub(super) fn read(self, body: &[u8], form: &str) -> Received {
        match self {
            Self::Anthropic => anthropic::read(body, form),
            Self::Openai => openai::read(body),
        }
    }
}
