//! The budgets: time for a session, requests and tokens for a run.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use session_plugin_api::RunId;

use super::{cancellation::Cancellation, clock::Clock};

/// The tokens of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
}

impl Usage {
    /// An estimate for a server that does not count tokens: four bytes per token.
    pub(super) fn guessed(request_bytes: usize, response_bytes: usize) -> Self {
        const BYTES_OF_A_TOKEN: usize = 4;
        Self {
            input_tokens: (request_bytes / BYTES_OF_A_TOKEN) as u64,
            output_tokens: (response_bytes / BYTES_OF_A_TOKEN) as u64,
        }
    }
}

/// The time budget of one session, and its usage of requests and tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionBudget<'a> {
    run: RunId,
    cancellation: &'a dyn Cancellation,
    allowed: Duration,
    ends: Duration,
    /// The number of requests, including failed ones.
    pub(crate) requests: u64,
    /// The tokens of all answers.
    pub(crate) usage: Usage,
}

impl<'a> SessionBudget<'a> {
    /// A budget for a session in this run. It begins now.
    pub(super) fn begin(clock: &dyn Clock, allowed: Duration, run: RunId, cancellation: &'a dyn Cancellation) -> Self {
        Self {
            run,
            cancellation,
            allowed,
            ends: clock.elapsed().saturating_add(allowed),
            requests: 0,
            usage: Usage::default(),
        }
    }

    /// The run that processes the session.
    pub(super) fn run(&self) -> RunId {
        self.run
    }

    /// What tells whether the session is to stop.
    pub(super) fn cancellation(&self) -> &'a dyn Cancellation {
        self.cancellation
    }

    /// The remaining time.
    pub(super) fn left(&self, clock: &dyn Clock) -> Duration {
        self.ends.saturating_sub(clock.elapsed())
    }

    /// The complete time.
    pub(super) fn allowed(&self) -> Duration {
        self.allowed
    }

    pub(super) fn add(&mut self, usage: Usage) {
        self.usage.input_tokens = self.usage.input_tokens.saturating_add(usage.input_tokens);
        self.usage.output_tokens = self.usage.output_tokens.saturating_add(usage.output_tokens);
    }
}

/// The limits of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunLimits {
    /// Requests, including failed ones.
    pub(crate) requests: u64,
    /// Input and output tokens.
    pub(crate) tokens: u64,
}

/// The limits, and the usage of the current run.
#[derive(Debug)]
pub(crate) struct RunBudget {
    limits: RunLimits,
    spending: Mutex<Spending>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Spending {
    run: RunId,
    requests: u64,
    tokens: u64,
}

/// The exhausted part of a run's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Spent {
    /// All requests.
    #[error(
        "the run has made its {0} requests to the model, so the session waits for a later run; raise \
         max_requests_per_run, or lower the host's max_sessions_per_run"
    )]
    Requests(u64),
    /// All tokens.
    #[error(
        "the run has used its {0} tokens, so the session waits for a later run; raise max_tokens_per_run, or lower \
         the host's max_sessions_per_run"
    )]
    Tokens(u64),
}

impl RunBudget {
    /// An unused budget.
    pub(crate) fn new(limits: RunLimits) -> Self {
        Self {
            limits,
            spending: Mutex::default(),
        }
    }

    /// Takes one request from the budget of this run.
    ///
    /// # Errors
    /// When the requests or tokens are used up. The answer to the last request may exceed the token limit.
    pub(super) fn take_request(&self, run: RunId) -> Result<(), Spent> {
        let mut spending = self.spending.lock().unwrap_or_else(PoisonError::into_inner);
        if spending.run != run {
            *spending = Spending {
                run,
                ..Spending::default()
            };
        }
        if spending.requests >= self.limits.requests {
            return Err(Spent::Requests(self.limits.requests));
        }
        if spending.tokens >= self.limits.tokens {
            return Err(Spent::Tokens(self.limits.tokens));
        }
        spending.requests += 1;
        Ok(())
    }

    pub(super) fn add(&self, usage: Usage) {
        let mut spending = self.spending.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
        spending.tokens = spending.tokens.saturating_add(tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: RunId = RunId::from_number(1);

    fn budget(requests: u64, tokens: u64) -> RunBudget {
        RunBudget::new(RunLimits { requests, tokens })
    }

    #[test]
    fn every_run_has_all_its_requests() {
        let budget = budget(2, 100);
        for run in [RUN, RunId::from_number(2)] {
            assert_eq!(budget.take_request(run), Ok(()));
            assert_eq!(budget.take_request(run), Ok(()));
            assert_eq!(budget.take_request(run), Err(Spent::Requests(2)));
        }
    }

    #[test]
    fn no_request_begins_when_the_tokens_are_spent() {
        let budget = budget(10, 100);
        budget.take_request(RUN).unwrap();
        budget.add(Usage {
            input_tokens: 60,
            output_tokens: 39,
        });
        budget.take_request(RUN).unwrap();
        budget.add(Usage {
            input_tokens: u64::MAX,
            output_tokens: 1,
        });
        assert_eq!(budget.take_request(RUN), Err(Spent::Tokens(100)));
    }
}
