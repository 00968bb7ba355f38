//! Slows down those who send wrong tokens.
//!
//! After a few wrong tokens, an address has to wait before it may send another one, each time twice as long. Several people
//! may share an address, so the wait stays short.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How many wrong tokens cost nothing.
const FREE: u32 = 3;

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(60);

/// How long an address is remembered after its last wrong token.
const REMEMBERED: Duration = Duration::from_secs(900);

/// How many addresses are remembered.
const MOST: usize = 10_000;

/// The addresses that sent wrong tokens.
#[derive(Debug, Default)]
pub(in crate::web) struct Throttle(Mutex<HashMap<IpAddr, Wrong>>);

#[derive(Clone, Copy, Debug)]
struct Wrong {
    count: u32,
    last: Instant,
}

impl Throttle {
    /// How long an address has to wait before it may send a token.
    pub(in crate::web) fn wait(&self, address: IpAddr, now: Instant) -> Duration {
        let wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.get(&address).map_or(Duration::ZERO, |wrong| wrong.wait(now))
    }

    /// Notes a wrong token.
    pub(in crate::web) fn note(&self, address: IpAddr, now: Instant) {
        let mut wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|_, wrong| now.saturating_duration_since(wrong.last) < REMEMBERED);
        if wrong.len() >= MOST && !wrong.contains_key(&address) {
            let oldest = wrong
                .iter()
                .min_by_key(|(_, wrong)| wrong.last)
                .map(|(address, _)| *address);
            oldest.map(|oldest| wrong.remove(&oldest));
        }
        let known = wrong.entry(address).or_insert(Wrong { count: 0, last: now });
        *known = Wrong {
            count: known.count.saturating_add(1),
            last: now,
        };
    }
}

impl Wrong {
    fn wait(self, now: Instant) -> Duration {
        let Some(beyond) = self.count.checked_sub(FREE) else {
            return Duration::ZERO;
        };
        let wait = Duration::from_secs(1).saturating_mul(1 << beyond.min(16)).min(LONGEST);
        (self.last + wait).saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_token_costs_twice_the_wait_up_to_a_minute() {
        let throttle = Throttle::default();
        let (one, other) = ([IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])]).into();
        let now = Instant::now();
        let waits: Vec<u64> = (0..12)
            .map(|_| {
                throttle.note(one, now);
                throttle.wait(one, now).as_secs()
            })
            .collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        assert_eq!(throttle.wait(other, now), Duration::ZERO);
        assert_eq!(throttle.wait(one, now + LONGEST), Duration::ZERO);
    }

    #[test]
    fn memory_is_bounded_and_an_address_is_forgotten() {
        let throttle = Throttle::default();
        let now = Instant::now();
        for number in 0..(MOST as u32 + 5) {
            throttle.note(IpAddr::from(number.to_be_bytes()), now);
        }
        assert_eq!(throttle.0.lock().unwrap().len(), MOST);
        throttle.note(IpAddr::from([1, 2, 3, 4]), now + REMEMBERED);
        assert_eq!(throttle.0.lock().unwrap().len(), 1);
    }
}
