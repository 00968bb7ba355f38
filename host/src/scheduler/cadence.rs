//! How often a processor is due.

use std::{collections::BTreeSet, fmt, num::NonZeroU32, str::FromStr, time::Duration};

use session_plugin_api::Timestamp;

use super::cron::{Cron, InvalidCron};

/// How often a processor is due: after an interval, at times of the day or by a cron pattern, all in UTC.
///
/// It is written `every 15m` (`s`, `m`, `h` or `d`), `daily 03:30, 15:00` or `cron 0 3 * * mon`, in either case and with
/// any white space. Its `Display` is one canonical form of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cadence(Rhythm);

/// A text that is no [`Cadence`].
#[derive(Debug, thiserror::Error)]
#[error("`{written}` is no cadence: {problem}; write for example `{}`", problem.example())]
pub struct InvalidCadence {
    /// What was written.
    pub written: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a text that is no [`Cadence`].
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It starts with none of the three words.
    #[error("it starts with none of `every`, `daily` and `cron`")]
    UnknownForm,
    /// No number and unit after `every`.
    #[error("after `every` comes a whole number and one of s, m, h and d")]
    NoInterval,
    /// An interval of zero.
    #[error("an interval of zero never lets a processor rest")]
    ZeroInterval,
    /// An interval of more seconds than 32 bits hold, which is 136 years.
    #[error("an interval is at most 49710d")]
    TooLong,
    /// Something else than times of the day after `daily`.
    #[error("after `daily` come times from 00:00 to 23:59, with commas between them")]
    NoTimesOfDay,
    /// Something else than a cron pattern that fires after `cron`.
    #[error(transparent)]
    Cron(#[from] InvalidCron),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rhythm {
    /// So many seconds after the last run.
    Every(NonZeroU32),
    /// At these times of every day, of which there is at least one.
    Daily(BTreeSet<TimeOfDay>),
    Cron(Cron),
}

/// Minutes since midnight, fewer than a day has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TimeOfDay(u16);

/// The units of an interval and their seconds, the longest first.
const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// Microseconds of a minute.
const MINUTE: i64 = 60 * SECOND;

/// Microseconds of a day: in UTC, as timestamps count, all are equally long.
const DAY: i64 = 24 * 60 * MINUTE;

impl Cadence {
    /// The cadence of this many minutes. Zero is taken for one, and more than 136 years for 136 years.
    #[must_use]
    pub fn every_minutes(minutes: u32) -> Self {
        let seconds = NonZeroU32::new(minutes.max(1).saturating_mul(60));
        Self(Rhythm::Every(seconds.unwrap_or(NonZeroU32::MIN)))
    }

    /// The first moment strictly after `last` at which a processor that last ran then is due; `None` when there is none
    /// that a [`Timestamp`] holds or, for a cron pattern, none before the year 5000.
    #[must_use]
    pub fn next_after(&self, last: Timestamp) -> Option<Timestamp> {
        let wait = match &self.0 {
            Rhythm::Every(seconds) => i64::from(seconds.get()) * SECOND,
            Rhythm::Daily(times) => {
                let time_of_day = last.as_micros().rem_euclid(DAY);
                today_and_tomorrow(times).find(|time| *time > time_of_day)? - time_of_day
            }
            Rhythm::Cron(cron) => return cron.next_after(last),
        };
        last.as_micros().checked_add(wait).map(Timestamp::from_micros)
    }

    /// Whether a processor that last ran at `last_run` is due at `now`. One that never ran is; one that missed several
    /// moments, because the host was down, is due once.
    ///
    /// A last run that lies in the future tells that the clock was set back. By less than one cadence, the processor
    /// waits until the clock has caught up, so that nothing runs twice. By more, it is due: a clock that once was years
    /// ahead must not keep it from running for years.
    #[must_use]
    pub fn is_due(&self, last_run: Option<Timestamp>, now: Timestamp) -> bool {
        match last_run {
            None => true,
            Some(last_run) if last_run <= now => self.next_after(last_run).is_some_and(|next| next <= now),
            Some(last_run) => self.is_a_cadence_ahead(last_run, now),
        }
    }

