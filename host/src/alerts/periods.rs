//! The day, the week and the month of a moment.

use jiff::{ToSpan, civil::Date};
use session_plugin_api::Timestamp;

use crate::{config::Period, week::WeekStart, zone::Zone};

/// A day, a week or a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) period: Period,
    first: Date,
    last: Date,
}

impl Days {
    /// The period of this moment; `None` beyond the years 1 to 9999.
    pub(super) fn at(now: Timestamp, period: Period, zone: &Zone, week_start: WeekStart) -> Option<Self> {
        let now = jiff::Timestamp::from_microsecond(now.as_micros()).ok()?;
        let today = now.to_zoned_datetime(zone.rules().clone()).date();
        let (first, last) = match period {
            Period::Daily => (today, today),
            Period::Weekly => {
                let before = match week_start {
                    WeekStart::Sunday => today.weekday().to_sunday_zero_offset(),
                    WeekStart::Monday => today.weekday().to_monday_zero_offset(),
                };
                let first = today.checked_sub(before.days()).ok()?;
                (first, first.checked_add(6.days()).ok()?)
            }
            Period::Monthly => (today.first_of_month(), today.last_of_month()),
        };
        Some(Self { period, first, last })
    }

    /// The first day.
    pub(super) fn first(&self) -> String {
        self.first.to_string()
    }

    /// The last day.
    pub(super) fn last(&self) -> String {
        self.last.to_string()
    }

    /// The name: the month, or the first day.
    pub(super) fn name(&self) -> String {
        match self.period {
            Period::Daily | Period::Weekly => self.first(),
            Period::Monthly => self.first.strftime("%Y-%m").to_string(),
        }
    }

    /// The key of an alert about what this scope spends in the period.
    pub(super) fn key(&self, scope: &str) -> String {
        format!("{}{scope}/{}", self.prefix(), self.name())
    }

    /// Whether a key is that of an alert about this period.
    pub(super) fn has(&self, key: &str) -> bool {
        key.starts_with(&self.prefix()) && key.ends_with(&format!("/{}", self.name()))
    }

    fn prefix(&self) -> String {
        format!("budget/{}/", self.period.as_str())
    }

    /// When it is, in a sentence.
    pub(super) fn when(&self) -> String {
        let name = self.name();
        match self.period {
            Period::Daily => format!("on {name}"),
            Period::Weekly => format!("in the week of {name}"),
            Period::Monthly => format!("in {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(now: &str, period: Period, zone: &str, week_start: WeekStart) -> (String, String, String) {
        let now = Timestamp::parse(now).unwrap();
        let days = Days::at(now, period, &zone.parse().unwrap(), week_start).unwrap();
        (days.first(), days.last(), days.when())
    }

    fn expected(first: &str, last: &str, when: &str) -> (String, String, String) {
        (first.to_owned(), last.to_owned(), when.to_owned())
    }

    #[test]
    fn a_day_is_that_of_the_time_zone() {
        let of = |zone| days("2026-11-29T23:30:00Z", Period::Daily, zone, WeekStart::Sunday);
        assert_eq!(of("UTC"), expected("2026-11-29", "2026-11-29", "on 2026-11-29"));
        assert_eq!(
            of("Europe/Prague"),
            expected("2026-11-30", "2026-11-30", "on 2026-11-30")
        );
    }

    #[test]
    fn a_week_begins_on_the_configured_day() {
        let of = |now, start| days(now, Period::Weekly, "UTC", start);
        // 2026-11-29 is a Sunday.
        let sunday = "2026-11-29T12:00:00Z";
        assert_eq!(
            of(sunday, WeekStart::Sunday),
            expected("2026-11-29", "2026-12-05", "in the week of 2026-11-29")
        );
        assert_eq!(
            of(sunday, WeekStart::Monday),
            expected("2026-11-23", "2026-11-29", "in the week of 2026-11-23")
        );
    }

    #[test]
    fn a_month_has_its_own_length() {
        let of = |now| days(now, Period::Monthly, "UTC", WeekStart::Sunday);
        assert_eq!(
            of("2028-02-10T00:00:00Z"),
            expected("2028-02-01", "2028-02-29", "in 2028-02")
        );
    }
}
