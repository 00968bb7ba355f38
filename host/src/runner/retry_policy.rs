//! When a run attempts a session again that failed.

use std::{collections::HashMap, time::Duration};

use md5::{Digest, Md5};
use session_plugin_api::Timestamp;

use crate::{
    names::SessionKey,
    sessions::Transcript,
    state::{FailingSession, FileLook, PluginVersion, is_quarantined},
};

/// When a run attempts a session again that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How long a session waits after its first failure; it waits twice as long after each further one. Zero for no wait.
    pub backoff: Duration,
    /// The longest wait.
    pub backoff_max: Duration,
    /// How many failed attempts put a session in quarantine; `None` for no quarantine.
    pub max_attempts: Option<u64>,
}

/// Whether it is a failing session's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A run attempts it.
    Due,
    /// It waits for its backoff.
    Waits,
    /// It is in quarantine.
    Quarantined,
}

/// The failing sessions of a processor, and when their turns are.
#[derive(Debug)]
pub struct Retries<'a> {
    /// The sessions.
    pub failing: &'a HashMap<SessionKey, FailingSession>,
    /// The policy.
    pub policy: &'a RetryPolicy,
    /// The version of the plugin in service; `None` where it is not known, and taken to be the one that failed.
    pub plugin: Option<&'a PluginVersion>,
    /// The time.
    pub now: Timestamp,
}

impl Retries<'_> {
    /// Whether it is the turn of a session. A session that does not fail is due; so is one whose transcript or plugin has
    /// changed since its last attempt.
    #[must_use]
    pub fn turn(&self, transcript: &Transcript) -> Turn {
        match self.failing.get(&transcript.session) {
            Some(failing) if !self.has_changed(failing, transcript) => {
                self.policy.turn(&transcript.session, failing, self.now)
            }
            _ => Turn::Due,
        }
    }

    fn has_changed(&self, failing: &FailingSession, transcript: &Transcript) -> bool {
        let look = FileLook {
            size: transcript.size,
            modified: transcript.modified,
        };
        let is_other_plugin = self
            .plugin
            .is_some_and(|plugin| failing.plugin.as_ref() != Some(plugin));
        failing.file != Some(look) || is_other_plugin
    }
}

impl RetryPolicy {
    fn turn(&self, session: &SessionKey, failing: &FailingSession, now: Timestamp) -> Turn {
        let attempts = failing.counted_attempts;
        if is_quarantined(attempts, self.max_attempts) {
            return Turn::Quarantined;
        }
        let waited = now.as_micros().saturating_sub(failing.last_failed_at.as_micros());
        // Where the last attempt lies in the future, the clock was set back, perhaps by years.
        match u64::try_from(waited).map(Duration::from_micros) {
            Ok(waited) if waited < self.delay(session, attempts) => Turn::Waits,
            _ => Turn::Due,
        }
    }

    /// How long a session waits after so many failed attempts.
    ///
    /// The wait doubles with every attempt up to the longest one. Then it is cut by up to a half, by a fraction that depends
    /// on nothing but the session and the number of attempts: sessions that failed together do not come back together.
    #[must_use]
    pub fn delay(&self, session: &SessionKey, attempts: u64) -> Duration {
        let Some(doublings) = attempts.checked_sub(1) else {
            return Duration::ZERO;
        };
        let factor = u32::try_from(doublings)
            .ok()
            .and_then(|doublings| 2_u128.checked_pow(doublings));
        let doubled = self.backoff.as_nanos().checked_mul(factor.unwrap_or(u128::MAX));
        let whole = match doubled {
            _ if self.backoff.is_zero() => Duration::ZERO,
            Some(doubled) if doubled < self.backoff_max.as_nanos() => duration_of(doubled),
            _ => self.backoff_max,
        };
        whole.saturating_sub((whole / 2).mul_f64(fraction(session, attempts)))
    }
}

fn duration_of(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanos / SECOND).unwrap_or(u64::MAX);
    Duration::new(seconds, (nanos % SECOND) as u32)
}

