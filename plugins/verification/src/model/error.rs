//! Errors of the model. They say what failed and what to do, without the key and without text of a transcript.

use super::{breach::Breach, budget::Spent};

/// Why the model gave no usable answer. The texts contain neither the key nor text of a transcript.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModelError {
    /// The server took too long.
    #[error("{host} did not answer within {seconds:.0} s; raise request_timeout_seconds, or use a faster model")]
    Timeout {
        /// The host.
        host: String,
        /// The timeout.
        seconds: f64,
    },
    /// There was no connection, or it was lost.
    #[error("cannot connect to {host}, or the connection was lost ({reason}); check base_url and the network")]
    Connection {
        /// The host.
        host: String,
        /// The system's reason.
        reason: String,
    },
    /// The answer is larger than the limit.
    #[error("{host} answered with more than {limit} bytes; check base_url, or raise max_response_bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The status is not a success.
    #[error("{host} answered with status {status}: {remedy}{excerpt}")]
    Status {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The remedy.
        remedy: &'static str,
        /// The redacted beginning of the body, if it may help.
        excerpt: String,
    },
    /// The answer is not in the format.
    #[error("the answer of {host} is not in the format `{format}` ({reason}); check format and base_url")]
    Malformed {
        /// The host.
        host: String,
        /// The format.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The model stopped before the end of its answer.
    #[error("{host}: the model did not finish its answer ({reason}); raise max_output_tokens, or use another model")]
    Unfinished {
        /// The host.
        host: String,
        /// The reason that the server gives.
        reason: String,
    },
    /// The answer does not match the requested form.
    #[error(
        "{host}: the model's answer does not match the form `{form}` ({breach}); use a model that follows JSON schemas"
    )]
    OffForm {
        /// The host.
        host: String,
        /// The form.
        form: &'static str,
        /// What is wrong.
        breach: Breach,
    },
    /// The session has no time left.
    #[error("the session has used its {seconds} s for the model; raise session_budget_seconds{after}")]
    SessionSpent {
        /// The budget.
        seconds: u64,
        /// The last failure, if there was one.
        after: String,
    },
    /// The run has no requests or tokens left.
    #[error(transparent)]
    RunSpent(#[from] Spent),
    /// The session alone used up the requests or tokens of the run, so a later run would not suffice either.
    #[error("the session alone needs more than the {limit} {what} of a run; raise {setting}{after}")]
    RunTooSmall {
        /// The limit.
        limit: u64,
        /// The unit of the limit.
        what: &'static str,
        /// The setting of the limit.
        setting: &'static str,
        /// The last failure, if there was one.
        after: String,
    },
    /// The host wants the session to stop.
    #[error("the host is stopping, or the time of the run or of the attempt is over: a later run asks the model again")]
    Cancelled,
    /// The server refused an earlier request, and would refuse this one for the same reason.
    #[error("an earlier request was refused, and this one would be too: {0}")]
    Refused(String),
}

impl ModelError {
    /// The error for a response with this status and this excerpt of its body.
    pub(super) fn status(host: &str, status: u16, excerpt: Option<String>) -> Self {
        // A response that refuses the key may contain parts of it.
        let excerpt = excerpt.filter(|excerpt| !matches!(status, 401 | 403) && !excerpt.is_empty());
        Self::Status {
            host: host.to_owned(),
            status,
            remedy: remedy(status),
            excerpt: excerpt.map_or_else(String::new, |excerpt| format!(" (it says: {excerpt})")),
        }
    }

    /// Adds the reason for a repeated request, if a budget prevented the repetition.
    pub(super) fn after(mut self, earlier: Option<&Self>) -> Self {
        if let (Self::RunTooSmall { after, .. }, Some(earlier)) = (&mut self, earlier) {
            *after = format!(" (a request was to be repeated, because: {earlier})");
        }
        self
    }

    /// Whether the error does not depend on the question, so that any other request would fail too: the key, the
    /// account, the model's name or the rate.
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
        300..=399 => "it redirects, and redirects are not followed; set base_url to the target",
        401 | 403 => "it refused the key; check api_key_env or api_key_file",
        402 => "it requires payment; check the account at the provider",
        404 => "check base_url and model",
        408 | 504 => "the server timed out; the next run tries the session again",
        413 => "the request is too large for it; use a model that accepts more",
        429 => "too many requests; the next run tries the session again; lower max_requests_per_run",
        500..=599 => "the server failed; the next run tries the session again",
        _ => "check format, model and base_url",
    }
}
