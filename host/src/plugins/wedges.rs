//! Abandoned attempts that have not returned. While there is one, its processor is out of service.
//!
//! # Threads
//! The conductor adds an attempt when it abandons it. The worker of the attempt removes it when the attempt returns,
//! perhaps hours later.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The abandoned attempts of one processor that have not returned. Clones share the list.
#[derive(Clone, Debug, Default)]
pub(super) struct Wedges {
    sessions: Arc<Mutex<Vec<String>>>,
}

/// One abandoned attempt. It holds this value, and drops it if it returns after all.
#[derive(Debug)]
pub struct Wedge {
    wedges: Wedges,
    session: String,
}

impl Wedges {
    pub(super) fn add(&self, session: &str) -> Wedge {
        self.lock().push(session.to_owned());
        Wedge {
            wedges: self.clone(),
            session: session.to_owned(),
        }
    }

    /// The sessions of these attempts, separated by commas; `None` if every attempt has returned.
    pub(super) fn sessions(&self) -> Option<String> {
        let sessions = self.lock();
        (!sessions.is_empty()).then(|| sessions.join(", "))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wedge {
    fn drop(&mut self) {
        let session = &self.session;
        let mut sessions = self.wedges.lock();
        if let Some(place) = sessions.iter().position(|wedged| wedged == session) {
            sessions.swap_remove(place);
        }
        let others = sessions.len();
        drop(sessions);
        match others {
            0 => tracing::warn!(%session, "the abandoned attempt has returned: the processor is in service again"),
            others => tracing::warn!(%session, others, "the abandoned attempt has returned: others have not"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_wedged_until_its_last_abandoned_attempt_returns() {
        let wedges = Wedges::default();
        assert_eq!(wedges.sessions(), None);
        let first = wedges.add("a");
        let second = wedges.add("b");
        assert_eq!(wedges.sessions().as_deref(), Some("a, b"));
        drop(first);
        assert_eq!(wedges.sessions().as_deref(), Some("b"));
        drop(second);
        assert_eq!(wedges.sessions(), None);
    }
}
