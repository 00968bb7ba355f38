//! Tickets that are good no longer, although their time has not ended.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use session_plugin_api::Timestamp;

use super::ticket::{Ticket, seconds};

/// The numbers of spent tickets. What has ended by itself is forgotten.
#[derive(Debug, Default)]
pub(in crate::web) struct Spent(Mutex<HashMap<String, i64>>);

impl Spent {
    /// Spends a ticket; returns whether it was good until now.
    pub(in crate::web) fn spend(&self, ticket: &Ticket, now: Timestamp) -> bool {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.retain(|_, ends_at| *ends_at > seconds(now));
        spent.insert(ticket.number.clone(), ticket.ends_at).is_none()
    }

    /// Whether a ticket is spent.
    pub(in crate::web) fn has(&self, ticket: &Ticket) -> bool {
        let spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.contains_key(&ticket.number)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_ticket_is_spent_once_and_forgotten_after_its_end() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let spent = Spent::default();
        let ticket = Ticket::new(at(0), Duration::from_secs(10)).unwrap();
        assert!(!spent.has(&ticket));
        assert!(spent.spend(&ticket, at(1)) && !spent.spend(&ticket, at(2)));
        assert!(spent.has(&ticket));
        let later = Ticket::new(at(20), Duration::from_secs(10)).unwrap();
        assert!(spent.spend(&later, at(20)));
        assert!(!spent.has(&ticket), "it has ended by itself");
    }
}
