//! Cron patterns in UTC: parsing, checks, and croner's search for the next moment.

use std::{cmp::Ordering, fmt, str::FromStr};

use croner::{
    errors::CronError,
    time::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday},
};
use jiff::{SignedDuration, civil::DateTime, tz::TimeZone};
use session_plugin_api::Timestamp;

/// A cron pattern that fires repeatedly: minute, hour, day of the month, month and day of the week, in UTC.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Cron(Box<croner::Cron>);

/// Why a text is not a usable cron pattern.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCron {
    /// Too few or too many fields: fields for seconds and years are refused.
    #[error("a cron pattern has five fields (minute, hour, day, month, weekday), not {0}")]
    FieldCount(usize),
    /// Two commas in a row, or one at an end.
    #[error("a list in the cron pattern has an empty entry")]
    EmptyPlace,
    /// A field that croner rejects.
    #[error("the {name} `{field}` is invalid ({source})")]
    Field {
        /// Which of the five it is.
        name: &'static str,
        /// What it says.
        field: String,
        /// What croner says.
        r#source: CronError,
    },
    /// Fields that croner accepts one by one, but not together.
    #[error("the cron pattern is invalid ({0})")]
    Pattern(CronError),
    /// No date matches, such as 30 February.
    #[error("the cron pattern never fires")]
    Never,
}

/// A date and time in UTC that croner can search from.
///
/// croner's own feature for jiff is for jiff 0.2.
#[derive(Clone)]
struct Utc(DateTime);

impl Cron {
    /// The first time that it fires strictly after `last`; `None` if that would be after the year 4999, where croner's search
    /// ends.
    pub(super) fn next_after(&self, last: Timestamp) -> Option<Timestamp> {
        let next = self.0.find_next_occurrence(&Utc::from(last), false).ok()?;
        let instant = TimeZone::UTC.to_timestamp(next.0).ok()?;
        Some(Timestamp::from_micros(instant.as_microsecond()))
    }
}

impl FromStr for Cron {
    type Err = InvalidCron;

    fn from_str(text: &str) -> Result<Self, InvalidCron> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let fields = <[&str; 5]>::try_from(fields).map_err(|fields| InvalidCron::FieldCount(fields.len()))?;
        // croner reads `,` as a minute that never comes, and would search for it hour by hour until the year 5000.
        if fields.iter().any(|field| field.split(',').any(str::is_empty)) {
            return Err(InvalidCron::EmptyPlace);
        }
        check_each(fields)?;
        let pattern = fields.join(" ").parse().map_err(InvalidCron::Pattern)?;
        let cron = Self(Box::new(pattern));
        // The calendar repeats every 400 years, so a pattern that fires at all also fires after any present-day moment.
        match cron.next_after(Timestamp::default()) {
            Some(_) => Ok(cron),
            None => Err(InvalidCron::Never),
        }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_str())
    }
}

impl fmt::Debug for Cron {
    /// The pattern alone: croner's own form lists all five thousand years.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Cron").field(&self.0.as_str()).finish()
    }
}

impl From<Timestamp> for Utc {
    /// The timestamp's date and time, or the nearest that jiff supports: its years range from -9999 to 9999.
    fn from(timestamp: Timestamp) -> Self {
        let (first, last) = (jiff::Timestamp::MIN, jiff::Timestamp::MAX);
        let nearest = if timestamp < Timestamp::default() { first } else { last };
        let instant = jiff::Timestamp::from_microsecond(timestamp.as_micros()).unwrap_or(nearest);
        Self(TimeZone::UTC.to_datetime(instant))
    }
}

