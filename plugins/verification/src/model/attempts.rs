//! Asks the model. Repeats a request if that may help, within the budgets.

use std::{sync::Arc, time::Duration};

use session_plugin_api::RunId;

use super::{
    Answer, ModelError, Question,
    address::BaseUrl,
    api_key::ApiKey,
    breach::Breach,
    budget::{RunBudget, SessionBudget, Spent, Usage},
    cancellation::Cancellation,
    clock::Clock,
    exchange::{Exchange, Headers, NoResponse, Request, Response},
    format::Format,
    received::NoAnswer,
    redaction::excerpt,
    refusal::{Refusals, Standing},
    retry_after,
};

/// A model with its server, limits and budgets.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) format: Format,
    pub(crate) name: String,
    pub(crate) base_url: BaseUrl,
    pub(crate) key: Option<ApiKey>,
    pub(crate) max_output_tokens: u32,
    pub(crate) max_response_bytes: u64,
    pub(crate) max_attempts: u32,
    pub(crate) request_timeout: Duration,
    pub(crate) session_budget: Duration,
    pub(crate) run_budget: RunBudget,
    pub(crate) refusals: Refusals,
    pub(crate) exchange: Box<dyn Exchange>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A failed attempt, and how long the server asks to wait.
struct Failed {
    error: ModelError,
    retry_after: Option<Duration>,
}

