//! Selects among the candidates: all of them, or failed sessions for a retry.

use std::collections::HashMap;

use crate::{names::SessionKey, state::FailingSession};

/// The sessions that a run attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All that are new or may have changed.
    All,
    /// Those of them whose last attempt failed.
    Failing,
    /// This one, if its last attempt failed.
    OneFailing(SessionKey),
}

impl Selection {
    /// Whether it has this session; `failing` holds those whose last attempt failed.
    pub(super) fn has(&self, session: &SessionKey, failing: &HashMap<SessionKey, FailingSession>) -> bool {
        match self {
            Self::All => true,
            Self::Failing => failing.contains_key(session),
            Self::OneFailing(wanted) => session == wanted && failing.contains_key(session),
        }
    }
}
