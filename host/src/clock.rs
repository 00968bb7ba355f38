//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use session_plugin_api::Timestamp;

/// A time as text: RFC 3339 in UTC, to the microsecond.
#[must_use]
pub fn text_of(time: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(time.as_micros()) {
        Ok(time) => time.to_string(),
        // A year outside the calendar's range.
        Err(_) => format!("{} us", time.as_micros()),
    }
}

/// The current time.
#[must_use]
pub fn now() -> Timestamp {
    timestamp_of(SystemTime::now())
}

/// The time of a file or clock, before or after the epoch, truncated to microseconds.
#[must_use]
pub fn timestamp_of(time: SystemTime) -> Timestamp {
    let micros = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    };
    Timestamp::from_micros(micros)
}
