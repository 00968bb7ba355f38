//! How often a processor is due.

use std::{fmt, str::FromStr, time::Duration};

use chrono::DateTime;
use croner::{Cron, errors::CronError};
use session_plugin_api::Timestamp;

/// How often a processor is due. All times of day are UTC.
///
/// It is written as `every 15m` (units `s`, `m`, `h`, `d`), as `daily 03:30, 15:00`, or as `cron` and five fields,
/// `cron 30 3 * * mon-fri`. Upper case and surplus white space are read too; what is displayed is canonical and is read
/// as an equal cadence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// Some time after the last run.
    Every(Interval),
    /// At times of the day.
    Daily(TimesOfDay),
    /// At the moments that a cron expression matches.
    Cron(CronExpression),
}

/// A whole number of seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(Duration);

/// Times of the day to the minute, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimesOfDay {
    /// Minutes since midnight, ascending, each one once.
    minutes: Vec<u16>,
}

/// A cron expression of five fields that some moment matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronExpression(Box<Cron>);

/// A text that is no [`Cadence`].
#[derive(Debug, thiserror::Error)]
#[error("`{written}` is no cadence such as {}: {problem}", problem.example())]
pub struct InvalidCadence {
    /// The whole text.
    pub written: String,
    /// What is wrong with it.
    pub problem: CadenceProblem,
}

/// What is wrong with a text that is no [`Cadence`].
#[derive(Debug, thiserror::Error)]
pub enum CadenceProblem {
    /// The first word is none of the three.
    #[error("it must begin with `every`, `daily` or `cron`")]
    UnknownKind,
    /// What follows `every` is not a number and a unit.
    #[error("`{0}` is not a whole number up to {max} and a unit, `s`, `m`, `h` or `d`", max = u32::MAX)]
    UnreadableInterval(String),
    /// The interval is zero.
    #[error("the interval must not be zero")]
    ZeroInterval,
    /// One of the times that follow `daily` is none.
    #[error("`{0}` is no time of day from `00:00` to `23:59`")]
    UnreadableTime(String),
    /// What follows `cron` has more or fewer than five fields.
    #[error("it must have five fields, minute, hour, day, month and weekday, but has {0}")]
    FieldCount(usize),
    /// One of the five fields cannot be read.
    #[error("{0}")]
    UnreadableExpression(CronError),
    /// The five fields can be read, but no date matches them.
    #[error("no moment ever matches it")]
    NeverMatches,
}

const MICROS_PER_MINUTE: i64 = 60 * 1_000_000;
const MINUTES_PER_DAY: u16 = 24 * 60;
const MICROS_PER_DAY: i64 = MINUTES_PER_DAY as i64 * MICROS_PER_MINUTE;

/// The units of an interval with their seconds, the longest first.
const UNITS: [(&str, u64); 4] = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];

impl Cadence {
    /// The cadence with this many minutes from run to run; 0 counts as 1.
    #[must_use]
    pub fn every_minutes(minutes: u32) -> Self {
        Self::Every(Interval(Duration::from_secs(u64::from(minutes.max(1)) * 60)))
    }

    /// The first due moment after a run at `last`, always later than it. `None` if it lies beyond what can be told: the
    /// end of [`Timestamp`], or of the year 4999 for a cron expression.
    #[must_use]
    pub fn next_after(&self, last: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(interval) => checked_add(last, interval.0),
            Self::Daily(times) => times.next_after(last),
            Self::Cron(expression) => expression.next_after(last),
        }
    }

    /// Whether a run is due at `now`: always if there was none, otherwise from the first due moment after the last one
    /// on. However many due moments were missed, the next run makes up for all of them.
    ///
    /// A last run that lies in the future says that the clock was set back. If it was by little, the run counts and
    /// the clock has to pass it first; if by so much that a due moment would be lost to that, a run is due at once.
    #[must_use]
    pub fn is_due(&self, last_run: Option<Timestamp>, now: Timestamp) -> bool {
        match last_run {
            None => true,
            Some(last) if last <= now => self.next_after(last).is_some_and(|due| due <= now),
            Some(last) => self.is_due_before_last_run(last, now),
        }
    }

    /// The shortest time from one due moment to the next: a minute for any cron expression.
    #[must_use]
    pub fn shortest_interval(&self) -> Duration {
        match self {
            Self::Every(interval) => interval.0,
            Self::Daily(times) => times.shortest_distance(),
            Self::Cron(_) => Duration::from_secs(60),
        }
    }

    fn is_due_before_last_run(&self, last: Timestamp, now: Timestamp) -> bool {
        // A clock that is put right by seconds, just after a run at a due moment, meets that moment a second time.
        let is_set_back_by_much = checked_add(now, self.shortest_interval()).is_some_and(|later| later <= last);
        is_set_back_by_much && self.next_after(now).is_some_and(|due| due <= last)
    }
}