impl CronDateTime for Utc {
    fn to_civil(&self) -> CivilDateTime {
        let part = |part: i8| u32::from(part.unsigned_abs());
        let (date, time) = (self.0.date(), self.0.time());
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(date.year().into(), part(date.month()), part(date.day())),
            CivilTime::from_parts_unchecked(part(time.hour()), part(time.minute()), part(time.second())),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(days.unsigned_abs().into())
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidDate);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let (month, day) = (part(civil.month())?, part(civil.day())?);
        let (hour, minute, second) = (part(civil.hour())?, part(civil.minute())?, part(civil.second())?);
        let resolved = DateTime::new(year, month, day, hour, minute, second, 0);
        resolved
            .map(|resolved| Resolution::Single(Self(resolved)))
            .map_err(|_| CronError::InvalidDate)
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

/// Reads each field among four that say `*`: croner does not tell which one it cannot read.
fn check_each(fields: [&str; 5]) -> Result<(), InvalidCron> {
    let names = ["minute", "hour", "day", "month", "weekday"];
    for (place, (name, field)) in names.into_iter().zip(fields).enumerate() {
        let mut alone = ["*"; 5];
        alone[place] = field;
        alone
            .join(" ")
            .parse::<croner::Cron>()
            .map_err(|source| InvalidCron::Field {
                name,
                field: field.to_owned(),
                source,
            })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times at which a pattern fires after `last`, as they are displayed.
    fn fires_after(pattern: &str, last: &str, count: usize) -> Vec<String> {
        let cron: Cron = pattern.parse().unwrap();
        let next = |last: &Timestamp| cron.next_after(*last);
        let times = std::iter::successors(Timestamp::parse(last), next);
        times.skip(1).take(count).map(|time| time.to_string()).collect()
    }

    #[test]
    fn it_fires_at_the_times_of_its_fields() {
        let last = "2026-02-27T23:59:59.999999Z";
        let cases = [
            ("* * * * *", ["2026-02-28T00:00:00Z", "2026-02-28T00:01:00Z"]),
            ("*/40 3 * * *", ["2026-02-28T03:00:00Z", "2026-02-28T03:40:00Z"]),
            ("0 3 1,15 * *", ["2026-03-01T03:00:00Z", "2026-03-15T03:00:00Z"]),
            ("0 3 * jan-mar mon", ["2026-03-02T03:00:00Z", "2026-03-09T03:00:00Z"]),
            // As in classic cron: if both the day and the weekday are restricted, either suffices.
            ("0 3 1 * mon", ["2026-03-01T03:00:00Z", "2026-03-02T03:00:00Z"]),
            // Twice in the hour that the clocks of Berlin skip, because UTC skips none.
            ("15,45 2 29 3 *", ["2026-03-29T02:15:00Z", "2026-03-29T02:45:00Z"]),
        ];
        for (pattern, expected) in cases {
            assert_eq!(fires_after(pattern, last, 2), expected, "{pattern}");
        }
    }

    #[test]
    fn it_waits_for_a_leap_day() {
        let expected = ["2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"];
        assert_eq!(fires_after("0 0 29 2 *", "2095-01-01T00:00:00Z", 2), expected);
    }

    #[test]
    fn it_fires_strictly_after_the_given_time() {
        let expected = ["2026-03-02T03:00:00Z"];
        assert_eq!(fires_after("0 3 * * *", "2026-03-01T03:00:00Z", 1), expected);
        assert_eq!(fires_after("0 3 * * *", "2026-03-01T03:00:00.000001Z", 1), expected);
    }

    #[test]
    fn times_beyond_the_calendar_are_handled() {
        let cron: Cron = "0 0 1 1 *".parse().unwrap();
        let first = cron.next_after(Timestamp::from_micros(i64::MIN)).unwrap();
        assert_eq!(first.to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(cron.next_after(Timestamp::from_micros(i64::MAX)), None);
        assert_eq!(cron.next_after(Timestamp::parse("5000-01-01T00:00:00Z").unwrap()), None);
    }

    #[test]
    fn debugging_shows_the_pattern_alone() {
        let cron: Cron = "0 3 * * mon".parse().unwrap();
        assert_eq!(format!("{cron:?}"), r#"Cron("0 3 * * 1")"#);
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        let cases = [
            (
                "60 * * * *",
                "the minute `60` is invalid (Component error: Number out of bounds.)",
            ),
            ("0 3-1 * * *", "the hour `3-1` is invalid ("),
            ("0 0 0 * *", "the day `0` is invalid ("),
            (
                "0 0 * */0 *",
                "the month `*/0` is invalid (Component error: Step cannot be zero.)",
            ),
            ("0 0 * * someday", "the weekday `someday` is invalid ("),
        ];
        for (pattern, reason) in cases {
            let error = pattern.parse::<Cron>().unwrap_err().to_string();
            assert!(error.starts_with(reason), "{error}");
        }
    }

    #[test]
    fn rejects_patterns_that_never_fire() {
        for pattern in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 * * L"] {
            assert!(matches!(pattern.parse::<Cron>(), Err(InvalidCron::Never)), "{pattern}");
        }
        for pattern in [", * * * *", "0 1,,2 * * *", "0 3 * * mon,"] {
            assert!(
                matches!(pattern.parse::<Cron>(), Err(InvalidCron::EmptyPlace)),
                "{pattern}"
            );
        }
    }
}
