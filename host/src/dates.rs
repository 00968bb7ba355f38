//! Dates that people write: a day, or a time.

use jiff::{civil::Date, tz::TimeZone};
use session_plugin_api::Timestamp;

/// A text that is no date.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no date: write a day such as 2026-01-31, or a time such as 2026-01-31T09:30:00Z")]
pub struct InvalidDate(String);

/// How many letters a day has.
const DAY: usize = "2026-01-31".len();

/// When a date begins: the beginning of the day in UTC, or the time itself.
///
/// # Errors
/// When the text is no date.
pub fn beginning_of(text: &str) -> Result<Timestamp, InvalidDate> {
    beginning_in(text, &TimeZone::UTC)
}

/// When a date has ended: the beginning of the next day in UTC, or the time itself.
///
/// # Errors
/// When the text is no date.
pub fn end_of(text: &str) -> Result<Timestamp, InvalidDate> {
    end_in(text, &TimeZone::UTC)
}

/// When a date begins: the beginning of the day in a time zone, or the time itself.
///
/// # Errors
/// When the text is no date.
pub fn beginning_in(text: &str, zone: &TimeZone) -> Result<Timestamp, InvalidDate> {
    time(text)
        .or_else(|| day_begins(day(text)?, zone))
        .ok_or_else(|| InvalidDate(text.to_owned()))
}

/// When a date has ended: the beginning of the next day in a time zone, or the time itself. The last days of the year 9999
/// end with the last time that can be written.
///
/// # Errors
/// When the text is no date.
pub fn end_in(text: &str, zone: &TimeZone) -> Result<Timestamp, InvalidDate> {
    time(text)
        .or_else(|| Some(day_ends(day(text)?, zone)))
        .ok_or_else(|| InvalidDate(text.to_owned()))
}

fn day_ends(day: Date, zone: &TimeZone) -> Timestamp {
    let tomorrow = day.tomorrow().ok();
    tomorrow
        .and_then(|tomorrow| day_begins(tomorrow, zone))
        .unwrap_or_else(|| Timestamp::from_micros(jiff::Timestamp::MAX.as_microsecond()))
}

fn time(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

/// The day of a text that has nothing else: jiff takes the day of a longer text too.
fn day(text: &str) -> Option<Date> {
    (text.len() == DAY).then(|| text.parse().ok()).flatten()
}

/// When a day of a time zone begins; `None` beyond the years 1 to 9999. Where the clocks skip midnight, the day begins
/// after the skipped time.
#[must_use]
pub fn day_begins(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let begins = day.to_zoned_datetime(zone.clone()).ok()?;
    Some(Timestamp::from_micros(begins.timestamp().as_microsecond()))
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
    fn a_day_of_a_time_zone_is_whole_when_the_clocks_change() {
        let hours = |zone: &str, day: &str| {
            let zone = TimeZone::get(zone).unwrap();
            let (begins, ends) = (beginning_in(day, &zone).unwrap(), end_in(day, &zone).unwrap());
            (ends.as_micros() - begins.as_micros()) as f64 / 3.6e9
        };
        assert_eq!(hours("America/New_York", "2026-03-08"), 23.0);
        assert_eq!(hours("America/New_York", "2026-11-01"), 25.0);
        assert_eq!(hours("Europe/Prague", "2026-03-29"), 23.0);
        assert_eq!(hours("Europe/Prague", "2026-10-25"), 25.0);
        assert_eq!(hours("Australia/Lord_Howe", "2026-04-05"), 24.5);
        assert_eq!(hours("Australia/Lord_Howe", "2026-10-04"), 23.5);
        // The clocks of Cairo skip midnight.
        assert_eq!(hours("Africa/Cairo", "2026-04-24"), 23.0);
    }

    #[test]
    fn the_last_days_that_can_be_written_end() {
        let last = jiff::Timestamp::MAX.as_microsecond();
        for day in ["9999-12-30", "9999-12-31"] {
            assert_eq!(end_of(day).unwrap().as_micros(), last, "{day}");
        }
        assert!(beginning_of("9999-12-31").is_err());
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