impl FromStr for Cadence {
    type Err = InvalidCadence;

    fn from_str(written: &str) -> Result<Self, InvalidCadence> {
        let text = written.trim().to_lowercase();
        let (kind, details) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        let cadence = match kind {
            "every" => Interval::parse(details).map(Self::Every),
            "daily" => TimesOfDay::parse(details).map(Self::Daily),
            "cron" => CronExpression::parse(details).map(Self::Cron),
            _ => Err(CadenceProblem::UnknownKind),
        };
        cadence.map_err(|problem| InvalidCadence {
            written: written.to_owned(),
            problem,
        })
    }
}

impl fmt::Display for Cadence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(interval) => write!(formatter, "every {interval}"),
            Self::Daily(times) => write!(formatter, "daily {times}"),
            Self::Cron(expression) => write!(formatter, "cron {expression}"),
        }
    }
}

impl Interval {
    fn parse(text: &str) -> Result<Self, CadenceProblem> {
        let text = text.trim();
        let unreadable = || CadenceProblem::UnreadableInterval(text.to_owned());
        let end_of_digits = text.find(|character: char| !character.is_ascii_digit());
        let (digits, unit) = text.split_at(end_of_digits.ok_or_else(unreadable)?);
        let count: u32 = digits.parse().map_err(|_| unreadable())?;
        let (_, seconds) = UNITS
            .into_iter()
            .find(|(name, _)| *name == unit.trim_start())
            .ok_or_else(unreadable)?;
        match count {
            0 => Err(CadenceProblem::ZeroInterval),
            _ => Ok(Self(Duration::from_secs(u64::from(count) * seconds))),
        }
    }
}

impl fmt::Display for Interval {
    /// In the longest unit that it is a whole number of.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.as_secs();
        let (unit, seconds) = UNITS
            .into_iter()
            .find(|(_, seconds)| total.is_multiple_of(*seconds))
            .unwrap_or(("s", 1));
        write!(formatter, "{}{unit}", total / seconds)
    }
}

impl TimesOfDay {
    fn parse(text: &str) -> Result<Self, CadenceProblem> {
        let mut minutes = text
            .split(',')
            .map(|time| {
                let time = time.trim();
                minute_of_day(time).ok_or_else(|| CadenceProblem::UnreadableTime(time.to_owned()))
            })
            .collect::<Result<Vec<u16>, _>>()?;
        minutes.sort_unstable();
        minutes.dedup();
        Ok(Self { minutes })
    }

    fn next_after(&self, last: Timestamp) -> Option<Timestamp> {
        let time_of_day = last.as_micros().rem_euclid(MICROS_PER_DAY);
        let first_tomorrow = self.minutes.first().map(|minute| minute + MINUTES_PER_DAY);
        let next_time = self
            .minutes
            .iter()
            .copied()
            .chain(first_tomorrow)
            .map(|minute| i64::from(minute) * MICROS_PER_MINUTE)
            .find(|time| *time > time_of_day)?;
        let next = last.as_micros().checked_add(next_time - time_of_day)?;
        Some(Timestamp::from_micros(next))
    }

    fn shortest_distance(&self) -> Duration {
        let first_tomorrow = self.minutes.first().map(|minute| minute + MINUTES_PER_DAY);
        let following = self.minutes.iter().copied().skip(1).chain(first_tomorrow);
        let distances = self.minutes.iter().zip(following).map(|(minute, next)| next - minute);
        let shortest = distances.min().unwrap_or(MINUTES_PER_DAY);
        Duration::from_secs(u64::from(shortest) * 60)
    }
}

impl fmt::Display for TimesOfDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, minute) in self.minutes.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(formatter, "{separator}{:02}:{:02}", minute / 60, minute % 60)?;
        }
        Ok(())
    }
}

