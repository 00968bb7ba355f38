//! Dates that people write: a day in UTC, or a time.

use jiff::{civil::Date, tz::TimeZone};
use session_plugin_api::Timestamp;

/// A text that is no date.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no date: write a day in UTC such as 2026-01-31, or a time such as 2026-01-31T09:30:00Z")]
pub struct InvalidDate(String);

/// How many letters a day has.
const DAY: usize = "2026-01-31".len();

/// When a date begins: the beginning of the day, or the time itself.
///
/// # Errors
/// When the text is no date.
pub fn beginning_of(text: &str) -> Result<Timestamp, InvalidDate> {
    time(text)
        .or_else(|| midnight(day(text)?))
        .ok_or_else(|| InvalidDate(text.to_owned()))
}

/// When a date has ended: the beginning of the next day, or the time itself.
///
/// # Errors
/// When the text is no date.
pub fn end_of(text: &str) -> Result<Timestamp, InvalidDate> {
    time(text)
        .or_else(|| midnight(day(text)?.tomorrow().ok()?))
        .ok_or_else(|| InvalidDate(text.to_owned()))
}

fn time(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

/// The day of a text that has nothing else: jiff takes the day of a longer text too.
fn day(text: &str) -> Option<Date> {
    (text.len() == DAY).then(|| text.parse().ok()).flatten()
}

fn midnight(day: Date) -> Option<Timestamp> {
    let midnight = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    Some(Timestamp::from_micros(midnight.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_whole_and_a_time_is_itself() {
        let of = |text| {
            let (begins, ends) = (beginning_of(text).unwrap(), end_of(text).unwrap());
            (begins.as_micros(), ends.as_micros())
        };
        assert_eq!(of("1970-01-01"), (0, 86_400_000_000));
        assert_eq!(of("1970-01-01T00:00:01Z"), (1_000_000, 1_000_000));
        assert_eq!(of("1970-01-01T01:00:01+01:00"), (1_000_000, 1_000_000));
    }

    #[test]
    fn what_is_no_date_is_named() {
        for text in ["", "yesterday", "2026-02-30", "1970-01-01T00:00:01", "01/02/2026"] {
            let error = beginning_of(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is no date")), "{error}");
            assert!(end_of(text).is_err(), "{text}");
        }
    }
}
