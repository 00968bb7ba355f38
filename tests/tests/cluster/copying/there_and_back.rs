//! A state is copied to PostgreSQL and back, and is the same everywhere.

use super::scene::{PLUGINS, Scene, contents, rows};

/// Tables of every type that PostgreSQL takes, which no processor owns, with the values at their limits.
const ODD: &str = r#"
    CREATE TABLE odd_numbers (
        tiny TINYINT, utiny UTINYINT, small SMALLINT, usmall USMALLINT, whole INTEGER, uwhole UINTEGER, big BIGINT,
        ubig UBIGINT, huge HUGEINT, uhuge UHUGEINT, price DECIMAL(10, 3), wide DECIMAL(38, 10), short FLOAT,
        double DOUBLE, flag BOOLEAN DEFAULT true);
    INSERT INTO odd_numbers VALUES
        (127, 255, 32767, 65535, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615,
         99999999999999999999999999999999999999, 340282366920938463463374607431768211455, 1234567.891,
         1234567890123456789012345678.0123456789, 'nan', 'nan', true),
        (-128, 0, -32768, 0, -2147483648, 0, -9223372036854775808, 0, -99999999999999999999999999999999999999, 0, -0.001,
         -1, '-inf', '-0.0', false);
    INSERT INTO odd_numbers (flag) VALUES (NULL), (NULL);
    CREATE TABLE odd_values (
        id INTEGER PRIMARY KEY, json JSON, bytes BLOB, moment TIMESTAMP, day DATE, clock TIME, zoned TIMESTAMPTZ, uuid UUID,
        long INTERVAL, milli TIMESTAMP_MS, second TIMESTAMP_S, list INTEGER[], texts VARCHAR[], map MAP(VARCHAR, INTEGER),
        bits BIT, "odd ""name" VARCHAR DEFAULT 'it''s', CHECK (id > 0));
    INSERT INTO odd_values VALUES
        (1, '{"a":  "\u0000", "z":1,"a":2}', '\x00\xff'::BLOB, '2026-01-01 00:00:00.123456', '0001-01-01',
         '23:59:59.999999', '2026-01-01 00:00:00+00', '00000000-0000-0000-0000-00000000000f',
         INTERVAL '3 months 2 days 4 microseconds', '2026-01-01 00:00:00.123', '2026-01-01', [1, NULL], ['a', 'b"', NULL, '', 'NULL'],
         MAP {'a': 1, 'b=,}': 2, '': 3}, '1010', E'€ \\ \n\t " '' , 😀'),
        (2, 'null', ''::BLOB, 'infinity', 'infinity', '00:00', '-infinity', NULL, INTERVAL '-1 year', '1969-01-01',
         '1900-01-01', [], [], MAP {}, '0', ''),
        (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE odd_references (id INTEGER REFERENCES odd_values (id));
    INSERT INTO odd_references VALUES (1), (3), (3);
    CREATE INDEX odd_index ON odd_numbers (whole);
    DELETE FROM odd_references WHERE id = 1;
    CREATE MACRO odd_plus(a, b := 5) AS a + b;
    CREATE MACRO odd_range(n) AS TABLE SELECT * FROM range(n);
    CREATE VIEW odd_view AS SELECT odd_plus(id) AS x, map FROM odd_values;
"#;

/// The reports that are compared.
const REPORTS: [&str; 2] = ["usage.activity", "usage.marketplace"];

/// The tables whose texts PostgreSQL cannot hold.
const WITH_ZERO_BYTES: [&str; 3] = ["kinds", "kinds_executed", "kinds_queried"];

#[test]
fn a_copy_of_a_copy_is_the_same_and_nothing_is_processed_again() {
    let scene = Scene::new(&PLUGINS);
    scene.world.change_state(ODD);
    let reported = REPORTS.map(|report| scene.report(report, &scene.file()));

    let there = scene.copy(&scene.file(), &scene.url()).exits(0);
    there.tells("kinds: PostgreSQL stores no zero bytes; the copy has U+FFFD in their place, in texts: 5");
    there.tells("odd_numbers: compared");
    assert!(there.stdout.contains("equal"), "{}", there.stdout);
    let back = scene.copy(&scene.url(), &scene.back()).exits(0);
    assert!(!back.stderr.contains("zero bytes"), "{}", back.stderr);

    let mut before = contents(&scene.file());
    let mut after = contents(&scene.back());
    for table in WITH_ZERO_BYTES {
        assert_ne!(before.remove(table), after.remove(table), "{table}");
    }
    assert_eq!(before, after);
    for table in WITH_ZERO_BYTES {
        let of = |text: &str| format!("SELECT * REPLACE ({text} AS text) FROM {table} ORDER BY ALL");
        let with_others = rows(&scene.file(), &of("replace(text, chr(0), chr(65533))"));
        assert_eq!(with_others, rows(&scene.back(), &of("text")));
    }
    for state in [scene.url(), scene.back(), scene.file()] {
        scene.finds_nothing_to_do(&state);
        assert_eq!(REPORTS.map(|report| scene.report(report, &state)), reported);
    }
}

#[test]
fn hosts_go_on_with_a_copy() {
    let scene = Scene::new(&["probe", "viewed"]);
    drop(scene.copy(&scene.file(), &scene.url()).exits(0));
    scene.world.write("chen/new.jsonl", r#"{"do":"rows","count":3}"#);
    let ran = scene.world.run(&["--state", &scene.url()]).exits(0);
    assert_eq!(ran.result_of("probe").processed, 1);
    assert_eq!(ran.result_of("viewed").processed, 1);
    // The audit log names her.
    let reprocess = ["reprocess", "probe", "--user", "dora", "--state", &scene.url()];
    drop(scene.world.host(&reprocess).exits(0));
    std::fs::remove_file(scene.world.sessions().join("dora/probe.jsonl")).unwrap();
    drop(scene.world.host(&["forget", "dora", "--state", &scene.url()]).exits(0));
    drop(scene.copy(&scene.url(), &scene.back()).exits(0));
    scene.world.write("chen/newer.jsonl", r#"{"do":"rows","count":2}"#);
    let ran = scene.world.run(&["--state", &scene.back()]).exits(0);
    assert_eq!(ran.result_of("probe").processed, 1);
    let chen = "SELECT sessions FROM viewed WHERE username = 'chen'";
    assert_eq!(rows(&scene.back(), chen), rows(&scene.back(), "SELECT 2::BIGINT"));
    let indexed = "SELECT count(*) FROM pg_indexes WHERE tablename = 'probe_rows' AND indexdef LIKE '%session_file%'";
    assert_eq!(scene.database.sql(indexed), "1");
}