impl CronExpression {
    fn parse(text: &str) -> Result<Self, CadenceProblem> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        // croner would take a sixth field for seconds and a seventh for years.
        if fields.len() != 5 {
            return Err(CadenceProblem::FieldCount(fields.len()));
        }
        let cron = fields.join(" ").parse().map_err(CadenceProblem::UnreadableExpression)?;
        let expression = Self(Box::new(cron));
        // Without a field for the year, what matches at all does so over and over.
        match expression.next_after(Timestamp::default()) {
            Some(_) => Ok(expression),
            None => Err(CadenceProblem::NeverMatches),
        }
    }

    fn next_after(&self, last: Timestamp) -> Option<Timestamp> {
        // croner searches no years before 1, and a last run before 1970 can only come from a clock that was not set.
        let start = DateTime::from_timestamp_micros(last.as_micros().max(0))?;
        let is_inclusive = false;
        let next = self.0.find_next_occurrence(&start, is_inclusive).ok()?;
        Some(Timestamp::from_micros(next.timestamp_micros()))
    }
}

impl fmt::Display for CronExpression {
    /// With numbers for the names of months and weekdays.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_str())
    }
}

impl CadenceProblem {
    /// What could have been written instead.
    fn example(&self) -> &'static str {
        match self {
            Self::UnknownKind => "`every 15m`, `daily 03:30` or `cron 30 3 * * 1-5`",
            Self::UnreadableInterval(_) | Self::ZeroInterval => "`every 15m`",
            Self::UnreadableTime(_) => "`daily 03:30, 15:00`",
            Self::FieldCount(_) | Self::UnreadableExpression(_) | Self::NeverMatches => "`cron 30 3 * * 1-5`",
        }
    }
}

/// The moment this much later, `None` beyond the end of [`Timestamp`].
pub(super) fn checked_add(timestamp: Timestamp, duration: Duration) -> Option<Timestamp> {
    let micros = i64::try_from(duration.as_micros()).ok()?;
    timestamp.as_micros().checked_add(micros).map(Timestamp::from_micros)
}

