//! Remembers refusals that also apply to later requests, so that the processor does not send requests in vain.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use session_plugin_api::RunId;

use super::clock::Clock;

/// The longest pause. If the server asks for a longer one, it gets a request earlier.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The latest refusals.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Latest>);

/// The latest refusals that apply to further requests, with the reason.
#[derive(Debug, Default)]
struct Latest {
    /// Until the end of a run: an operator must correct the cause.
    of_run: Option<(RunId, String)>,
    /// Until a time of the clock.
    until: Option<(Duration, String)>,
}

/// A refusal that currently applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// How long it still applies; `None` until the end of the run.
    pub(super) left: Option<Duration>,
    /// The refused request and the reason.
    pub(super) reason: String,
}

impl Refusals {
    /// Remembers that the server asked for a pause.
    pub(super) fn pause(&self, clock: &dyn Clock, pause: Duration, reason: String) {
        let end = clock.elapsed().saturating_add(pause.min(LONGEST_PAUSE));
        self.latest().until = Some((end, reason));
    }

    /// Remembers that no further request of this run can succeed.
    pub(super) fn end(&self, run: RunId, reason: String) {
        self.latest().of_run = Some((run, reason));
    }

    /// The refusal that applies to a request of this run, if there is one.
    pub(super) fn standing(&self, clock: &dyn Clock, run: RunId) -> Option<Standing> {
        let latest = self.latest();
        if let Some((refused, reason)) = &latest.of_run
            && *refused == run
        {
            let reason = reason.clone();
            return Some(Standing { left: None, reason });
        }
        let (end, reason) = latest.until.as_ref()?;
        Some(Standing {
            left: Some(end.checked_sub(clock.elapsed())?),
            reason: reason.clone(),
        })
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
