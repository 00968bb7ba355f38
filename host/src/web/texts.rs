//! Times, durations and sizes as people read them.

use std::time::Duration;

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use maud::{Markup, html};

/// The clock of the people who look at the page.
#[derive(Clone, Debug)]
pub(super) struct Clock(TimeZone);

impl Clock {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self(zone)
    }

    /// A time as the clock shows it. The text is RFC 3339, or a time of the state, which is in UTC.
    pub(super) fn time(&self, text: &str) -> Markup {
        match moment(text) {
            Some(time) => html! {
                time.time datetime=(time.strftime("%Y-%m-%dT%H:%M:%SZ")) {
                    (time.to_zoned_datetime(self.0.clone()).strftime("%Y-%m-%d %H:%M:%S"))
                }
            },
            None => html! { (text) },
        }
    }

    /// A time of a transcript.
    pub(super) fn moment(&self, time: session_plugin_api::Timestamp) -> Markup {
        self.time(&time.to_string())
    }

    /// Such a time, or a dash.
    pub(super) fn time_or_dash(&self, text: Option<&str>) -> Markup {
        text.map_or_else(|| html! { "-" }, |text| self.time(text))
    }

    /// The hour and minute that the clock shows.
    pub(super) fn hour(&self, time: Timestamp) -> String {
        time.to_zoned_datetime(self.0.clone()).strftime("%H:%M").to_string()
    }

    /// The day that the calendar shows.
    pub(super) fn date(&self, time: Timestamp) -> Date {
        time.to_zoned_datetime(self.0.clone()).date()
    }
}

/// The moment that a text tells: RFC 3339, or a time of the state.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let local: DateTime = text.parse().ok()?;
        Some(local.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
    })
}

/// A duration with its two largest units.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// A duration in milliseconds.
pub(super) fn milliseconds(count: i64) -> String {
    duration(Duration::from_millis(u64::try_from(count).unwrap_or(0)))
}

/// A size in bytes.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} bytes"),
        unit => format!("{value:.1} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_short() {
        let told = [0, 999, 1500, 42_000, 61_000, 3_720_000, 90_000_000].map(milliseconds);
        assert_eq!(
            told,
            ["0 ms", "999 ms", "1.5 s", "42 s", "1 min 1 s", "1 h 2 min", "1 d 1 h"]
        );
        assert_eq!(
            [0, 999, 1000, 1_550_000].map(size),
            ["0 bytes", "999 bytes", "1.0 kB", "1.6 MB"]
        );
    }

    #[test]
    fn times_of_both_forms_are_read() {
        let expected: Timestamp = "2026-03-29T01:00:00.5Z".parse().unwrap();
        assert_eq!(moment("2026-03-29T01:00:00.5Z"), Some(expected));
        assert_eq!(moment("2026-03-29 01:00:00.5"), Some(expected));
        assert_eq!(moment("soon"), None);
        let prague = Clock::new(TimeZone::get("Europe/Prague").unwrap());
        assert!(
            prague
                .time("2026-03-29 01:00:00")
                .into_string()
                .contains("2026-03-29 03:00:00")
        );
        assert_eq!(prague.time("<b>").into_string(), "&lt;b&gt;");
    }
}
