//! What a server said that holds for later sessions, too: to ask it all the same would be of no use to anyone.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use session_plugin_api::RunId;

use super::{budget::SessionBudget, clock::Clock};

/// The latest refusal, if there was one.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Option<Refusal>>);

#[derive(Clone, Debug)]
struct Refusal {
    lasts: Lasts,
    reason: String,
}

/// How long a refusal holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasts {
    /// To the end of a run: somebody has to do something about it.
    Run(RunId),
    /// Until this time of the clock, as the server says.
    Until(Duration),
}

impl Refusals {
    pub(super) fn remember(&self, lasts: Lasts, reason: String) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some(Refusal { lasts, reason });
    }

    /// Why nothing that this session asks would be answered in its time.
    pub(super) fn standing(&self, budget: &SessionBudget, clock: &dyn Clock) -> Option<String> {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = latest.as_ref()?;
        let stands = match refusal.lasts {
            Lasts::Run(run) => run == budget.run(),
            Lasts::Until(end) => end.saturating_sub(clock.elapsed()) >= budget.left(clock),
        };
        stands.then(|| refusal.reason.clone())
    }
}
