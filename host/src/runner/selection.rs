//! Selects among the candidates: all of them, or failed sessions for a retry.

use std::collections::{BTreeSet, HashMap};

use crate::{names::SessionKey, state::FailingSession};

/// The sessions that a run attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All that are new or may have changed.
    All,
    /// Those of them whose last attempt failed.
    Failing,
    /// Those of these whose last attempt failed.
    These(BTreeSet<SessionKey>),
}

impl Selection {
    /// This session, if its last attempt failed.
    #[must_use]
    pub fn one_failing(session: &str) -> Self {
        Self::These([SessionKey::new(session)].into())
    }

    /// Whether it has this session; `failing` holds those whose last attempt failed.
    pub(super) fn has(&self, session: &SessionKey, failing: &HashMap<SessionKey, FailingSession>) -> bool {
        match self {
            Self::All => true,
            Self::Failing => failing.contains_key(session),
            Self::These(wanted) => wanted.contains(session) && failing.contains_key(session),
        }
    }
}
