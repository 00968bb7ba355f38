//! Compares the host's JSON with DuckDB's own `to_json`.

use std::{path::Path, sync::LazyLock};

use duckdb::arrow::array::Array as _;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::state::engine::instance::{Access, Engine, Link};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let engine = Engine::open(Path::new(":memory:"), Access::ReadWrite, &[]).unwrap();
    let zone = "SET GLOBAL TimeZone = 'UTC'";
    engine.connect().unwrap().execute_batch(zone).unwrap();
    engine
});

fn link() -> Link {
    ENGINE.connect().unwrap()
}

/// The JSON of an expression, written by the host.
fn ours(link: &Link, expression: &str) -> Result<String, NotInJson> {
    let mut statement = link.prepare(&format!("SELECT {expression} AS x")).unwrap();
    drop(statement.stream_arrow([]).unwrap());
    let batch = statement.step().unwrap().unwrap();
    assert_eq!(batch.len(), 1);
    value(batch.column(0), 0).map(|value| value.get().to_owned())
}

/// The JSON of an expression, written by DuckDB.
fn theirs(link: &Link, expression: &str) -> String {
    let sql = format!("SELECT coalesce(to_json({expression})::VARCHAR, 'null')");
    link.query_row(&sql, [], |row| row.get(0)).unwrap()
}

fn read(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error} in {json}"))
}

#[test]
fn values_are_written_as_duckdb_writes_them() {
    let link = link();
    for expression in [
        "NULL",
        "true",
        "1::TINYINT",
        "-32000::SMALLINT",
        "1::INTEGER",
        "18446744073709551615::UBIGINT",
        "1.0::DOUBLE",
        "0.1::DOUBLE",
        "1.5::FLOAT",
        "'\u{e9}\n\"'",
        "'a'::ENUM('b', 'a')",
        "uuid '00000000-0000-0000-0000-000000000001'",
        "'\\xAA\\x00a\"b'::BLOB",
        "DATE '2026-01-02'",
        "TIMESTAMP '2026-01-02 03:04:05'",
        "TIMESTAMP '2026-01-02 03:04:05.5'",
        "TIMESTAMP '2026-01-02 03:04:00'",
        "TIMESTAMP_NS '2026-01-02 03:04:05.123456789'",
        "TIMESTAMP_S '2026-01-02 03:04:05'",
        "TIMESTAMPTZ '2026-01-02 03:04:05.123456+02'",
        "TIME '03:04:05.5'",
        "INTERVAL '14 months 3 days 04:05:06.5'",
        "INTERVAL '-1 second'",
        "INTERVAL '0 days'",
        "INTERVAL '-13 months -1 days'",
        "[1, NULL, 2]",
        "[]",
        "[1, 2]::INTEGER[2]",
        "[TIMESTAMP '2026-01-02']",
        "{'a': 1, 'b': [1, NULL], 'c': {'d': 'x'}}",
        "MAP {'a': 1, 'b\"': 2}",
        "MAP {1: 'x'}",
        "'{\"a\":1}'::JSON::VARCHAR",
    ] {
        let written = ours(&link, expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert_eq!(read(&written), read(&theirs(&link, expression)), "{expression}");
    }
}

#[test]
fn types_that_would_be_written_wrongly_are_refused() {
    let link = link();
    for expression in [
        "1::UHUGEINT",
        "'12:00:00+05'::TIMETZ",
        "'101'::BIT",
        "1::BIGNUM",
        "union_value(k := 1)",
        "[{'a': '101'::BIT}]",
        "MAP {'a': 1::UHUGEINT}",
    ] {
        let mut statement = link.prepare(&format!("SELECT {expression} AS x")).unwrap();
        drop(statement.stream_arrow([]).unwrap());
        assert!(check_type(&statement.column_logical_type(0)).is_err(), "{expression}");
    }
}

#[test]
fn large_and_exact_numbers_keep_their_digits() {
    let link = link();
    for (expression, expected) in [
        (
            "170141183460469231731687303715884105727::HUGEINT",
            "170141183460469231731687303715884105727",
        ),
        ("1.50::DECIMAL(4, 2)", "1.50"),
        ("-0.05::DECIMAL(18, 2)", "-0.05"),
        ("100::DECIMAL(10, 0)", "100"),
        ("9007199254740993::BIGINT", "9007199254740993"),
    ] {
        assert_eq!(ours(&link, expression).unwrap(), expected, "{expression}");
    }
}

#[test]
fn values_that_json_cannot_express_are_refused() {
    let link = link();
    for expression in [
        "'nan'::DOUBLE",
        "DATE '10000-01-01'",
        "DATE '0001-01-01 (BC)'",
        "'infinity'::TIMESTAMP",
        "'infinity'::DOUBLE",
        "[1.0, '-infinity'::FLOAT]",
        "{'a': 'nan'::FLOAT}",
    ] {
        assert!(ours(&link, expression).is_err(), "{expression}");
    }
}

proptest! {
    #[test]
    fn any_text_and_any_moment_survive_the_conversion(text in "\\PC{0,20}", micros in -60_000_000_000_000_000_i64..250_000_000_000_000_000) {
        let link = link();
        let quoted = format!("'{}'", text.replace('\'', "''"));
        prop_assert_eq!(read(&ours(&link, &quoted).unwrap()), Value::from(text));
        let moment = format!("make_timestamp({micros}::BIGINT)");
        prop_assert_eq!(read(&ours(&link, &moment).unwrap()), read(&theirs(&link, &moment)));
    }
}
