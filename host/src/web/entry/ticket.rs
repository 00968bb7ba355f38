//! Tickets: a number that is used once, with the time when it ends, sealed by the token.

use std::time::Duration;

use session_plugin_api::Timestamp;

use super::seal::{Key, Purpose, is_seal, seal};
use crate::hex::hex;

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Ticket {
    /// When it ends, in seconds since the epoch.
    pub(in crate::web) ends_at: i64,
    /// Its number.
    pub(in crate::web) number: String,
}

impl Ticket {
    /// A ticket that lasts from now on.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(in crate::web) fn new(now: Timestamp, lasts: Duration) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        let lasts = i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX);
        Ok(Self {
            ends_at: seconds(now).saturating_add(lasts),
            number: hex(bytes),
        })
    }

    /// The ticket as text.
    pub(in crate::web) fn sealed(&self, key: &Key, purpose: Purpose) -> String {
        let text = self.text();
        format!("{text}.{}", seal(key, purpose, &text))
    }

    /// The ticket that a text is, if the token sealed it and it has not ended.
    pub(in crate::web) fn open(text: &str, key: &Key, purpose: Purpose, now: Timestamp) -> Option<Self> {
        let (text, given) = text.rsplit_once('.')?;
        if !is_seal(key, purpose, text, given) {
            return None;
        }
        let (ends_at, number) = text.split_once('.')?;
        let ticket = Self {
            ends_at: ends_at.parse().ok()?,
            number: number.to_owned(),
        };
        (seconds(now) < ticket.ends_at).then_some(ticket)
    }

    fn text(&self) -> String {
        format!("{}.{}", self.ends_at, self.number)
    }
}

/// Seconds since the epoch.
pub(super) fn seconds(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::ApiToken;

    const HOUR: Duration = Duration::from_secs(3600);

    fn token(text: &str) -> Key {
        Key::main(&ApiToken::for_tests("a secret of the page"), &ApiToken::for_tests(text))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_ticket_is_good_until_its_end_and_for_one_purpose_and_token() {
        let (ours, other) = (token("0123456789abcdef"), token("0123456789abcdeg"));
        let otherwise = Key::main(
            &ApiToken::for_tests("another secret"),
            &ApiToken::for_tests("0123456789abcdef"),
        );
        let ticket = Ticket::new(at(1000), HOUR).unwrap();
        let text = ticket.sealed(&ours, Purpose::Visit);
        let open = |token, purpose, now| Ticket::open(&text, token, purpose, at(now));
        assert_eq!(open(&ours, Purpose::Visit, 1000 + 3599), Some(ticket));
        assert_eq!(open(&ours, Purpose::Visit, 1000 + 3600), None);
        assert_eq!(open(&ours, Purpose::Link, 1000), None);
        assert_eq!(open(&other, Purpose::Visit, 1000), None);
        assert_eq!(open(&otherwise, Purpose::Visit, 1000), None);
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_ticket(text in "\\PC{0,80}", place in 0_usize..120, letter in "[0-9a-f.]") {
            let ours = token("0123456789abcdef");
            prop_assert_eq!(Ticket::open(&text, &ours, Purpose::Visit, at(0)), None);
            let good = Ticket::new(at(0), HOUR).unwrap().sealed(&ours, Purpose::Visit);
            let mut forged = good.clone();
            let place = place % forged.len();
            forged.replace_range(place..=place, &letter);
            prop_assert!(forged == good || Ticket::open(&forged, &ours, Purpose::Visit, at(0)).is_none());
        }
    }
}
