//! What a server said that holds for later requests, too: to ask it all the same would be of no use to anyone.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use session_plugin_api::RunId;

use super::clock::Clock;

/// No pause is longer, whatever the server asks for: then it is asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The latest refusal, if there was one.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Option<Refusal>>);

/// A refusal that holds for further requests.
#[derive(Clone, Debug)]
struct Refusal {
    lasts: Lasts,
    reason: String,
}

#[derive(Clone, Copy, Debug)]
enum Lasts {
    /// To the end of a run: somebody has to do something about it.
    Run(RunId),
    /// Until this time of the clock.
    Until(Duration),
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
        self.remember(Lasts::Until(end), reason);
    }

    /// Remembers that no request of this run is of any use.
    pub(super) fn end(&self, run: RunId, reason: String) {
        self.remember(Lasts::Run(run), reason);
    }

    /// What stands against a request of this run.
    pub(super) fn standing(&self, clock: &dyn Clock, run: RunId) -> Option<Standing> {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = latest.as_ref()?;
        let left = match refusal.lasts {
            Lasts::Run(refused) => (refused == run).then_some(None),
            Lasts::Until(end) => end.checked_sub(clock.elapsed()).map(Some),
        };
        Some(Standing {
            left: left?,
            reason: refusal.reason.clone(),
        })
    }

    fn remember(&self, lasts: Lasts, reason: String) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some(Refusal { lasts, reason });
    }
}