    /// The least time between two moments at which a processor is due, or a lower bound of it: a minute for cron.
    #[must_use]
    pub fn shortest_interval(&self) -> Duration {
        match &self.0 {
            Rhythm::Every(seconds) => Duration::from_secs(seconds.get().into()),
            Rhythm::Daily(times) => {
                let pairs = today_and_tomorrow(times).zip(today_and_tomorrow(times).skip(1));
                let shortest = pairs.map(|(time, next)| next.abs_diff(time)).min();
                Duration::from_micros(shortest.unwrap_or(DAY.unsigned_abs()))
            }
            Rhythm::Cron(_) => Duration::from_micros(MINUTE.unsigned_abs()),
        }
    }

    /// Whether `last_run`, which is later than `now`, is later by as much as the next two due moments are apart, the first
    /// of them being over by then.
    ///
    /// That this one is over is not enough: a clock set back by seconds just after 03:30 makes 03:30 come twice.
    fn is_a_cadence_ahead(&self, last_run: Timestamp, now: Timestamp) -> bool {
        let Some(first) = self.next_after(now) else {
            return false;
        };
        let apart = |earlier: Timestamp, later: Timestamp| later.as_micros().abs_diff(earlier.as_micros());
        let cadence = self.next_after(first).map(|second| apart(first, second));
        first <= last_run && cadence.is_some_and(|cadence| cadence <= apart(now, last_run))
    }
}

impl FromStr for Cadence {
    type Err = InvalidCadence;

    fn from_str(text: &str) -> Result<Self, InvalidCadence> {
        let written = text.trim();
        let rhythm = parse(&written.to_ascii_lowercase());
        rhythm.map(Self).map_err(|problem| InvalidCadence {
            written: written.to_owned(),
            problem,
        })
    }
}

impl fmt::Display for Cadence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rhythm::Every(seconds) => {
                let fitting = UNITS.into_iter().find(|(_, size)| seconds.get() % size == 0);
                let (unit, size) = fitting.unwrap_or(('s', 1));
                write!(formatter, "every {}{unit}", seconds.get() / size)
            }
            Rhythm::Daily(times) => {
                let times: Vec<String> = times.iter().map(TimeOfDay::to_string).collect();
                write!(formatter, "daily {}", times.join(", "))
            }
            Rhythm::Cron(cron) => write!(formatter, "cron {cron}"),
        }
    }
}

impl Problem {
    /// A cadence such as the writer may have meant.
    fn example(&self) -> &'static str {
        match self {
            Self::UnknownForm | Self::NoInterval | Self::ZeroInterval => "every 15m",
            Self::TooLong => "every 30d",
            Self::NoTimesOfDay => "daily 03:30, 15:00",
            Self::Cron(_) => "cron 30 3 * * mon",
        }
    }
}

