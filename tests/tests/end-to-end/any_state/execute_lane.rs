//! Statements given to `execute` and `query`: one transaction an attempt, which is the host's to end.

use serde_json::{Value, json};
use session_host_tests::World;

use crate::script::{counts, execute, failed, processed, script};

const INSERT: &str = "INSERT INTO probe_totals VALUES ('k', 1)";
const COUNT_UP: &str = "INSERT INTO probe_totals VALUES ('k', 1) ON CONFLICT (key) DO UPDATE SET n = n + 1";

/// The message that a session of these steps fails with; checks that nothing of it is kept.
fn failure_of(steps: &[Value]) -> String {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", script(steps));
    let ran = world.run(&["probe"]).exits(1);
    assert_eq!(counts(&ran), failed(1));
    for table in ["probe_rows", "probe_totals", "session_processor_state"] {
        assert_eq!(world.count(table), 0, "{table}");
    }
    ran.result().errors_detail[0].error.clone()
}

#[test]
fn what_is_executed_is_committed_with_the_rows_and_the_state() {
    let world = World::with(&["probe"]);
    world.write(
        "alice/a.jsonl",
        script(&[execute(INSERT), json!({"do": "rows", "count": 2})]),
    );
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    assert_eq!(world.rows("SELECT * FROM probe_totals"), [json!({"key": "k", "n": 1})]);
    assert_eq!(
        (world.count("probe_rows"), world.count("session_processor_state")),
        (2, 1)
    );
}

#[test]
fn an_attempt_sees_its_own_earlier_writes() {
    let world = World::with(&["probe"]);
    let steps = [
        execute(INSERT),
        execute("UPDATE probe_totals SET n = n + 40"),
        json!({"do": "query", "sql": "SELECT n + 1 FROM probe_totals"}),
    ];
    world.write("alice/a.jsonl", script(&steps));
    drop(world.run(&["probe"]).exits(0));
    assert_eq!(world.rows("SELECT n FROM probe_rows"), [json!({"n": 42})]);
}

#[test]
fn an_error_rolls_the_statements_back() {
    assert_eq!(
        failure_of(&[execute(INSERT), json!({"do": "error", "message": "no"})]),
        "no"
    );
}

#[test]
fn a_panic_rolls_the_statements_back() {
    let message = failure_of(&[execute(INSERT), json!({"do": "panic", "payload": "str"})]);
    assert!(
        message.starts_with("panicked at ") && message.ends_with(": told to panic"),
        "{message}"
    );
}

#[test]
fn a_row_that_cannot_be_committed_rolls_the_statements_back() {
    let message = failure_of(&[execute(INSERT), json!({"do": "rows", "count": 1, "first": -1})]);
    // DuckDB's words, and PostgreSQL's.
    let told = ["CHECK constraint failed", "violates check constraint"];
    assert!(
        message.starts_with("cannot ") && told.iter().any(|told| message.contains(told)),
        "{message}"
    );
}

#[test]
fn a_failed_statement_fails_the_attempt_even_if_its_error_is_swallowed() {
    for sql in [
        "INSERT INTO nowhere VALUES (1)",
        "INSERT INTO probe_totals VALUES ('k', 1), ('k', 2)",
    ] {
        let swallowed = json!({"do": "execute", "sql": sql, "swallow": true});
        let message = failure_of(&[execute("INSERT INTO probe_totals VALUES ('x', 1)"), swallowed]);
        assert!(message.contains("Error"), "{message}");
    }
    let swallowed = json!({"do": "query", "sql": "SELECT * FROM nowhere", "swallow": true});
    let message = failure_of(&[execute(INSERT), swallowed]);
    assert!(message.contains("nowhere"), "{message}");
}

#[test]
fn several_statements_in_one_call_are_refused_and_none_is_run() {
    for (sql, statements) in [
        (format!("{INSERT}; {INSERT}"), 2),
        (format!("{INSERT}; COMMIT"), 2),
        (format!("{INSERT}; COMMIT; BEGIN"), 3),
        (format!("{INSERT} /* ; */ ; -- ;\n cOmMiT"), 2),
    ] {
        let message = failure_of(&[json!({"do": "execute", "sql": sql, "swallow": true})]);
        let expected = format!("one call runs one statement, but this text holds {statements}: make a call for each");
        assert_eq!(message, expected, "{sql}");
    }
}

#[test]
fn a_commit_that_is_only_written_about_is_no_commit() {
    let world = World::with(&["probe"]);
    let steps = [
        execute("INSERT INTO probe_totals VALUES ('; COMMIT', 1); -- ; COMMIT"),
        execute("INSERT INTO probe_totals /* ; COMMIT; */ VALUES ($$; COMMIT$$ || 'ted', 2)"),
        json!({"do": "query", "sql": "SELECT n FROM probe_totals WHERE key <> '; ROLLBACK' -- COMMIT"}),
    ];
    world.write("alice/a.jsonl", script(&steps));
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    assert_eq!((world.count("probe_totals"), world.count("probe_rows")), (2, 2));
}

