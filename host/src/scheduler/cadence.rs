//! How often a processor is due.

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt, num::NonZeroU32, str::FromStr, time::Duration};

use session_plugin_api::Timestamp;

use super::cron::{Cron, InvalidCron};

/// How often a processor is due: after an interval, at times of the day or by a cron pattern, all in UTC.
///
/// Its text is `every 15m` (`s`, `m`, `h` or `d`), `daily 03:30, 15:00` or `cron 0 3 * * mon`. Case and white space do not
/// matter. `Display` writes one canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cadence(Rhythm);

/// A text that is not a [`Cadence`].
#[derive(Debug, thiserror::Error)]
#[error("`{written}` is not a valid schedule: {problem}; write for example `{}`", problem.example())]
pub struct InvalidCadence {
    /// What was written.
    pub written: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a text that is not a [`Cadence`].
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It starts with none of the three words.
    #[error("it must start with `every`, `daily` or `cron`")]
    UnknownForm,
    /// `every` has no number and unit after it.
    #[error("`every` needs a whole number and a unit: s, m, h or d")]
    NoInterval,
    /// An interval of zero.
    #[error("the interval must not be zero")]
    ZeroInterval,
    /// An interval of more seconds than 32 bits hold, which is 136 years.
    #[error("the interval must not exceed 49710d")]
    TooLong,
    /// `daily` has no valid times of day after it.
    #[error("`daily` needs times from 00:00 to 23:59, separated by commas")]
    NoTimesOfDay,
    /// `cron` has no valid pattern after it.
    #[error(transparent)]
    Cron(#[from] InvalidCron),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rhythm {
    /// This many seconds after the last run.
    Every(NonZeroU32),
    /// At these times of every day; there is at least one.
    Daily(BTreeSet<TimeOfDay>),
    Cron(Cron),
}

/// Minutes since midnight, less than a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TimeOfDay(u16);

/// The units of an interval with their seconds, the longest first.
const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// Microseconds of a minute.
const MINUTE: i64 = 60 * SECOND;

/// Microseconds of a day: in UTC timestamps, all days are equally long.
const DAY: i64 = 24 * 60 * MINUTE;

impl Cadence {
    /// The cadence of this many minutes. Zero counts as one minute, and more than 136 years as 136 years.
    #[must_use]
    pub fn every_minutes(minutes: u32) -> Self {
        let seconds = NonZeroU32::new(minutes.max(1).saturating_mul(60));
        Self(Rhythm::Every(seconds.unwrap_or(NonZeroU32::MIN)))
    }

    /// The first moment strictly after `last` at which a processor that ran at `last` is due; `None` if no [`Timestamp`] can
    /// hold it or, for a cron pattern, if there is none before the year 5000.
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

    /// Whether a processor that last ran at `last_run` is due at `now`. A processor that never ran is due. A processor that
    /// missed several moments because the host was down is due once.
    ///
    /// If the last run lies in the future, the clock was set back. If by less than one cadence, the processor waits until
    /// the clock has caught up, so that nothing runs twice. If by more, the processor is due: a clock that was once years
    /// ahead must not keep it from running for years.
    #[must_use]
    pub fn is_due(&self, last_run: Option<Timestamp>, now: Timestamp) -> bool {
        match last_run {
            None => true,
            Some(last_run) if last_run <= now => self.next_after(last_run).is_some_and(|next| next <= now),
            Some(last_run) => self.is_a_cadence_ahead(last_run, now),
        }
    }

    /// The shortest time between two due moments, or a lower bound: a minute for cron.
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

    /// Whether `last_run` is later than `now` by at least the distance between the next two due moments, and the first of
    /// these is no later than `last_run`.
    ///
    /// The second condition alone does not suffice: a clock set back by seconds just after 03:30 passes 03:30 twice.
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
    /// A cadence that the writer may have meant.
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
    // A text of digits alone can only fail to parse because it is too large.
    let count = count.parse::<u32>().map_err(|_| Problem::TooLong)?;
    let seconds = count.checked_mul(size).ok_or(Problem::TooLong)?;
    NonZeroU32::new(seconds).ok_or(Problem::ZeroInterval)
}

/// Whether the text consists of digits alone: Rust would also accept a sign.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The times of two days in order, in microseconds since the first midnight.
fn today_and_tomorrow(times: &BTreeSet<TimeOfDay>) -> impl Iterator<Item = i64> {
    let days = [0, DAY].into_iter();
    days.flat_map(|midnight| times.iter().map(move |time| midnight + i64::from(time.0) * MINUTE))
}
