//! Points in time, as transcripts write them and the database stores them.

use std::{fmt, ops::Range};

use jiff::{civil::DateTime, tz::TimeZone};

/// A point in time: microseconds since 1970-01-01T00:00:00Z, as in a DuckDB `TIMESTAMP`.
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
    /// The point in time this many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Parses ISO 8601, with `Z`, with an offset, or with neither, which means UTC. Digits beyond the microsecond are cut
    /// off. Returns `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::parse_usual(text).or_else(|| Self::parse_any(text))
    }

    /// Parses a time as agents write it, such as `2026-03-01T09:15:00.250Z`. Every line has one, and this is much faster.
    fn parse_usual(text: &str) -> Option<Self> {
        const FORM: &[u8; 24] = b"0000-00-00T00:00:00.000Z";
        let text: &[u8; 24] = text.as_bytes().try_into().ok()?;
        let fits = |(byte, form): (&u8, &u8)| match form {
            b'0' => byte.is_ascii_digit(),
            sign => byte == sign,
        };
        if !text.iter().zip(FORM).all(fits) {
            return None;
        }
        let number = |digits: Range<usize>| {
            text[digits]
                .iter()
                .fold(0, |number, digit| 10 * number + i16::from(digit - b'0'))
        };
        let small = |digits: Range<usize>| i8::try_from(number(digits)).ok();
        let (month, day) = (small(5..7)?, small(8..10)?);
        let (hour, minute, second) = (small(11..13)?, small(14..16)?, small(17..19)?);
        let nanosecond = i32::from(number(20..23)) * 1_000_000;
        let time = DateTime::new(number(0..4), month, day, hour, minute, second, nanosecond).ok()?;
        let instant = TimeZone::UTC.to_timestamp(time).ok()?;
        Some(Self(instant.as_microsecond()))
    }

    fn parse_any(text: &str) -> Option<Self> {
        let with_offset = text.parse::<jiff::Timestamp>();
        let instant = with_offset.or_else(|_| TimeZone::UTC.to_timestamp(text.parse::<DateTime>()?));
        instant.ok().map(|instant| Self(instant.as_microsecond()))
    }
}

impl fmt::Display for Timestamp {
    /// ISO 8601 in UTC, with as many decimals as needed.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => instant.fmt(formatter),
            // A year with more than four digits.
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
    fn text_that_is_not_a_time_is_none() {
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
    fn a_displayed_time_is_parsed_again() {
        let timestamp = Timestamp::from_micros(1_772_356_500_000_001);
        assert_eq!(Timestamp::parse(&timestamp.to_string()), Some(timestamp));
    }

    proptest::proptest! {
        #[test]
        fn a_usual_time_is_read_as_any_other(
            text in "[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\\.[0-9]{3}Z",
            place in 0..24_usize,
            strange in "[0-9:.TZ -]",
        ) {
            proptest::prop_assert_eq!(Timestamp::parse(&text), Timestamp::parse_any(&text));
            let mut other = text;
            other.replace_range(place..=place, &strange);
            proptest::prop_assert_eq!(Timestamp::parse(&other), Timestamp::parse_any(other.trim()));
        }
    }
}
