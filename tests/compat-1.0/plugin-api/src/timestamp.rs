//! Points in time, as transcripts write them and the database keeps them.

use std::fmt;

use jiff::{civil::DateTime, tz::TimeZone};

/// A point in time: microseconds since 1970-01-01T00:00:00Z, which is what a DuckDB `TIMESTAMP` holds.
///
/// ```
/// use session_plugin_api::Timestamp;
///
/// let timestamp = Timestamp::parse("2026-03-01T10:15:00.250+01:00").unwrap();
/// assert_eq!(timestamp.as_micros(), 1_772_356_500_250_000);
/// assert_eq!(timestamp.to_string(), "2026-03-01T09:15:00.25Z");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point that lies this many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Reads ISO 8601: with `Z`, with an offset, or with neither, which is UTC. What is finer than a microsecond is
    /// cut. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let with_offset = text.parse::<jiff::Timestamp>();
        let instant = with_offset.or_else(|_| TimeZone::UTC.to_timestamp(text.parse::<DateTime>()?));
        instant.ok().map(|instant| Self(instant.as_microsecond()))
    }
}

impl fmt::Display for Timestamp {
    /// ISO 8601 in UTC, with as many digits of the second as are needed.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => instant.fmt(formatter),
            // Years that ISO 8601 has no four digits for.
            Err(_) => write!(formatter, "{}us", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Option<i64> {
        Timestamp::parse(text).map(Timestamp::as_micros)
    }

    #[test]
    fn zulu_offset_and_neither_mean_the_same_instant() {
        let expected = Some(1_772_356_500_000_000);
        assert_eq!(micros("2026-03-01T09:15:00Z"), expected);
        assert_eq!(micros("2026-03-01T10:15:00+01:00"), expected);
        assert_eq!(micros("2026-03-01T09:15:00"), expected);
        assert_eq!(micros(" 2026-03-01 09:15:00.0000009Z "), expected);
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "soon", "2026-13-01T00:00:00Z", "1772356500", "2026-03-01T09:15:00Q"] {
            assert_eq!(micros(text), None, "{text}");
        }
    }

    #[test]
    fn every_value_is_displayed() {
        assert_eq!(Timestamp::from_micros(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_micros(-1).to_string(), "1969-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::from_micros(i64::MAX).to_string(), "9223372036854775807us");
    }

    #[test]
    fn what_is_displayed_is_read_again() {
        let timestamp = Timestamp::from_micros(1_772_356_500_000_001);
        assert_eq!(Timestamp::parse(&timestamp.to_string()), Some(timestamp));
    }
}
