//! Selects among the candidates: all of them, or failed sessions for a retry.

use std::collections::HashMap;

use session_plugin_api::Timestamp;

use crate::names::SessionKey;

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
    /// Whether this session is selected; `last_failed` holds the sessions whose last attempt failed.
    pub(super) fn has(&self, session: &SessionKey, last_failed: &HashMap<SessionKey, Timestamp>) -> bool {
        match self {
            Self::All => true,
            Self::Failing => last_failed.contains_key(session),
            Self::OneFailing(wanted) => session == wanted && last_failed.contains_key(session),
        }
    }
}
