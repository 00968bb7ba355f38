//! Why a model gave no answer that can be used.

use super::{breach::Breach, budget::Spent};

/// Why a model gave no answer that can be used. Neither key nor text of a transcript is told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModelError {
    /// It took too long.
    #[error("{host} did not answer within {seconds:.0} s: raise request_timeout_seconds, or use a faster model")]
    Timeout {
        /// Where.
        host: String,
        /// How long was waited.
        seconds: f64,
    },
    /// There was no connection, or it broke.
    #[error("cannot reach {host}, or it broke off the connection ({reason}): check base_url and the network")]
    Connection {
        /// Where.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// The answer is larger than any that is expected.
    #[error("{host} answered with more than {limit} bytes: check base_url, or raise max_response_bytes")]
    TooLarge {
        /// Where.
        host: String,
        /// What is taken.
        limit: u64,
    },
    /// The answer is no success.
    #[error("{host} answered with status {status}: {remedy}{excerpt}")]
    Status {
        /// Where.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What to do.
        remedy: &'static str,
        /// The redacted beginning of the body, where it may help.
        excerpt: String,
    },
    /// The answer is not in the format.
    #[error("{host} gave an answer that is not in the format `{format}` ({reason}): check format and base_url")]
    Malformed {
        /// Where.
        host: String,
        /// The format.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The model stopped before the end.
    #[error("{host}: the model did not finish its answer ({reason}): raise max_output_tokens, or use another model")]
    Unfinished {
        /// Where.
        host: String,
        /// Why it stopped.
        reason: String,
    },
    /// The answer is not of the form that was asked for.
    #[error(
        "{host}: the model's answer is not of the form `{form}` ({breach}): use a model that keeps to a JSON schema"
    )]
    OffForm {
        /// Where.
        host: String,
        /// The form.
        form: &'static str,
        /// What is wrong.
        breach: Breach,
    },
    /// The session's time is spent.
    #[error("the session's {seconds} s for the model are spent{after}: raise session_budget_seconds")]
    SessionSpent {
        /// The budget.
        seconds: u64,
        /// What failed before.
        after: String,
    },
    /// The run's requests or tokens are spent.
    #[error(transparent)]
    RunSpent(#[from] Spent),
    /// The session alone has taken the run's requests or tokens: no later run would have more of them for it.
    #[error("the session alone takes more than a run may, which is {limit} {what}{after}: raise {setting}")]
    RunTooSmall {
        /// How many.
        limit: u64,
        /// Of what.
        what: &'static str,
        /// What sets it.
        setting: &'static str,
        /// What failed before.
        after: String,
    },
    /// The server refused an earlier request in a way that holds for this one.
    #[error("an earlier request was refused, and this one would be: {0}")]
    Refused(String),
}

impl ModelError {
    /// An answer of this status, with what can be told of its body.
    pub(super) fn status(host: &str, status: u16, excerpt: Option<String>) -> Self {
        // Of an answer that refuses the key, parts may be those of the key.
        let excerpt = excerpt.filter(|excerpt| !matches!(status, 401 | 403) && !excerpt.is_empty());
        Self::Status {
            host: host.to_owned(),
            status,
            remedy: remedy(status),
            excerpt: excerpt.map_or_else(String::new, |excerpt| format!(" (it says: {excerpt})")),
        }
    }

    /// The same with what made the model be asked again, where a budget ended that.
    pub(super) fn after(mut self, earlier: Option<&Self>) -> Self {
        if let (Self::RunTooSmall { after, .. }, Some(earlier)) = (&mut self, earlier) {
            *after = format!(", and it would have been asked again after: {earlier}");
        }
        self
    }

    /// Whether it is not about what was asked, so that any other request would meet it as well: the key, the account, the
    /// model's name or the rate.
    pub(super) fn meets_every_request(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: 401..=404 | 429,
                ..
            }
        )
    }

    /// Whether the same request may succeed a little later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Connection { .. } => true,
            Self::Status { status, .. } => matches!(status, 429 | 500..=599),
            _ => false,
        }
    }
}

fn remedy(status: u16) -> &'static str {
    match status {
        300..=399 => "it redirects, which is not followed: set base_url to where it points",
        401 | 403 => "the key is refused: check api_key_env or api_key_file",
        402 => "the account has to be paid for: see to it at the provider",
        404 => "check base_url and model",
        408 | 504 => "it took too long there: the session is tried again at the next run",
        413 => "the request is too large for it: use a model that takes more",
        429 => "too many requests: the session is tried again at the next run; lower max_requests_per_run",
        500..=599 => "the fault is there: the session is tried again at the next run",
        _ => "check format, model and base_url",
    }
}
