//! Tells in the log of a time in which PostgreSQL is out of reach: when it begins, once a minute while it lasts, and when it
//! is over.
//!
//! Several parts of a host notice the same outage, and each of them again at each of its attempts.
//!
//! # Threads
//! Any part of the host notes here what it notices. The lock is held for a moment.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How often the log says that an outage lasts.
const AGAIN: Duration = Duration::from_secs(60);

/// A part of the host that reaches PostgreSQL by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticedBy {
    /// The start of a service.
    Start,
    /// What agrees with the other hosts.
    Leases,
    /// What reads and writes the state.
    State,
}

/// Whether PostgreSQL is out of reach for a host.
#[derive(Debug, Default)]
pub struct Outage(Mutex<Option<Lasting>>);

#[derive(Debug)]
struct Lasting {
    noticed_by: BTreeSet<NoticedBy>,
    since: Instant,
    told: Instant,
}

/// What the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    Begins,
    /// It has lasted for so long.
    Lasts(Duration),
    /// It is over, and has lasted for so long.
    IsOver(Duration),
    /// It was told already.
    Nothing,
}

impl Outage {
    /// Notes that a part of the host cannot reach PostgreSQL, and tells it where it is new.
    pub fn notice(&self, by: NoticedBy, error: &dyn fmt::Display) {
        match self.noticed(by, Instant::now()) {
            Telling::Begins => tracing::warn!(
                %error,
                "PostgreSQL is out of reach: no run begins meanwhile, and the host goes on by itself"
            ),
            Telling::Lasts(so_far) => {
                tracing::warn!(%error, seconds = so_far.as_secs(), "PostgreSQL is still out of reach");
            }
            Telling::IsOver(_) | Telling::Nothing => tracing::debug!(%error, ?by, "PostgreSQL is out of reach"),
        }
    }

    /// Notes that a part of the host reaches PostgreSQL. Returns whether it could not before.
    pub fn is_over(&self, by: NoticedBy) -> bool {
        let told = self.reached(by, Instant::now());
        if let Some(Telling::IsOver(lasted)) = told {
            tracing::info!(seconds = lasted.as_secs(), "PostgreSQL is within reach again");
        }
        told.is_some()
    }

    /// Whether a part of the host could not reach PostgreSQL when it last tried.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.lock().is_some()
    }

    fn noticed(&self, by: NoticedBy, now: Instant) -> Telling {
        let mut lasting = self.lock();
        let Some(known) = &mut *lasting else {
            *lasting = Some(Lasting {
                noticed_by: BTreeSet::from([by]),
                since: now,
                told: now,
            });
            return Telling::Begins;
        };
        known.noticed_by.insert(by);
        if now.saturating_duration_since(known.told) < AGAIN {
            return Telling::Nothing;
        }
        known.told = now;
        Telling::Lasts(now.saturating_duration_since(known.since))
    }

    /// What is to be told; `None` if this part has noticed no outage.
    fn reached(&self, by: NoticedBy, now: Instant) -> Option<Telling> {
        let mut lasting = self.lock();
        let known = lasting.as_mut()?;
        if !known.noticed_by.remove(&by) {
            return None;
        }
        if !known.noticed_by.is_empty() {
            return Some(Telling::Nothing);
        }
        let lasted = now.saturating_duration_since(known.since);
        *lasting = None;
        Some(Telling::IsOver(lasted))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Lasting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_then_each_minute_and_when_it_is_over_for_all() {
        let (outage, began) = (Outage::default(), Instant::now());
        let after = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(outage.reached(NoticedBy::State, began), None);
        assert!(!outage.is_under_way());
        assert_eq!(outage.noticed(NoticedBy::Leases, began), Telling::Begins);
        assert_eq!(outage.noticed(NoticedBy::State, after(2)), Telling::Nothing);
        assert!(outage.is_under_way());
        assert_eq!(outage.noticed(NoticedBy::Leases, after(59)), Telling::Nothing);
        let minute = Telling::Lasts(Duration::from_secs(61));
        assert_eq!(outage.noticed(NoticedBy::State, after(61)), minute);
        assert_eq!(outage.noticed(NoticedBy::Leases, after(62)), Telling::Nothing);
        assert_eq!(outage.reached(NoticedBy::Leases, after(63)), Some(Telling::Nothing));
        assert_eq!(outage.reached(NoticedBy::Leases, after(63)), None);
        let over = Telling::IsOver(Duration::from_secs(70));
        assert_eq!(outage.reached(NoticedBy::State, after(70)), Some(over));
        assert!(!outage.is_under_way());
        assert_eq!(outage.noticed(NoticedBy::State, after(80)), Telling::Begins);
    }
}