impl From<ModelError> for Failed {
    fn from(error: ModelError) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

impl Model {
    /// The budget of a session that begins now, in this run.
    pub(crate) fn begin_session<'a>(&self, run: RunId, cancellation: &'a dyn Cancellation) -> SessionBudget<'a> {
        SessionBudget::begin(self.clock.as_ref(), self.session_budget, run, cancellation)
    }

    /// Asks the model, and passes its answer to `read`. Asks once more if the answer does not match the form.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub(crate) fn ask_for<T>(
        &self,
        question: &Question,
        budget: &mut SessionBudget<'_>,
        read: impl Fn(&str) -> Result<T, Breach>,
    ) -> Result<T, ModelError> {
        let answer = self.ask(question, budget)?;
        let breach = match read(&answer.json) {
            Ok(read) => return Ok(read),
            Err(breach) if self.max_attempts == 1 => return Err(self.off_form(question, &breach)),
            Err(breach) => breach,
        };
        let answer = self.ask(&question.once_more(&breach), budget);
        let answer = answer.map_err(|error| error.after(Some(&self.off_form(question, &breach))))?;
        read(&answer.json).map_err(|breach| self.off_form(question, &breach))
    }

    /// Asks the model. Retries as long as it may help and the budgets allow.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) fn ask(&self, question: &Question, budget: &mut SessionBudget<'_>) -> Result<Answer, ModelError> {
        self.heed_refusal(budget)?;
        let body = self
            .format
            .request(question, &self.name, self.max_output_tokens)
            .to_string();
        let mut attempts = 0;
        let mut earlier = None;
        loop {
            attempts += 1;
            let failed = match self.attempt(question, &body, budget) {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let is_last = attempts >= self.max_attempts || !failed.error.is_passing();
            self.remember(&failed, is_last, budget);
            if is_last {
                return Err(failed.error.after(earlier.as_ref()));
            }
            let wait = failed.retry_after.unwrap_or_else(|| retry_after::backoff(attempts));
            if wait >= budget.left(self.clock.as_ref()) {
                let after = format!(
                    " (a retry would have to wait {} s; the last error: {})",
                    wait.as_secs(),
                    failed.error
                );
                return Err(self.session_spent(budget, after));
            }
            self.clock.wait(wait, budget.cancellation());
            earlier = Some(failed.error);
        }
    }

    /// Waits while the server asks for a pause, if the pause ends within the session's time.
    fn heed_refusal(&self, budget: &SessionBudget<'_>) -> Result<(), ModelError> {
        let clock = self.clock.as_ref();
        match self.refusals.standing(clock, budget.run()) {
            None => Ok(()),
            Some(Standing { left: Some(left), .. }) if left < budget.left(clock) => {
                clock.wait(left, budget.cancellation());
                Ok(())
            }
            Some(Standing { reason, .. }) => Err(ModelError::Refused(reason)),
        }
    }

    /// Remembers a refusal that also affects later requests.
    fn remember(&self, failed: &Failed, is_last: bool, budget: &SessionBudget<'_>) {
        let reason = || failed.error.to_string();
        if let Some(pause) = failed.retry_after.filter(|_| failed.error.is_passing()) {
            self.refusals.pause(self.clock.as_ref(), pause, reason());
        }
        if is_last && failed.error.meets_every_request() {
            self.refusals.end(budget.run(), reason());
        }
    }

    /// The error for an answer that does not match the form.
    fn off_form(&self, question: &Question, breach: &Breach) -> ModelError {
        ModelError::OffForm {
            host: self.host(),
            form: question.form,
            breach: breach.clone(),
        }
    }

    fn attempt(&self, question: &Question, body: &str, budget: &mut SessionBudget<'_>) -> Result<Answer, Failed> {
        if budget.cancellation().is_cancelled() {
            return Err(ModelError::Cancelled.into());
        }
        let left = budget.left(self.clock.as_ref());
        if left.is_zero() {
            return Err(self.session_spent(budget, String::new()).into());
        }
        let taken = self.run_budget.take_request(budget.run());
        taken.map_err(|spent| run_spent(spent, budget))?;
        budget.requests += 1;
        let timeout = self.request_timeout.min(left);
        let headers = Headers(self.format.headers(self.key.as_ref()));
        let request = Request {
            url: &self.base_url.join(self.format.path()),
            headers: &headers,
            body,
            timeout,
            cancellation: budget.cancellation(),
        };
        let response = self
            .exchange
            .exchange(&request)
            .map_err(|error| self.unanswered(error, timeout))?;
        self.read(question, body, &response, budget)
    }

    fn read(
        &self,
        question: &Question,
        body: &str,
        response: &Response,
        budget: &mut SessionBudget<'_>,
    ) -> Result<Answer, Failed> {
        if !(200..300).contains(&response.status) {
            let excerpt = self.told(question, &String::from_utf8_lossy(&response.body));
            let now = self.clock.time_of_day();
            let retry_after = response.retry_after.as_deref();
            return Err(Failed {
                error: ModelError::status(self.base_url.host(), response.status, Some(excerpt)),
                retry_after: retry_after.and_then(|value| retry_after::asked(value, now)),
            });
        }
        let received = self.format.read(&response.body, question.form);
        let usage = received
            .usage
            .unwrap_or_else(|| Usage::guessed(body.len(), response.body.len()));
        budget.add(usage);
        self.run_budget.add(usage);
        let json = received.json.map_err(|error| self.no_answer(question, error))?;
        Ok(Answer { json })
    }

    fn no_answer(&self, question: &Question, error: NoAnswer) -> ModelError {
        let host = self.host();
        match error {
            NoAnswer::Malformed(reason) => ModelError::Malformed {
                host,
                format: self.format.name(),
                reason: self.told(question, &reason),
            },
            NoAnswer::Unfinished(reason) => ModelError::Unfinished { host, reason },
        }
    }

    fn unanswered(&self, error: NoResponse, timeout: Duration) -> ModelError {
        let host = self.host();
        match error {
            NoResponse::Timeout => ModelError::Timeout {
                host,
                seconds: timeout.as_secs_f64(),
            },
            NoResponse::Connection(reason) => ModelError::Connection { host, reason },
            NoResponse::TooLarge => ModelError::TooLarge {
                host,
                limit: self.max_response_bytes,
            },
            NoResponse::Cancelled => ModelError::Cancelled,
        }
    }

    fn session_spent(&self, budget: &SessionBudget<'_>, after: String) -> ModelError {
        ModelError::SessionSpent {
            seconds: budget.allowed().as_secs(),
            after,
        }
    }

    fn host(&self) -> String {
        self.base_url.host().to_owned()
    }

    /// The part of the server's text that may be shown.
    fn told(&self, question: &Question, text: &str) -> String {
        excerpt(text, &question.data, self.key.as_ref())
    }
}

/// A session that alone has used up the limit would do so again in each later run.
fn run_spent(spent: Spent, budget: &SessionBudget<'_>) -> ModelError {
    let (taken, limit, what, setting) = match spent {
        Spent::Requests(limit) => (budget.requests, limit, "requests", "max_requests_per_run"),
        Spent::Tokens(limit) => (
            budget.usage.input_tokens.saturating_add(budget.usage.output_tokens),
            limit,
            "tokens",
            "max_tokens_per_run",
        ),
    };
    match taken >= limit {
        true => ModelError::RunTooSmall {
            limit,
            what,
            setting,
            after: String::new(),
        },
        false => spent.into(),
    }
}

#[cfg(test)]
pub(super) mod still_clock;
#[cfg(test)]
mod tests;
