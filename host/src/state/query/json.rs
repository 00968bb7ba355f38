//! Writes the values of a query's result as JSON, in the form of DuckDB's own `to_json`.

use std::sync::Arc;

use duckdb::arrow::{
    array::{Array, ArrayRef, AsArray, MapArray, StructArray, TimestampMicrosecondArray},
    datatypes::{
        ArrowPrimitiveType, DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, IntervalMonthDayNanoType, IntervalUnit, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
        UInt64Type,
    },
    util::display::{ArrayFormatter, FormatOptions},
};
use duckdb::core::{LogicalTypeHandle, LogicalTypeId};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// A value that JSON cannot express, such as NaN.
#[derive(Debug, thiserror::Error)]
#[error("it has a value that JSON cannot express, such as NaN or infinity: cast it to VARCHAR")]
pub(crate) struct NotInJson;

/// Rejects a type whose values Arrow and DuckDB write differently; the error is its name.
///
/// # Errors
/// When it, or a part of it, is such a type.
pub(crate) fn check_type(of_column: &LogicalTypeHandle) -> Result<(), String> {
    use LogicalTypeId::{
        Array, Bignum, Bit, Geometry, List, Map, Struct, TimeTZ, UHugeint, Union, Unsupported, Variant,
    };
    match of_column.id() {
        Bignum | Bit | Geometry | TimeTZ | UHugeint | Union | Unsupported | Variant => Err(format!("{of_column:?}")),
        Array | List | Map | Struct => {
            (0..of_column.num_children()).try_for_each(|part| check_type(&of_column.child(part)))
        }
        _ => Ok(()),
    }
}

type Written = Result<Box<RawValue>, NotInJson>;