impl TimeOfDay {
    /// Reads `3:30` or `03:30`.
    fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let is_well_formed = minute.len() == 2 && [hour, minute].into_iter().all(is_number);
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (is_well_formed && hour < 24 && minute < 60).then_some(Self(hour * 60 + minute))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

fn parse(text: &str) -> Result<Rhythm, Problem> {
    let (form, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    match form {
        "every" => Ok(Rhythm::Every(parse_interval(rest.trim())?)),
        "daily" => {
            let times: Option<BTreeSet<_>> = rest.split(',').map(|time| TimeOfDay::parse(time.trim())).collect();
            Ok(Rhythm::Daily(times.ok_or(Problem::NoTimesOfDay)?))
        }
        "cron" => Ok(Rhythm::Cron(rest.parse()?)),
        _ => Err(Problem::UnknownForm),
    }
}

/// Reads `15m` or `15 m`, in seconds.
fn parse_interval(text: &str) -> Result<NonZeroU32, Problem> {
    let units = UNITS.into_iter();
    let (count, size) = units
        .filter_map(|(unit, size)| Some((text.strip_suffix(unit)?.trim_end(), size)))
        .find(|(count, _)| is_number(count))
        .ok_or(Problem::NoInterval)?;
    // A number that is all digits can only fail to be one by being too large.
    let count = count.parse::<u32>().map_err(|_| Problem::TooLong)?;
    let seconds = count.checked_mul(size).ok_or(Problem::TooLong)?;
    NonZeroU32::new(seconds).ok_or(Problem::ZeroInterval)
}

/// Whether it consists of digits alone: Rust would also read a sign.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The times of two days in their order, in microseconds since the first midnight.
fn today_and_tomorrow(times: &BTreeSet<TimeOfDay>) -> impl Iterator<Item = i64> {
    let days = [0, DAY].into_iter();
    days.flat_map(|midnight| times.iter().map(move |time| midnight + i64::from(time.0) * MINUTE))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn cadence(text: &str) -> Cadence {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn later(timestamp: Timestamp, micros: i64) -> Timestamp {
        Timestamp::from_micros(timestamp.as_micros() + micros)
    }

    /// The moments at which it is due when it runs at each of them, from a last run on.
    fn runs(text: &str, last_run: &str, count: usize) -> Vec<String> {
        let cadence = cadence(text);
        let moments = std::iter::successors(Some(at(last_run)), |last| cadence.next_after(*last));
        moments.skip(1).take(count).map(|moment| moment.to_string()).collect()
    }

    #[test]
    fn what_is_written_has_one_canonical_form() {
        let cases = [
            ("every 15m", "every 15m"),
            ("  EVERY\t90 S ", "every 90s"),
            ("every 120m", "every 2h"),
            ("every 48h", "every 2d"),
            ("daily 3:30", "daily 03:30"),
            ("Daily 15:00 ,03:30,15:00", "daily 03:30, 15:00"),
            ("cron  0 3  * * mon-fri", "cron 0 3 * * 1-5"),
            ("CRON */5 * L JAN *", "cron */5 * L 1 *"),
        ];
        for (written, canonical) in cases {
            assert_eq!(cadence(written).to_string(), canonical);
            assert_eq!(cadence(canonical), cadence(written));
        }
    }

    #[test]
    fn refusals_say_what_is_wrong_and_what_to_write() {
        let unknown = "it starts with none of `every`, `daily` and `cron`; write for example `every 15m`";
        let interval = "after `every` comes a whole number and one of s, m, h and d; write for example `every 15m`";
        let zero = "an interval of zero never lets a processor rest; write for example `every 15m`";
        let long = "an interval is at most 49710d; write for example `every 30d`";
        let times = "after `daily` come times from 00:00 to 23:59, with commas between them; \
                     write for example `daily 03:30, 15:00`";
        let empty_place = "a list in the cron pattern has an empty place; write for example `cron 30 3 * * mon`";
        let never = "the cron pattern never fires; write for example `cron 30 3 * * mon`";
        let cases = [
            (unknown, &["", "15m", "hourly", "every15m", "@daily"][..]),
            (
                interval,
                &[
                    "every",
                    "every m",
                    "every 15",
                    "every 1.5h",
                    "every +5m",
                    "every 1 5m",
                    "every 15w",
                ],
            ),
            (zero, &["every 0s", "every 00d"]),
            (long, &["every 49711d", "every 99999999999999999999s"]),
            (
                times,
                &[
                    "daily",
                    "daily 24:00",
                    "daily 12:60",
                    "daily 3",
                    "daily 3:5",
                    "daily +3:30",
                    "daily 03:30,",
                ],
            ),
            (empty_place, &["cron 0 3 * * mon,"]),
            (never, &["cron 0 0 30 2 *"]),
        ];
        for (reason, texts) in cases {
            for text in texts {
                let error = text.parse::<Cadence>().unwrap_err();
                assert_eq!(error.to_string(), format!("`{text}` is no cadence: {reason}"));
            }
        }
    }

    #[test]
    fn cron_patterns_have_five_fields() {
        for (text, count) in [
            ("cron", 0),
            ("cron @daily", 1),
            ("cron 0 0 3 * * *", 6),
            ("cron 0 0 3 * * * 2030", 7),
        ] {
            let reason = format!("a cron pattern has five fields (minute, hour, day, month, weekday), not {count}");
            let error = text.parse::<Cadence>().unwrap_err().to_string();
            assert!(error.contains(&reason), "{error}");
        }
    }

    #[test]
    fn it_is_due_at_the_boundary_and_not_a_microsecond_before() {
        let last_run = at("2026-03-01T03:30:00Z");
        let cases = [
            ("every 15m", "2026-03-01T03:45:00Z"),
            ("daily 03:30", "2026-03-02T03:30:00Z"),
            ("daily 03:31, 03:30", "2026-03-01T03:31:00Z"),
            ("cron 30 3 * * mon", "2026-03-02T03:30:00Z"),
        ];
        for (text, boundary) in cases {
            let due = |now| cadence(text).is_due(Some(last_run), now);
            assert!(!due(last_run), "{text}");
            assert!(!due(later(at(boundary), -1)), "{text}");
            assert!(due(at(boundary)), "{text}");
        }
    }

    #[test]
    fn what_never_ran_is_due() {
        for text in ["every 49710d", "daily 03:30", "cron 0 0 29 2 *"] {
            assert!(cadence(text).is_due(None, at("2026-03-01T00:00:00Z")), "{text}");
        }
    }

    #[test]
    fn missed_moments_are_caught_up_once() {
        let (last_run, now) = (at("2026-03-01T03:30:05Z"), at("2026-03-04T10:00:00Z"));
        for text in ["every 1d", "daily 03:30", "cron 30 3 * * *"] {
            assert!(cadence(text).is_due(Some(last_run), now), "{text}");
            assert!(!cadence(text).is_due(Some(now), later(now, 17 * 60 * MINUTE)), "{text}");
        }
    }

    #[test]
    fn a_clock_set_back_a_little_repeats_nothing() {
        let (now, last_run) = (at("2026-03-01T03:29:51Z"), at("2026-03-01T03:30:02Z"));
        for text in [
            "every 1m",
            "daily 03:30",
            "daily 03:30, 03:31",
            "cron 30 3 * * *",
            "cron * * * * *",
        ] {
            assert!(!cadence(text).is_due(Some(last_run), now), "{text}");
            assert!(cadence(text).is_due(Some(last_run), later(now, DAY + MINUTE)), "{text}");
        }
    }

    #[test]
    fn a_clock_that_was_far_ahead_does_not_block() {
        let (now, last_run) = (at("2026-03-01T03:00:00Z"), at("2036-03-01T03:00:00Z"));
        for text in ["every 15m", "daily 03:30", "daily 03:30, 15:00", "cron 30 3 * * mon"] {
            assert!(cadence(text).is_due(Some(last_run), now), "{text}");
            assert!(!cadence(text).is_due(Some(now), now), "{text}");
        }
        let hour = 60 * MINUTE;
        assert!(!cadence("every 1h").is_due(Some(later(now, hour - 1)), now));
        assert!(cadence("every 1h").is_due(Some(later(now, hour)), now));
        assert!(!cadence("daily 03:30").is_due(Some(later(now, DAY - 1)), now));
        assert!(cadence("daily 03:30").is_due(Some(later(now, DAY)), now));
    }

    #[test]
    fn clocks_that_are_put_forward_elsewhere_move_nothing() {
        let expected = ["2026-03-28T02:30:00Z", "2026-03-29T02:30:00Z", "2026-03-30T02:30:00Z"];
        assert_eq!(runs("daily 02:30", "2026-03-27T12:00:00Z", 3), expected);
    }

    #[test]
    fn a_day_may_have_several_times() {
        let expected = ["2026-02-28T15:00:00Z", "2026-03-01T03:30:00Z", "2026-03-01T15:00:00Z"];
        assert_eq!(runs("daily 15:00, 03:30, 15:00", "2026-02-28T03:30:00Z", 3), expected);
    }

    #[test]
    fn a_day_before_the_epoch_has_its_times_too() {
        let expected = ["1969-12-31T00:00:00Z", "1969-12-31T23:59:00Z", "1970-01-01T00:00:00Z"];
        assert_eq!(runs("daily 00:00, 23:59", "1969-12-30T23:59:00.000001Z", 3), expected);
    }

    #[test]
    fn the_shortest_interval_bounds_the_tick() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        let cases = [
            ("every 90s", Duration::from_secs(90)),
            ("daily 03:30", minutes(24 * 60)),
            ("daily 03:30, 15:00", minutes(11 * 60 + 30)),
            ("daily 23:50, 00:05, 12:00", minutes(15)),
            ("cron 0 0 29 2 *", minutes(1)),
        ];
        for (text, shortest) in cases {
            assert_eq!(cadence(text).shortest_interval(), shortest, "{text}");
        }
    }

    #[test]
    fn any_number_of_minutes_is_a_cadence() {
        assert_eq!(Cadence::every_minutes(0), cadence("every 1m"));
        assert_eq!(Cadence::every_minutes(1), cadence("every 60s"));
        assert_eq!(Cadence::every_minutes(1440), cadence("every 1d"));
        assert_eq!(Cadence::every_minutes(u32::MAX), cadence("every 4294967295s"));
    }

    #[test]
    fn an_interval_that_leads_out_of_time_has_no_next() {
        for text in ["every 1s", "daily 03:30", "cron * * * * *"] {
            assert_eq!(
                cadence(text).next_after(Timestamp::from_micros(i64::MAX)),
                None,
                "{text}"
            );
        }
    }

    fn any_cadence() -> impl Strategy<Value = Cadence> {
        let every = "every [1-9][0-9]{0,3}[smhd]";
        let times = vec("([01]?[0-9]|2[0-3]):[0-5][0-9]", 1..5);
        let daily = times.prop_map(|times| format!("daily {}", times.join(",")));
        let minute = r"(\*|\*/[1-9]|[0-5]?[0-9]|1?[0-9],[2-5][0-9])";
        let hour = r"(\*|\*/[1-9]|1?[0-9]|[0-9]-1[0-9])";
        let date = r"(\* \*|[1-9] \*|1[0-9] [1-9]|29 2|L \*|\* feb,oct|31 mar-may|15W \*)";
        let weekday = r"(\*|sun|mon-fri|[0-7]|5L|tue#2)";
        let cron = format!("cron {minute} {hour} {date} {weekday}");
        let text = prop_oneof![every, daily, proptest::string::string_regex(&cron).unwrap()];
        text.prop_map(|text| cadence(&text))
    }

    fn any_timestamp() -> impl Strategy<Value = Timestamp> {
        let years = at("1950-01-01T00:00:00Z").as_micros()..at("2150-01-01T00:00:00Z").as_micros();
        // Half of them are whole minutes, which is where the boundaries are.
        (years, any::<bool>()).prop_map(|(micros, whole)| match whole {
            true => Timestamp::from_micros(micros - micros.rem_euclid(MINUTE)),
            false => Timestamp::from_micros(micros),
        })
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_again(cadence in any_cadence()) {
            let displayed = cadence.to_string();
            let read: Cadence = displayed.parse().unwrap();
            prop_assert_eq!(read.to_string(), displayed);
            prop_assert_eq!(read, cadence);
        }

        #[test]
        fn the_next_moment_is_the_first_that_is_due(cadence in any_cadence(), last in any_timestamp()) {
            let next = cadence.next_after(last).unwrap();
            prop_assert!(next > last);
            prop_assert!(cadence.is_due(Some(last), next));
            prop_assert!(!cadence.is_due(Some(last), later(next, -1)));
            prop_assert!(!cadence.is_due(Some(last), last));
        }

        #[test]
        fn due_moments_keep_the_shortest_interval(cadence in any_cadence(), last in any_timestamp()) {
            let first = cadence.next_after(last).unwrap();
            let second = cadence.next_after(first).unwrap();
            let distance = second.as_micros().abs_diff(first.as_micros());
            prop_assert!(Duration::from_micros(distance) >= cadence.shortest_interval());
        }

        #[test]
        fn a_step_back_within_the_cadence_repeats_nothing(
            cadence in any_cadence(),
            last in any_timestamp(),
            share in 0.0..1.0,
        ) {
            let back = cadence.shortest_interval().mul_f64(share).as_micros().saturating_sub(1);
            let now = later(last, -i64::try_from(back).unwrap());
            prop_assert!(!cadence.is_due(Some(last), now));
        }

        #[test]
        fn no_times_make_it_panic(cadence in any_cadence(), last: i64, now: i64) {
            let (last, now) = (Timestamp::from_micros(last), Timestamp::from_micros(now));
            prop_assert!(cadence.next_after(last).is_none_or(|next| next > last));
            prop_assert!(!(cadence.is_due(Some(last), now) && cadence.is_due(Some(now), now)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(every |daily |cron )?[0-9a-zA-Z*/,:#+?@\u{df} -]{0,24}") {
            if let Ok(cadence) = text.parse::<Cadence>() {
                prop_assert_eq!(cadence.to_string().parse::<Cadence>().unwrap(), cadence);
            }
        }

        #[test]
        fn no_pattern_makes_it_panic(fields in vec("[0-9*/,LW#+?-]{1,5}", 5)) {
            if let Ok(cadence) = format!("cron {}", fields.join(" ")).parse::<Cadence>() {
                prop_assert_eq!(cadence.to_string().parse::<Cadence>().unwrap(), cadence);
            }
        }
    }
}
