//! Tickets that are good no longer, although their time has not ended.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use session_plugin_api::Timestamp;

use super::ticket::{Ticket, seconds};

/// How many tickets are remembered.
const MOST: usize = 10_000;

/// The numbers of spent tickets, with their ends. What has ended by itself is forgotten.
#[derive(Debug, Default)]
pub(in crate::web) struct Spent(Mutex<HashMap<String, i64>>);

/// What became of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Spending {
    /// It was good until now.
    First,
    /// It was spent before.
    Again,
    /// It is not spent, because no more can be remembered.
    NoRoom,
}

impl Spent {
    /// Tickets that were spent before, as [`text`](Self::text) wrote them. Lines that are none are left out.
    pub(in crate::web) fn read(text: &str) -> Self {
        let line = |line: &str| {
            let (ends_at, number) = line.split_once(' ')?;
            Some((number.to_owned(), ends_at.parse().ok()?))
        };
        Self(Mutex::new(text.lines().filter_map(line).take(MOST).collect()))
    }

    /// The tickets, a line each.
    pub(in crate::web) fn text(&self) -> String {
        let spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent
            .iter()
            .map(|(number, ends_at)| format!("{ends_at} {number}\n"))
            .collect()
    }

    /// Spends a ticket.
    pub(in crate::web) fn spend(&self, ticket: &Ticket, now: Timestamp) -> Spending {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.retain(|_, ends_at| *ends_at > seconds(now));
        if spent.contains_key(&ticket.number) {
            return Spending::Again;
        }
        if spent.len() >= MOST {
            return Spending::NoRoom;
        }
        spent.insert(ticket.number.clone(), ticket.ends_at);
        Spending::First
    }

    /// Spends a ticket although there is no room for it.
    pub(in crate::web) fn spend_without_room(&self, ticket: &Ticket) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.insert(ticket.number.clone(), ticket.ends_at);
    }

    /// Whether a ticket is spent.
    pub(in crate::web) fn has(&self, ticket: &Ticket) -> bool {
        let spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.contains_key(&ticket.number)
    }

    /// Forgets all of them.
    pub(in crate::web) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn ticket(from: i64) -> Ticket {
        Ticket::new(at(from), Duration::from_secs(10)).unwrap()
    }

    #[test]
    fn a_ticket_is_spent_once_and_forgotten_after_its_end() {
        let spent = Spent::default();
        let first = ticket(0);
        assert!(!spent.has(&first));
        assert_eq!(spent.spend(&first, at(1)), Spending::First);
        assert_eq!(spent.spend(&first, at(2)), Spending::Again);
        assert!(spent.has(&first));
        assert_eq!(spent.spend(&ticket(20), at(20)), Spending::First);
        assert!(!spent.has(&first), "it has ended by itself");
    }

    #[test]
    fn memory_is_bounded_and_no_ticket_is_good_again() {
        let spent = Spent::default();
        let first = ticket(0);
        assert_eq!(spent.spend(&first, at(1)), Spending::First);
        for _ in 1..MOST {
            assert_eq!(spent.spend(&ticket(5), at(6)), Spending::First);
        }
        assert_eq!(spent.spend(&ticket(5), at(6)), Spending::NoRoom);
        assert!(spent.has(&first));
        assert_eq!(spent.spend(&ticket(5), at(10)), Spending::First);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let spent = Spent::default();
        let (one, other) = (ticket(0), ticket(0));
        spent.spend(&one, at(1));
        let read = Spent::read(&(spent.text() + "no ticket\n7\n\n"));
        assert!(read.has(&one) && !read.has(&other));
        assert_eq!(read.text(), spent.text());
    }
}
