//! Computes the wait before a request is repeated.

use std::time::{Duration, SystemTime};

/// The wait before the second attempt. Each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait, unless the server asks for a longer one.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The wait after this number of attempts, if the server asks for none.
pub(super) fn backoff(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)
}

/// The wait that the server asks for in `Retry-After`, which is a number of seconds or a date.
pub(super) fn asked(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number with too many digits is longer than anyone waits.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(retry_after: &str) -> Option<u64> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_747);
        asked(retry_after, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        assert_eq!(waits("0"), Some(0));
        assert_eq!(waits(" 120 "), Some(120));
        assert_eq!(waits("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30));
        assert_eq!(waits("Sunday, 06-Nov-94 08:49:37 GMT"), Some(30));
        assert_eq!(waits("Sun Nov  6 08:49:37 1994"), Some(30));
        assert_eq!(waits("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(waits("99999999999999999999999"), Some(u64::MAX));
    }

    #[test]
    fn an_invalid_value_asks_for_no_wait() {
        for value in ["", "soon", "-5", "1.5", "Sun, 06 Foo 1994"] {
            assert_eq!(waits(value), None, "{value}");
        }
    }

    #[test]
    fn our_own_wait_doubles_to_a_limit() {
        let waits: Vec<u64> = [1, 2, 3, 4, 5, 6, 7, 4_000_000_000]
            .into_iter()
            .map(|attempts| backoff(attempts).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    }
}