/// Reads `03:30` or `3:30` as minutes since midnight.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let has_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_readable = hour.len() <= 2 && minute.len() == 2 && has_digits(hour) && has_digits(minute);
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (is_readable && hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cadence(text: &str) -> Cadence {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn shifted(timestamp: Timestamp, micros: i64) -> Timestamp {
        Timestamp::from_micros(timestamp.as_micros() + micros)
    }

    /// Asserts what the first due moments after `start` are, each one after the one before.
    #[track_caller]
    fn assert_due_moments(cadence_text: &str, start: &str, expected: &[&str]) {
        let cadence = cadence(cadence_text);
        let moments = std::iter::successors(Some(at(start)), |last| cadence.next_after(*last));
        let actual: Vec<Timestamp> = moments.skip(1).take(expected.len()).collect();
        let expected: Vec<Timestamp> = expected.iter().map(|text| at(text)).collect();
        assert_eq!(actual, expected);
    }

    #[track_caller]
    fn assert_is_due(cadence_text: &str, last: &str, now: &str, expected: bool) {
        let actual = cadence(cadence_text).is_due(Some(at(last)), at(now));
        assert_eq!(actual, expected, "{cadence_text}, last run {last}, now {now}");
    }

    #[test]
    fn case_and_white_space_are_forgiven_and_the_canonical_form_is_displayed() {
        let cases = [
            ("every 15m", "every 15m"),
            ("  EVERY\t 15 M ", "every 15m"),
            ("every 90s", "every 90s"),
            ("every 120m", "every 2h"),
            ("every 0048h", "every 2d"),
            ("every 4294967295d", "every 4294967295d"),
            ("Daily 3:30", "daily 03:30"),
            ("daily 15:00 ,03:30,  15:00", "daily 03:30, 15:00"),
            ("Cron  30 3  * jan-Mar MON-fri", "cron 30 3 * 1-3 1-5"),
            ("cron 0 0 l * 5#l", "cron 0 0 L * 5#L"),
        ];
        for (written, canonical) in cases {
            assert_eq!(cadence(written).to_string(), canonical, "{written}");
            assert_eq!(cadence(canonical), cadence(written), "{written}");
        }
    }

    #[test]
    fn refusals_name_what_was_written_what_is_wrong_and_an_example() {
        let kind = "no cadence such as `every 15m`, `daily 03:30` or `cron 30 3 * * 1-5`: \
                    it must begin with `every`, `daily` or `cron`";
        let cases = [
            ("", kind),
            ("hourly", kind),
            ("15m", kind),
            ("daily03:30", kind),
            (
                "every 0m",
                "no cadence such as `every 15m`: the interval must not be zero",
            ),
            (
                "every 5",
                "no cadence such as `every 15m`: `5` is not a whole number up to 4294967295 and a unit, `s`, `m`, `h` \
                 or `d`",
            ),
            (
                "daily 24:00",
                "no cadence such as `daily 03:30, 15:00`: `24:00` is no time of day from `00:00` to `23:59`",
            ),
            (
                "cron 0 0 3 * * *",
                "no cadence such as `cron 30 3 * * 1-5`: it must have five fields, minute, hour, day, month and \
                 weekday, but has 6",
            ),
            (
                "cron 0 0 30 2 *",
                "no cadence such as `cron 30 3 * * 1-5`: no moment ever matches it",
            ),
            (
                "cron 61 * * * *",
                "no cadence such as `cron 30 3 * * 1-5`: Component error: Position 61 is out of bounds for the current \
                 range (0-59).",
            ),
        ];
        for (written, message) in cases {
            let error = written.parse::<Cadence>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{written}` is {message}"));
        }
    }

    #[test]
    fn intervals_that_are_none_are_refused() {
        for written in [
            "every",
            "every m",
            "every -5m",
            "every +5m",
            "every 1.5h",
            "every 5w",
            "every 4294967296s",
        ] {
            let problem = written.parse::<Cadence>().unwrap_err().problem;
            assert!(matches!(problem, CadenceProblem::UnreadableInterval(_)), "{written}");
        }
        let problem = "every 000d".parse::<Cadence>().unwrap_err().problem;
        assert!(matches!(problem, CadenceProblem::ZeroInterval));
    }

    #[test]
    fn times_of_day_that_are_none_are_refused() {
        for written in [
            "",
            "3",
            ":30",
            "3:5",
            "03:60",
            "+3:30",
            "003:30",
            "03:30:00",
            "03:30,",
            "03:30 15:00",
        ] {
            let problem = format!("daily {written}").parse::<Cadence>().unwrap_err().problem;
            assert!(matches!(problem, CadenceProblem::UnreadableTime(_)), "{written}");
        }
    }

    #[test]
    fn cron_expressions_have_five_fields() {
        for (written, count) in [
            ("cron", 0),
            ("cron @daily", 1),
            ("cron 0 3 * *", 4),
            ("cron 0 0 3 * * * 2030", 7),
        ] {
            let problem = written.parse::<Cadence>().unwrap_err().problem;
            assert!(
                matches!(problem, CadenceProblem::FieldCount(found) if found == count),
                "{written}"
            );
        }
    }

    #[test]
    fn cron_expressions_that_cannot_be_read_or_never_match_are_refused() {
        for written in [
            "cron 0 24 * * *",
            "cron a * * * *",
            "cron @daily * * * *",
            "cron 0 0 0 * *",
            "cron */0 * * * *",
        ] {
            let problem = written.parse::<Cadence>().unwrap_err().problem;
            assert!(matches!(problem, CadenceProblem::UnreadableExpression(_)), "{written}");
        }
        for written in ["cron 0 0 31 2,4,6,9,11 *", "cron , * * * *"] {
            let problem = written.parse::<Cadence>().unwrap_err().problem;
            assert!(matches!(problem, CadenceProblem::NeverMatches), "{written}");
        }
    }

    #[test]
    fn minutes_of_a_descriptor_are_an_interval_of_at_least_one() {
        assert_eq!(Cadence::every_minutes(15), cadence("every 15m"));
        assert_eq!(Cadence::every_minutes(0), cadence("every 1m"));
        let longest = Cadence::every_minutes(u32::MAX);
        assert_eq!(longest.to_string().parse::<Cadence>().unwrap(), longest);
    }

    #[test]
    fn an_interval_counts_from_the_last_run() {
        assert_due_moments(
            "every 90m",
            "2026-03-01T23:00:00.5Z",
            &["2026-03-02T00:30:00.5Z", "2026-03-02T02:00:00.5Z"],
        );
    }

    #[test]
    fn daily_times_follow_each_other_over_midnight_whatever_their_order() {
        assert_due_moments(
            "daily 15:00, 00:00, 3:30, 15:00",
            "2026-03-01T03:29:59.999999Z",
            &[
                "2026-03-01T03:30:00Z",
                "2026-03-01T15:00:00Z",
                "2026-03-02T00:00:00Z",
                "2026-03-02T03:30:00Z",
            ],
        );
        assert_due_moments("daily 03:30", "1969-12-31T12:00:00Z", &["1970-01-01T03:30:00Z"]);
    }

    #[test]
    fn days_on_which_summer_time_begins_or_ends_are_like_any_other() {
        assert_due_moments(
            "daily 02:30",
            "2026-03-28T02:30:00Z",
            &["2026-03-29T02:30:00Z", "2026-03-30T02:30:00Z"],
        );
        assert_due_moments(
            "cron 30 2 * * *",
            "2026-10-24T02:30:00Z",
            &["2026-10-25T02:30:00Z", "2026-10-26T02:30:00Z"],
        );
    }

    #[test]
    fn cron_expressions_match_to_the_minute() {
        assert_due_moments(
            "cron */30 9 * * mon",
            "2026-03-01T00:00:00.5Z",
            &["2026-03-02T09:00:00Z", "2026-03-02T09:30:00Z", "2026-03-09T09:00:00Z"],
        );
    }

    #[test]
    fn a_leap_day_comes_every_four_years() {
        assert_due_moments(
            "cron 0 12 29 2 *",
            "2026-03-01T00:00:00Z",
            &["2028-02-29T12:00:00Z", "2032-02-29T12:00:00Z"],
        );
        assert_due_moments("cron 0 12 29 2 *", "2096-03-01T00:00:00Z", &["2104-02-29T12:00:00Z"]);
    }

    #[test]
    fn what_has_never_run_is_due() {
        for text in ["every 1d", "daily 03:30", "cron 0 12 29 2 *"] {
            assert!(cadence(text).is_due(None, at("2026-03-01T00:00:00Z")), "{text}");
        }
    }

    #[test]
    fn it_is_due_exactly_at_the_boundary() {
        for (text, last, due) in [
            ("every 15m", "2026-03-01T10:07:00.25Z", "2026-03-01T10:22:00.25Z"),
            ("daily 03:30", "2026-03-01T03:30:00Z", "2026-03-02T03:30:00Z"),
            ("cron 30 3 * * *", "2026-03-01T03:30:00Z", "2026-03-02T03:30:00Z"),
        ] {
            let (cadence, last, due) = (cadence(text), at(last), at(due));
            assert!(cadence.is_due(Some(last), due), "{text}");
            assert!(!cadence.is_due(Some(last), shifted(due, -1)), "{text}");
        }
    }

    #[test]
    fn missed_times_are_caught_up_once() {
        for text in ["daily 03:30", "cron 30 3 * * *"] {
            // Three of them are missed, and one run makes up for them.
            assert_is_due(text, "2026-03-01T03:30:00Z", "2026-03-04T11:00:00Z", true);
            assert_is_due(text, "2026-03-04T11:00:00Z", "2026-03-04T11:00:00Z", false);
            assert_is_due(text, "2026-03-04T11:00:00Z", "2026-03-05T03:29:59Z", false);
            assert_is_due(text, "2026-03-04T11:00:00Z", "2026-03-05T03:30:00Z", true);
        }
    }

    #[test]
    fn a_clock_set_back_by_little_repeats_no_run() {
        assert_is_due(
            "every 15m",
            "2026-03-01T10:00:00Z",
            "2026-03-01T09:45:00.000001Z",
            false,
        );
        for text in ["daily 03:30", "cron 30 3 * * *"] {
            assert_is_due(text, "2026-03-01T03:30:02Z", "2026-03-01T03:29:55Z", false);
            assert_is_due(text, "2026-03-01T03:30:02Z", "2026-03-01T03:30:00Z", false);
            assert_is_due(text, "2026-03-01T03:30:02Z", "2026-03-02T03:30:00Z", true);
        }
        assert_is_due("cron 30 3 * * *", "2026-03-01T12:00:00Z", "2026-03-01T04:00:00Z", false);
    }

    #[test]
    fn a_clock_set_back_by_much_blocks_nothing() {
        assert_is_due("every 15m", "2026-03-01T10:00:00Z", "2026-03-01T09:45:00Z", true);
        for text in ["every 15m", "daily 03:30", "cron 30 3 * * *", "cron 0 12 29 2 *"] {
            assert_is_due(text, "2036-03-01T10:00:00Z", "2026-03-01T10:00:00Z", true);
            let far_ahead = Some(Timestamp::from_micros(i64::MAX));
            assert!(cadence(text).is_due(far_ahead, at("2026-03-01T10:00:00Z")), "{text}");
        }
    }

    #[test]
    fn the_shortest_interval_is_known() {
        for (text, minutes) in [
            ("every 2h", 120),
            ("daily 03:30", 24 * 60),
            ("daily 03:30, 15:00", 11 * 60 + 30),
            ("daily 00:05, 12:00, 23:55", 10),
            ("cron 0 12 29 2 *", 1),
        ] {
            assert_eq!(
                cadence(text).shortest_interval(),
                Duration::from_secs(minutes * 60),
                "{text}"
            );
        }
    }

    #[test]
    fn the_ends_of_time_are_survived() {
        let (first, last) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
        let now = at("2026-03-01T10:00:00Z");
        for text in ["every 1s", "daily 00:00, 03:30", "cron * * * * *"] {
            let cadence = cadence(text);
            assert_eq!(cadence.next_after(last), None, "{text}");
            assert!(cadence.next_after(first) > Some(first), "{text}");
            assert!(cadence.is_due(Some(first), now), "{text}");
            assert!(!cadence.is_due(Some(last), last), "{text}");
        }
        let longest = cadence("every 4294967295d");
        assert_eq!(longest.next_after(now), None);
        assert!(!longest.is_due(Some(now), last));
    }

    fn any_cadence() -> impl Strategy<Value = Cadence> {
        let every = (1..=u32::MAX, "[smhd]").prop_map(|(count, unit)| format!("every {count}{unit}"));
        let short = (1..=1000, "[smh]").prop_map(|(count, unit)| format!("every {count}{unit}"));
        let time = (0..24, 0..60).prop_map(|(hour, minute)| format!("{hour}:{minute:02}"));
        let daily = prop::collection::vec(time, 1..5).prop_map(|times| format!("daily {}", times.join(",")));
        let cron = (
            prop_oneof!["[1-5]?[0-9]", "\\*(/[1-9])?", "[0-9]-[1-5][0-9](/[1-9])?"],
            prop_oneof!["1?[0-9]", "\\*(/[1-9])?", "[0-9],1[0-9]"],
            prop_oneof!["1?[1-9]", "\\*", "L", "1?[1-9]W"],
            prop_oneof!["[1-9]", "\\*", "(jan|FEB|Mar)"],
            prop_oneof!["[0-7]", "\\*", "mon-fri", "[0-6]#[1-4]", "SUN,sat"],
        )
            .prop_map(|(minute, hour, day, month, weekday)| format!("cron {minute} {hour} {day} {month} {weekday}"));
        prop_oneof![every, short, daily, cron].prop_map(|text| cadence(&text))
    }

    /// From 1970 to 2100.
    fn any_sane_time() -> impl Strategy<Value = Timestamp> {
        (0..4_102_444_800_000_000_i64).prop_map(Timestamp::from_micros)
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_again(cadence in any_cadence()) {
            prop_assert_eq!(cadence.to_string().parse::<Cadence>().unwrap(), cadence);
        }

        #[test]
        fn whatever_is_written_is_read_or_refused(text in "(every|daily|cron)? ?[0-9*/,:+#?lw -]{0,24}") {
            if let Ok(cadence) = text.parse::<Cadence>() {
                prop_assert_eq!(cadence.to_string().parse::<Cadence>().unwrap(), cadence);
            }
        }

        #[test]
        fn the_next_due_moment_is_later(cadence in any_cadence(), micros: i64) {
            let last = Timestamp::from_micros(micros);
            prop_assert!(cadence.next_after(last).is_none_or(|due| due > last));
        }

        #[test]
        fn it_is_due_from_the_next_due_moment_on(cadence in any_cadence(), last in any_sane_time()) {
            if let Some(due) = cadence.next_after(last) {
                prop_assert!(cadence.is_due(Some(last), due));
                prop_assert!(!cadence.is_due(Some(last), shifted(due, -1)));
            }
        }

        #[test]
        fn no_two_due_moments_are_closer_than_the_shortest_interval(cadence in any_cadence(), last in any_sane_time()) {
            let first = cadence.next_after(last);
            if let Some((first, second)) = first.and_then(|first| Some((first, cadence.next_after(first)?))) {
                prop_assert!(checked_add(first, cadence.shortest_interval()).unwrap() <= second);
            }
        }
    }
}
