//! The values of a report as people read them.

use jiff::{SignedDuration, civil::DateTime, fmt::friendly::SpanPrinter, tz::TimeZone};
use serde_json::{Value, value::RawValue};
use session_plugin_api::Unit;

use super::result::{ReportResult, value};
use crate::{
    amounts::{decimal, dollars},
    printable::Printable,
};

/// A cell without the number that its column has in other rows.
pub const NO_NUMBER: &str = "-";

/// The texts of a table.
pub struct Cells {
    /// The label of each column.
    pub labels: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
    /// The sums, if a column has one.
    pub totals: Option<Vec<String>>,
}

/// How the values of a column are written.
struct Writing<'a> {
    unit: Unit,
    zone: &'a TimeZone,
    /// The decimals of a sum of money.
    decimals: usize,
}

impl Cells {
    /// The texts of an answer.
    #[must_use]
    pub fn of(result: &ReportResult) -> Self {
        let zone = result.zone();
        let writings: Vec<Writing<'_>> = (0..result.columns.len())
            .map(|place| Writing {
                unit: result.columns[place].unit,
                zone: &zone,
                decimals: decimals(result.rows.iter().filter_map(|row| value(row, place))),
            })
            .collect();
        let rows = result.rows.iter().map(|row| {
            let cells = writings.iter().zip(row);
            cells.map(|(writing, value)| writing.text(value)).collect()
        });
        Self {
            labels: result.columns.iter().map(|column| shown(&column.label)).collect(),
            rows: rows.collect(),
            totals: totals(result, &writings),
        }
    }
}

/// The sums; the first column says what they are, if it has none itself.
fn totals(result: &ReportResult, writings: &[Writing<'_>]) -> Option<Vec<String>> {
    result.totals.iter().any(Option::is_some).then(|| {
        let sums = writings.iter().zip(&result.totals).enumerate();
        sums.map(|(place, (writing, total))| match total {
            Some(total) => writing.text(total),
            None if place == 0 => "Total".to_owned(),
            None => String::new(),
        })
        .collect()
    })
}

/// Cents, or hundredths of a cent where all sums are less than a dollar.
fn decimals(values: impl Iterator<Item = f64>) -> usize {
    match values.map(f64::abs).fold(0.0, f64::max) {
        largest if largest > 0.0 && largest < 1.0 => 4,
        _ => 2,
    }
}

impl Writing<'_> {
    fn text(&self, value: &RawValue) -> String {
        let parsed = serde_json::from_str(value.get()).unwrap_or(Value::Null);
        match (self.unit, parsed) {
            (unit, Value::Null) if unit.is_numeric() => NO_NUMBER.to_owned(),
            (_, Value::Null) => String::new(),
            (Unit::Time, Value::String(time)) => self.local(&time).unwrap_or_else(|| shown(&time)),
            (unit, Value::Number(number)) if unit.is_numeric() => self.amount(number.as_f64().unwrap_or(f64::NAN)),
            (_, Value::String(text)) => shown(&text),
            (_, other) => shown(&other.to_string()),
        }
    }

    fn amount(&self, number: f64) -> String {
        match self.unit {
            Unit::Usd => dollars(number, self.decimals),
            Unit::Percent => format!("{number:.1} %"),
            Unit::Seconds => clock(number),
            _ => decimal(number, 0),
        }
    }

    /// A time of the state, which is in UTC, as the time zone's clock shows it.
    fn local(&self, text: &str) -> Option<String> {
        let utc: DateTime = text.parse().ok()?;
        let time = utc
            .to_zoned_datetime(TimeZone::UTC)
            .ok()?
            .with_time_zone(self.zone.clone());
        Some(time.strftime("%Y-%m-%d %H:%M").to_string())
    }
}

fn shown(text: &str) -> String {
    Printable(text).to_string()
}

/// Hours, minutes and seconds.
fn clock(seconds: f64) -> String {
    let duration = SignedDuration::try_from_secs_f64(seconds.round()).unwrap_or_default();
    SpanPrinter::new()
        .hours_minutes_seconds(true)
        .duration_to_string(&duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(unit: Unit, zone: &str, json: &str) -> String {
        let writing = Writing {
            unit,
            zone: &TimeZone::get(zone).unwrap(),
            decimals: 2,
        };
        writing.text(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn values_are_written_by_their_units() {
        for (unit, json, expected) in [
            (Unit::Tokens, "1234567", "1,234,567"),
            (Unit::Tokens, "251196.5", "251,196"),
            (Unit::Usd, "1234.5", "$1,234.50"),
            (Unit::Usd, "-0.5", "-$0.50"),
            (Unit::Usd, "null", "-"),
            (Unit::Percent, "8.99", "9.0 %"),
            (Unit::Seconds, "3725", "01:02:05"),
            (Unit::Text, "\"a\\nb\"", "a\\nb"),
            (Unit::Text, "null", ""),
            (Unit::Text, "[1,2]", "[1,2]"),
            (Unit::Time, "\"2026-03-29 00:59:00\"", "2026-03-29 01:59"),
            (Unit::Time, "\"2026-03-29 01:00:00.5\"", "2026-03-29 03:00"),
        ] {
            assert_eq!(text(unit, "Europe/Prague", json), expected, "{unit:?} {json}");
        }
    }

    #[test]
    fn small_sums_of_money_keep_their_digits() {
        assert_eq!(decimals([0.0123, 0.5].into_iter()), 4);
        assert_eq!(decimals([0.0123, 1.5].into_iter()), 2);
        assert_eq!(decimals([0.0].into_iter()), 2);
    }
}
