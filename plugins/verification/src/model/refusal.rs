//! What a server said that holds for later requests, too: to ask it all the same would be of no use to anyone.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use session_plugin_api::RunId;

use super::clock::Clock;

/// No pause is longer, whatever the server asks for: then it is asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The latest refusals, if there were any.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Latest>);

/// The latest refusals that hold for further requests, each with what was refused, and why.
#[derive(Debug, Default)]
struct Latest {
    /// To the end of a run: somebody has to do something about it.
    of_run: Option<(RunId, String)>,
    /// Until a time of the clock.
    until: Option<(Duration, String)>,
}

/// A refusal as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// How long it holds; `None` for as long as the run.
    pub(super) left: Option<Duration>,
    /// What was refused, and why.
    pub(super) reason: String,
}

impl Refusals {
    /// Remembers that the server wants to be left alone for so long.
    pub(super) fn pause(&self, clock: &dyn Clock, pause: Duration, reason: String) {
        let end = clock.elapsed().saturating_add(pause.min(LONGEST_PAUSE));
        self.latest().until = Some((end, reason));
    }

    /// Remembers that no request of this run is of any use.
    pub(super) fn end(&self, run: RunId, reason: String) {
        self.latest().of_run = Some((run, reason));
    }

    /// What stands against a request of this run.
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