/// A number from 0 to 1 that is another one for each session and attempt, and always the same.
fn fraction(session: &SessionKey, attempts: u64) -> f64 {
    let digest: [u8; 16] = Md5::new()
        .chain_update(attempts.to_le_bytes())
        .chain_update(session.as_str())
        .finalize()
        .into();
    let [first, second, third, fourth, ..] = digest;
    f64::from(u32::from_le_bytes([first, second, third, fourth])) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    const SECOND: i64 = 1_000_000;

    fn policy(backoff: u64, backoff_max: u64, max_attempts: Option<u64>) -> RetryPolicy {
        RetryPolicy {
            backoff: Duration::from_secs(backoff),
            backoff_max: Duration::from_secs(backoff_max),
            max_attempts,
        }
    }

    fn session() -> SessionKey {
        SessionKey::new("alice/a.jsonl")
    }

    fn plugin(output: u32, digest: &str) -> PluginVersion {
        PluginVersion {
            output,
            digest: digest.to_owned(),
        }
    }

    fn transcript(size: u64, modified: i64) -> Transcript {
        Transcript {
            session: session(),
            username: "alice".to_owned(),
            path: "alice/a.jsonl".into(),
            size,
            modified: Timestamp::from_micros(modified),
            changed: Timestamp::from_micros(modified),
        }
    }

    /// A session of 10 bytes that failed for so many times, the last time at 0.
    fn failing(counted_attempts: u64) -> HashMap<SessionKey, FailingSession> {
        let failing = FailingSession {
            last_failed_at: Timestamp::from_micros(0),
            counted_attempts,
            file: Some(FileLook {
                size: 10,
                modified: Timestamp::from_micros(-SECOND),
            }),
            plugin: Some(plugin(1, "aa")),
        };
        HashMap::from([(session(), failing)])
    }

    fn turn(attempts: u64, policy: RetryPolicy, serving: &PluginVersion, transcript: &Transcript, now: i64) -> Turn {
        let retries = Retries {
            failing: &failing(attempts),
            policy: &policy,
            plugin: Some(serving),
            now: Timestamp::from_micros(now),
        };
        retries.turn(transcript)
    }

    #[test]
    fn without_a_policy_every_run_attempts_a_failing_session() {
        let same = transcript(10, -SECOND);
        for attempts in [1, 2, 1000] {
            let turn = turn(attempts, RetryPolicy::default(), &plugin(1, "aa"), &same, 0);
            assert_eq!(turn, Turn::Due);
        }
    }

    #[test]
    fn a_session_waits_for_its_backoff_and_is_due_then() {
        let same = transcript(10, -SECOND);
        let policy = policy(100, 1000, None);
        let at = |seconds: i64| turn(1, policy, &plugin(1, "aa"), &same, seconds * SECOND);
        assert_eq!((at(0), at(49), at(100)), (Turn::Waits, Turn::Waits, Turn::Due));
    }

    #[test]
    fn a_clock_set_back_makes_no_session_wait() {
        let same = transcript(10, -SECOND);
        let turn = turn(3, policy(100, 1000, None), &plugin(1, "aa"), &same, -SECOND);
        assert_eq!(turn, Turn::Due);
    }

    #[test]
    fn so_many_attempts_put_a_session_in_quarantine() {
        let same = transcript(10, -SECOND);
        let policy = policy(0, 0, Some(3));
        let after = |attempts: u64| turn(attempts, policy, &plugin(1, "aa"), &same, 1000 * SECOND);
        assert_eq!([0, 1, 2].map(after), [Turn::Due; 3]);
        assert_eq!([3, 4].map(after), [Turn::Quarantined; 2]);
    }

    #[test]
    fn a_change_of_the_transcript_or_the_plugin_ends_wait_and_quarantine() {
        let same = transcript(10, -SECOND);
        for policy in [policy(100, 1000, None), policy(0, 0, Some(3))] {
            let with = |serving: &PluginVersion, transcript: &Transcript| turn(3, policy, serving, transcript, 0);
            assert_ne!(with(&plugin(1, "aa"), &same), Turn::Due);
            assert_eq!(with(&plugin(1, "aa"), &transcript(11, -SECOND)), Turn::Due);
            assert_eq!(with(&plugin(1, "aa"), &transcript(10, -2 * SECOND)), Turn::Due);
            assert_eq!(with(&plugin(2, "aa"), &same), Turn::Due);
            assert_eq!(with(&plugin(1, "bb"), &same), Turn::Due);
        }
    }

    #[test]
    fn where_the_plugin_is_not_known_it_is_taken_to_be_the_same() {
        let retries = Retries {
            failing: &failing(3),
            policy: &policy(0, 0, Some(3)),
            plugin: None,
            now: Timestamp::from_micros(0),
        };
        assert_eq!(retries.turn(&transcript(10, -SECOND)), Turn::Quarantined);
    }

    #[test]
    fn sessions_that_failed_together_do_not_come_back_together() {
        let policy = policy(1000, 100_000, None);
        let delays: std::collections::HashSet<Duration> = (0..100)
            .map(|number| policy.delay(&SessionKey::new(format!("alice/{number}.jsonl")), 1))
            .collect();
        assert_eq!(delays.len(), 100);
    }

    proptest! {
        #[test]
        fn a_wait_doubles_up_to_the_longest_and_is_cut_by_at_most_a_half(
            backoff in 0..u64::MAX, backoff_max in 0..u64::MAX, attempts in 1..u64::MAX, name in ".*"
        ) {
            let delay = policy(backoff, backoff_max, None).delay(&SessionKey::new(&*name), attempts);
            let doublings = u32::try_from(attempts - 1).unwrap_or(u32::MAX);
            let factor = 2_u128.checked_pow(doublings).unwrap_or(u128::MAX);
            let whole = u128::from(backoff).saturating_mul(factor).min(u128::from(backoff_max));
            let whole = Duration::from_secs(u64::try_from(whole).unwrap_or(u64::MAX));
            prop_assert!(delay <= whole);
            // A product of floating point is exact to 53 bits.
            prop_assert!(delay >= whole / 2 - whole / 2 / (1 << 30));
        }

        #[test]
        fn a_wait_is_always_the_same(attempts in 0..100_u64, name in ".*") {
            let [one, other] = [(); 2].map(|()| policy(60, 86_400, None).delay(&SessionKey::new(&*name), attempts));
            prop_assert_eq!(one, other);
        }
    }
}
