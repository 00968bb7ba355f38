//! The last days of a time zone, such as `7d`.

use jiff::{Span, ToSpan};
use session_plugin_api::Timestamp;

use crate::{dates::day_begins, zone::Zone};

/// A text that is not a number of days, weeks or months.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no number of days, weeks or months: write 7d, 4w or 3m")]
pub struct InvalidSpan(String);

/// The last days up to today: the beginning of the first one, and the end of today.
///
/// # Errors
/// When the text is no number of days, weeks or months.
pub(super) fn last_days(text: &str, zone: &Zone, now: Timestamp) -> Result<(Timestamp, Timestamp), InvalidSpan> {
    let invalid = || InvalidSpan(text.to_owned());
    let span = span(text).ok_or_else(invalid)?;
    let now = jiff::Timestamp::from_microsecond(now.as_micros()).map_err(|_| invalid())?;
    let tomorrow = now.to_zoned_datetime(zone.rules().clone()).date().tomorrow();
    let tomorrow = tomorrow.map_err(|_| invalid())?;
    let first = tomorrow.checked_sub(span).map_err(|_| invalid())?;
    let begins = |day| day_begins(day, zone.rules()).ok_or_else(invalid);
    Ok((begins(first)?, begins(tomorrow)?))
}

fn span(text: &str) -> Option<Span> {
    let unit = text.chars().next_back()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
    // More would be before the year 1.
    let number = Some(number).filter(|number| (1..=20_000).contains(number))?;
    match unit {
        'd' => Some(number.days()),
        'w' => Some(number.weeks()),
        'm' => Some(number.months()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(text: &str, zone: &str, now: &str) -> Result<(String, String), String> {
        let zone: Zone = zone.parse().unwrap();
        let (since, until) =
            last_days(text, &zone, Timestamp::parse(now).unwrap()).map_err(|error| error.to_string())?;
        Ok((since.to_string(), until.to_string()))
    }

    fn days(since: &str, until: &str) -> Result<(String, String), String> {
        Ok((since.to_owned(), until.to_owned()))
    }

    #[test]
    fn the_last_days_end_with_today() {
        let now = "2026-11-29T12:00:00Z";
        assert_eq!(
            last("1d", "UTC", now),
            days("2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z")
        );
        assert_eq!(
            last("7d", "UTC", now),
            days("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z")
        );
        assert_eq!(
            last("4w", "UTC", now),
            days("2026-11-02T00:00:00Z", "2026-11-30T00:00:00Z")
        );
        assert_eq!(
            last("3m", "UTC", now),
            days("2026-08-30T00:00:00Z", "2026-11-30T00:00:00Z")
        );
    }

    #[test]
    fn today_is_the_day_of_the_time_zone() {
        let now = "2026-11-29T23:30:00Z";
        let prague = last("1d", "Europe/Prague", now);
        assert_eq!(prague, days("2026-11-29T23:00:00Z", "2026-11-30T23:00:00Z"));
        let honolulu = last("1d", "Pacific/Honolulu", now);
        assert_eq!(honolulu, days("2026-11-29T10:00:00Z", "2026-11-30T10:00:00Z"));
    }

    #[test]
    fn a_day_on_which_the_clocks_change_is_whole() {
        let autumn = last("1d", "America/New_York", "2026-11-01T20:00:00Z");
        assert_eq!(autumn, days("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"));
        let spring = last("1d", "America/New_York", "2026-03-08T20:00:00Z");
        assert_eq!(spring, days("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"));
    }

    #[test]
    fn what_is_no_number_of_days_is_named() {
        for text in ["", "7", "d", "0d", "-1d", "7y", "7 d", "99999999d", "ä"] {
            let error = last(text, "UTC", "2026-11-29T12:00:00Z").unwrap_err();
            assert!(error.starts_with(&format!("`{text}` is no number of days")), "{error}");
        }
    }
}