/// The value of a column in a row.
///
/// # Errors
/// When JSON cannot express the value.
pub(crate) fn value(column: &ArrayRef, row: usize) -> Written {
    if column.is_null(row) || *column.data_type() == DataType::Null {
        return written(&());
    }
    match column.data_type() {
        DataType::Boolean => written(&column.as_boolean().value(row)),
        DataType::Int8 => number::<Int8Type>(column, row),
        DataType::Int16 => number::<Int16Type>(column, row),
        DataType::Int32 => number::<Int32Type>(column, row),
        DataType::Int64 => number::<Int64Type>(column, row),
        DataType::UInt8 => number::<UInt8Type>(column, row),
        DataType::UInt16 => number::<UInt16Type>(column, row),
        DataType::UInt32 => number::<UInt32Type>(column, row),
        DataType::UInt64 => number::<UInt64Type>(column, row),
        DataType::Float32 => finite(column.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => finite(column.as_primitive::<Float64Type>().value(row)),
        // HUGEINT has one digit more than Arrow's own text of it.
        DataType::Decimal128(_, 0) => raw(column.as_primitive::<Decimal128Type>().value(row).to_string()),
        DataType::Decimal128(..) => raw(text(column, row)?),
        DataType::Utf8 => written(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => written(column.as_string::<i64>().value(row)),
        DataType::Utf8View => written(column.as_string_view().value(row)),
        DataType::Binary => blob(column.as_binary::<i32>().value(row)),
        DataType::LargeBinary => blob(column.as_binary::<i64>().value(row)),
        DataType::BinaryView => blob(column.as_binary_view().value(row)),
        DataType::List(_) => list(&column.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(&column.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(&column.as_fixed_size_list().value(row)),
        DataType::Struct(_) => structure(column.as_struct(), row),
        DataType::Map(..) => map(column.as_map(), row),
        DataType::Dictionary(..) => {
            let dictionary = column.as_any_dictionary();
            let key = dictionary.normalized_keys().get(row).copied().ok_or(NotInJson)?;
            value(dictionary.values(), key)
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let interval = column.as_primitive::<IntervalMonthDayNanoType>().value(row);
            written(&interval_text(interval.months, interval.days, interval.nanoseconds))
        }
        DataType::Timestamp(_, Some(_)) => moment(column.as_primitive::<TimestampMicrosecondType>().value(row)),
        DataType::Timestamp(_, None) => written(without_zeros(of_our_era(&text(column, row)?)?)),
        DataType::Date32 => written(of_our_era(&text(column, row)?)?),
        DataType::Time64(_) | DataType::Time32(_) => written(without_zeros(&text(column, row)?)),
        _ => written(&text(column, row)?),
    }
}

fn written<T: Serialize + ?Sized>(value: &T) -> Written {
    to_raw_value(value).map_err(|_| NotInJson)
}

fn number<T: ArrowPrimitiveType<Native: Serialize>>(column: &ArrayRef, row: usize) -> Written {
    written(&column.as_primitive::<T>().value(row))
}

fn finite<T: Serialize + Copy + Into<f64>>(value: T) -> Written {
    match value.into().is_finite() {
        true => written(&value),
        false => Err(NotInJson),
    }
}

fn raw(json: String) -> Written {
    RawValue::from_string(json).map_err(|_| NotInJson)
}

/// A value in Arrow's text form, which is DuckDB's except for the cases that the callers correct.
fn text(column: &ArrayRef, row: usize) -> Result<String, NotInJson> {
    let options = FormatOptions::new()
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_time_format(Some("%H:%M:%S%.f"));
    let formatter = ArrayFormatter::try_new(column.as_ref(), &options).map_err(|_| NotInJson)?;
    formatter.value(row).try_to_string().map_err(|_| NotInJson)
}

/// Bytes as text: a byte that is not a plain letter becomes `\xNN`.
fn blob(bytes: &[u8]) -> Written {
    let letter = |byte: &u8| match byte {
        b'"' | b'\'' | b'\\' => format!("\\x{byte:02X}"),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02X}"),
    };
    written(&bytes.iter().map(letter).collect::<String>())
}

fn list(elements: &ArrayRef) -> Written {
    let values: Result<Vec<Box<RawValue>>, NotInJson> = (0..elements.len()).map(|row| value(elements, row)).collect();
    written(&values?)
}

fn structure(column: &StructArray, row: usize) -> Written {
    let members = column.column_names().into_iter().zip(column.columns());
    let members = members.map(|(name, column)| Ok((name.to_owned(), value(column, row)?)));
    object(members)
}

fn map(column: &MapArray, row: usize) -> Written {
    let entries = column.value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    let members = (0..entries.len()).map(|entry| Ok((key(&value(keys, entry)?), value(values, entry)?)));
    object(members)
}

/// A key of a map, which JSON only allows as text.
fn key(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

/// An object whose members keep their order, and their names even if two are the same.
fn object(members: impl Iterator<Item = Result<(String, Box<RawValue>), NotInJson>>) -> Written {
    let mut object = String::from("{");
    for (place, member) in members.enumerate() {
        let (name, value) = member?;
        if place > 0 {
            object.push(',');
        }
        object.push_str(written(name.as_str())?.get());
        object.push(':');
        object.push_str(value.get());
    }
    object.push('}');
    raw(object)
}

/// An interval as DuckDB writes it: `1 year 2 months 3 days 04:05:06.5`.
fn interval_text(months: i32, days: i32, nanoseconds: i64) -> String {
    let counted = |count: i32, unit: &str| match count {
        0 => None,
        1 | -1 => Some(format!("{count} {unit}")),
        _ => Some(format!("{count} {unit}s")),
    };
    let dates = [
        counted(months / 12, "year"),
        counted(months % 12, "month"),
        counted(days, "day"),
    ];
    let mut parts: Vec<String> = dates.into_iter().flatten().collect();
    if nanoseconds != 0 || parts.is_empty() {
        let sign = if nanoseconds < 0 { "-" } else { "" };
        let micros = nanoseconds.unsigned_abs() / 1000;
        let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let time = format!("{sign}{hours:02}:{minutes:02}:{:02}.{fraction:06}", seconds % 60);
        parts.push(without_zeros(&time).to_owned());
    }
    parts.join(" ")
}

/// A moment in UTC, the zone of all connections, because Arrow alone knows no zones by name.
fn moment(micros: i64) -> Written {
    let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from_value(micros, 1));
    written(&format!("{}+00", without_zeros(of_our_era(&text(&column, 0)?)?)))
}

/// A date of the years 1 to 9999. Arrow writes earlier and later ones differently from DuckDB.
fn of_our_era(date: &str) -> Result<&str, NotInJson> {
    let is_of_our_era = date.starts_with(|first: char| first.is_ascii_digit()) && !date.starts_with("0000");
    is_of_our_era.then_some(date).ok_or(NotInJson)
}

/// A time without the zeros at the end of its fraction.
fn without_zeros(time: &str) -> &str {
    match time.contains('.') {
        true => time.trim_end_matches('0').trim_end_matches('.'),
        false => time,
    }
}

#[cfg(test)]
mod tests;
