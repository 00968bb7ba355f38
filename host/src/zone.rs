//! Time zones: where the days of a report begin.

use std::{fmt, str::FromStr};

use jiff::tz::{TimeZone, db};
use serde::{Deserialize, Serialize};
use session_plugin_api::Timestamp;

use crate::similar::similar;

/// A time zone with a name of the IANA database, such as `Europe/Prague`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

/// A text that is not the name of a time zone.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` is no time zone: {remedy}")]
pub struct UnknownZone {
    name: String,
    remedy: String,
}

/// From when on a time zone has which offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UtcOffset {
    /// When it begins.
    pub from: Timestamp,
    /// Seconds east of UTC.
    pub seconds: i32,
}

impl Zone {
    /// The time zone of the machine, or UTC if the machine does not name one.
    #[must_use]
    pub fn of_the_machine() -> Self {
        let machine = TimeZone::try_system().ok();
        machine.and_then(Self::named).unwrap_or_else(Self::utc)
    }

    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            rules: TimeZone::UTC,
        }
    }

    fn named(rules: TimeZone) -> Option<Self> {
        let name = rules.iana_name()?.to_owned();
        Some(Self { name, rules })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &TimeZone {
        &self.rules
    }

    /// The offsets from 1970 to 2099, in order. The first one also covers everything before it.
    #[must_use]
    pub fn offsets(&self) -> Vec<UtcOffset> {
        /// 2100-01-01.
        const END: i64 = 4_102_444_800;
        let epoch = jiff::Timestamp::UNIX_EPOCH;
        let mut offsets = vec![UtcOffset {
            from: BEGINNING_OF_TIME,
            seconds: self.rules.to_offset(epoch).seconds(),
        }];
        let changes = self.rules.following(epoch);
        for change in changes.take_while(|change| change.timestamp().as_second() < END) {
            let seconds = change.offset().seconds();
            // Some changes are only of the abbreviation.
            if offsets.last().is_some_and(|last| last.seconds != seconds) {
                let from = Timestamp::from_micros(change.timestamp().as_microsecond());
                offsets.push(UtcOffset { from, seconds });
            }
        }
        offsets
    }
}

/// 0001-01-01T00:00:00Z.
const BEGINNING_OF_TIME: Timestamp = Timestamp::from_micros(-62_135_596_800_000_000);

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        let known = TimeZone::get(text).ok().and_then(Self::named);
        known.ok_or_else(|| UnknownZone {
            name: text.to_owned(),
            remedy: remedy(text),
        })
    }
}

fn remedy(text: &str) -> String {
    let known: Vec<String> = db().available().map(|name| name.to_string()).collect();
    match similar(text, known.iter().map(String::as_str)).as_slice() {
        [] => "write an IANA name such as Europe/Prague, or UTC".to_owned(),
        near => format!("did you mean {}?", near.join(" or ")),
    }
}

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(text: String) -> Result<Self, UnknownZone> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    /// The offset at a time, as the table of offsets gives it.
    fn offset(name: &str, time: &str) -> i32 {
        let time = Timestamp::parse(time).unwrap();
        let offsets = zone(name).offsets();
        let before = offsets.iter().take_while(|offset| offset.from <= time);
        before.last().unwrap().seconds
    }

    #[test]
    fn the_offsets_change_when_the_clocks_do() {
        assert_eq!(offset("America/New_York", "2026-03-08T06:59:59Z"), -5 * 3600);
        assert_eq!(offset("America/New_York", "2026-03-08T07:00:00Z"), -4 * 3600);
        assert_eq!(offset("America/New_York", "2026-11-01T06:00:00Z"), -5 * 3600);
        assert_eq!(offset("Europe/Prague", "2026-03-29T00:59:59Z"), 3600);
        assert_eq!(offset("Europe/Prague", "2026-03-29T01:00:00Z"), 7200);
        assert_eq!(offset("Europe/Prague", "2098-07-01T00:00:00Z"), 7200);
        assert_eq!(offset("Australia/Lord_Howe", "2026-04-04T14:59:59Z"), 11 * 3600);
        assert_eq!(offset("Australia/Lord_Howe", "2026-04-04T15:00:00Z"), 10 * 3600 + 1800);
        assert_eq!(offset("Europe/Prague", "1950-01-01T00:00:00Z"), 3600);
        assert_eq!(zone("UTC").offsets().len(), 1);
    }

    #[test]
    fn a_name_is_read_in_any_case() {
        assert_eq!(zone("europe/prague").name(), "Europe/Prague");
        assert_eq!(zone("utc").name(), "UTC");
    }

    #[test]
    fn an_unknown_zone_has_a_remedy() {
        let error = |name: &str| name.parse::<Zone>().unwrap_err().to_string();
        assert_eq!(
            error("Europe/Pragu"),
            "`Europe/Pragu` is no time zone: did you mean Europe/Prague?"
        );
        assert_eq!(
            error("+02:00"),
            "`+02:00` is no time zone: write an IANA name such as Europe/Prague, or UTC"
        );
    }
}
