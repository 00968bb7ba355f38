//! Which of the candidates a run attempts.

use std::collections::HashMap;

use session_plugin_api::Timestamp;

use crate::names::SessionKey;

/// Which sessions a run looks at.
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
    /// Whether it has this session; `last_failed` holds those whose last attempt failed.
    pub(super) fn has(&self, session: &SessionKey, last_failed: &HashMap<SessionKey, Timestamp>) -> bool {
        match self {
            Self::All => true,
            Self::Failing => last_failed.contains_key(session),
            Self::OneFailing(wanted) => session == wanted && last_failed.contains_key(session),
        }
    }
}