#[test]
fn statements_that_are_the_hosts_are_refused() {
    for sql in [
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "ATTACH ':memory:' AS other",
        "COPY probe_totals TO 'x.csv'",
        "SET threads = 1",
        "PRAGMA database_list",
        "LOAD json",
        "INSTALL json",
        "DROP TABLE probe_rows",
        "EXPLAIN ANALYZE INSERT INTO probe_totals VALUES ('k', 1)",
    ] {
        for call in ["execute", "query"] {
            let message = failure_of(&[json!({"do": call, "sql": sql, "swallow": true})]);
            let expected = format!("`{call}` does not accept {}", sql.split(' ').next().unwrap());
            assert!(message.starts_with(&expected), "{message}");
        }
    }
    let message = failure_of(&[json!({"do": "execute", "sql": " ; -- nothing"})]);
    assert_eq!(message, "there is no statement to run");
}

#[test]
fn a_text_that_hides_statements_or_what_it_writes_is_refused() {
    let world = World::with(&["probe"]);
    world.write("alice/first.jsonl", script(&[json!({"do": "rows", "count": 3})]));
    drop(world.run(&["probe"]).exits(0));
    for sql in [
        "SELECT 1 AS q) --\r; COMMIT; DELETE FROM session_processor_state; SELECT * FROM (SELECT 1\n",
        "SELECT 1 AS x$a$) ; COMMIT; DELETE FROM session_processor_state; SELECT * FROM (SELECT 1 AS y$a$",
        "SELECT 1 AS q, $\u{20ac}$ ' $\u{20ac}$ AS a) ; COMMIT; DELETE FROM session_processor_state; SELECT * FROM (SELECT 1 AS b --'\n",
        "WITH x AS (SELECT 1) DELETE FROM session_processor_state",
        "WITH x AS MATERIALIZED (SELECT 1) UPDATE session_processor_state SET username = 'x' FROM x",
        "DELETE FROM ONLY session_processor_state",
        "TRUNCATE main.session_processor_state",
        "MERGE INTO session_processor_state AS t USING (SELECT 'x' AS s) AS s ON t.session_file <> s.s WHEN MATCHED THEN DELETE",
        "INSERT INTO session_processor_failure BY NAME SELECT 'x' AS processor_name RETURNING *",
        "SELECT * FROM enable_logging()",
    ] {
        for call in ["execute", "query"] {
            let steps = [json!({"do": call, "sql": sql, "swallow": true})];
            world.write("bob/attack.jsonl", script(&steps));
            assert_eq!(world.run(&["probe"]).exits(1).result().errors, 1, "{call} {sql}");
            assert_eq!(
                (world.count("session_processor_state"), world.count("probe_rows")),
                (1, 3),
                "{sql}"
            );
        }
    }
}

/// Writes so many sessions of the same steps.
fn write_all(world: &World, sessions: u32, steps: &[Value]) {
    for number in 0..sessions {
        world.write(&format!("alice/{number}.jsonl"), script(steps));
    }
}

#[test]
fn attempts_side_by_side_count_exactly() {
    let world = World::with(&["probe"]);
    write_all(&world, 60, &[execute(COUNT_UP), json!({"do": "rows", "count": 1})]);
    let ran = world.run(&["probe", "--workers", "4"]).exits(0);
    assert_eq!(counts(&ran), processed(60));
    assert_eq!(world.rows("SELECT n FROM probe_totals"), [json!({"n": 60})]);
    assert_eq!(world.count("probe_rows"), 60);
}

#[test]
fn a_session_of_a_serial_processor_sees_all_earlier_ones() {
    let world = World::with(&["probe_serial"]);
    let steps = [
        json!({"do": "query", "sql": "SELECT count(DISTINCT session_file) FROM probe_serial_rows"}),
        json!({"do": "query", "sql": "SELECT count(*) + 1000 FROM session_processor_state"}),
    ];
    write_all(&world, 20, &steps);
    assert_eq!(
        counts(&world.run(&["probe_serial", "--workers", "4"]).exits(0)),
        processed(20)
    );
    let expected: Vec<_> = (0..20).chain(1000..1020).map(|n| json!({"n": n})).collect();
    assert_eq!(world.rows("SELECT n FROM probe_serial_rows ORDER BY n"), expected);
}

#[test]
fn a_query_waits_for_earlier_sessions_of_a_parallel_processor() {
    let world = World::with(&["probe"]);
    write_all(&world, 5, &[json!({"do": "rows", "count": 1})]);
    world.write(
        "bob/last.jsonl",
        script(&[json!({"do": "query", "sql": "SELECT count(*) + 100 FROM probe_rows"})]),
    );
    drop(world.run(&["probe", "--workers", "1"]).exits(0));
    assert_eq!(
        world.rows("SELECT n FROM probe_rows WHERE n >= 100"),
        [json!({"n": 105})]
    );
}

#[test]
fn tables_of_others_are_not_written() {
    let error = failure_of(&[execute("DELETE FROM session_processor_state")]);
    assert_eq!(
        error,
        "`session_processor_state` belongs to the host: a processor may write only its own tables"
    );
}
