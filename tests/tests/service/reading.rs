//! Queries and exports while the server has the state.

use serde_json::json;
use session_host_tests::World;

use crate::steps::{serve_processed, write_sessions};

#[test]
fn a_query_gives_typed_values_and_takes_parameters() {
    let (_world, service) = serve_processed(2);
    let answer = service.query(
        "SELECT count(*) AS sessions, ? AS word, ? AS part, ? AS yes, NULL AS nothing, [1, 2] AS list, TIMESTAMP '2026-01-02 03:04:05' AS at
         FROM session_processor_state WHERE username = ?;",
        &json!(["it's", 1.5, true, "alice"]),
    );
    let expected = json!({
        "columns": ["sessions", "word", "part", "yes", "nothing", "list", "at"],
        "rows": [[2, "it's", 1.5, true, null, [1, 2], "2026-01-02 03:04:05"]],
        "truncated": false,
    });
    assert_eq!(answer.is(200).json(), expected);
    let nothing = service
        .query("SELECT n, text FROM probe_rows WHERE false", &json!([]))
        .is(200)
        .json();
    assert_eq!(
        nothing,
        json!({"columns": ["n", "text"], "rows": [], "truncated": false})
    );
}

#[test]
fn a_query_reads_the_state_and_nothing_else() {
    let (world, service) = serve_processed(1);
    let secret = world.path("secret.csv");
    std::fs::write(&secret, "word\nxyzzy\n").unwrap();
    let (secret, stolen) = (secret.display(), world.path("stolen.csv"));
    let refused = [
        "DELETE FROM probe_rows".to_owned(),
        "SELECT 1; DELETE FROM probe_rows".to_owned(),
        "WITH gone AS (SELECT 1) DELETE FROM probe_rows".to_owned(),
        "SELECT 1) ; DROP TABLE probe_rows; SELECT (1".to_owned(),
        "SELECT 1 AS q) --\r; COMMIT; DELETE FROM probe_rows; SELECT * FROM (SELECT 1\n".to_owned(),
        "SELECT 1 AS x$a$) ; COMMIT; DELETE FROM probe_rows; SELECT * FROM (SELECT 1 AS y$a$".to_owned(),
        "SELECT 1 AS q, $\u{20ac}$ ' $\u{20ac}$ AS a) ; COMMIT; DELETE FROM probe_rows; SELECT * FROM (SELECT 1 AS b --'\n"
            .to_owned(),
        "SELECT 1 AS q) --\r; COMMIT; SET GLOBAL memory_limit = '1MB'; SELECT * FROM (SELECT 1\n".to_owned(),
        "DELETE FROM ONLY probe_rows".to_owned(),
        "TRUNCATE probe_rows".to_owned(),
        "EXPLAIN ANALYZE DELETE FROM probe_rows".to_owned(),
        "EXPLAIN (ANALYZE) SELECT 1".to_owned(),
        "PIVOT probe_rows ON n USING count(*)".to_owned(),
        format!("SELECT 1 {}", "/* */".repeat(20_000)),
        format!("SELECT * FROM read_csv('{secret}')"),
        format!("SELECT * FROM read_text('{secret}')"),
        format!("SELECT * FROM '{secret}'"),
        format!("SELECT * FROM glob('{}/*')", world.path("").display()),
        format!("COPY probe_rows TO '{}'", stolen.display()),
        format!("ATTACH '{}'", world.path("other.duckdb").display()),
        "SET enable_external_access = true".to_owned(),
        "PRAGMA database_list".to_owned(),
        "INSTALL httpfs".to_owned(),
        "CALL pragma_version()".to_owned(),
        "CHECKPOINT".to_owned(),
        "SELECT * FROM checkpoint()".to_owned(),
        "FROM force_checkpoint ( )".to_owned(),
        "SELECT * FROM \"enable_logging\"('QueryLog', storage = 'file', storage_config = {'path': '/tmp/x'})"
            .to_owned(),
        "SELECT * FROM main.Enable_Logging/**/('QueryLog')".to_owned(),
        "WITH logs AS (FROM disable_logging()) FROM logs".to_owned(),
        "SELECT write_log('a line')".to_owned(),
        "FROM query('FROM enable_logging()')".to_owned(),
        "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))".to_owned(),
        "FROM enable_profiling()".to_owned(),
        "SELECT 'nan'::DOUBLE AS n".to_owned(),
        "SELEC 1".to_owned(),
        String::new(),
    ];
    for sql in &refused {
        let detail = service.query(sql, &json!([])).is(400).detail();
        assert!(!detail.contains("xyzzy"), "{sql}: {detail}");
    }
    for params in [json!([[1]]), json!([{"a": 1}]), json!([1, 2]), json!([])] {
        drop(service.query("SELECT ?::INTEGER", &params).is(400).detail());
    }
    assert!(!stolen.exists());
    let plan = service
        .query("EXPLAIN SELECT * FROM probe_rows", &json!([]))
        .is(200)
        .json();
    assert_eq!(plan["columns"], json!(["explain_key", "explain_value"]));
    // A column of such a name is no call.
    let answer = service.query("SELECT 1 AS row, 2 AS query, 'checkpoint()' AS checkpoint", &json!([]));
    assert_eq!(answer.is(200).json()["rows"], json!([[1, 2, "checkpoint()"]]));
    drop(service.stop());
    assert_eq!(world.count("probe_rows"), 1);
}

#[test]
fn a_query_that_takes_too_much_memory_is_interrupted_and_the_next_one_answered() {
    let world = World::new();
    let service = world.serve(&[]);
    for sql in [
        "SELECT repeat(repeat('x', 100000), 20000) AS text",
        "SELECT list(repeat('x', 10000 + range)) FROM range(1000000)",
    ] {
        let detail = service.query(sql, &json!([])).is(400).detail();
        assert!(
            detail.contains("ask for less") || detail.contains("Out of Memory"),
            "{detail}"
        );
    }
    // How much memory the process took at the most, in kB: DuckDB has 2 GB for all, and a query may take half of it.
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 2_400_000, "{peak} kB");
    assert_eq!(
        service.query("SELECT 1 AS n", &json!([])).is(200).json()["rows"],
        json!([[1]])
    );
}

#[test]
fn queries_that_nest_deeply_are_answered_and_end_nothing() {
    let world = World::new();
    let service = world.serve(&[]);
    let chain = |length: usize| {
        let further = (1..length).map(|n| format!(", c{n} AS (FROM c{})", n - 1));
        format!(
            "WITH c0 AS (FROM range(1)){} FROM c{}",
            further.collect::<String>(),
            length - 1
        )
    };
    let lateral = |length: usize| {
        let further = (1..length).map(|n| format!(", LATERAL (SELECT x{} AS x{n})", n - 1));
        format!("SELECT 1 FROM (SELECT 1 AS x0){}", further.collect::<String>())
    };
    for sql in [
        chain(380),
        lateral(800),
        format!("SELECT count(*) FROM range(1){}", ", range(1)".repeat(950)),
        format!("SELECT {}1{}", "(".repeat(30_000), ")".repeat(30_000)),
    ] {
        let status = service.query(&sql, &json!([])).status;
        assert!([200, 400, 504].contains(&status), "{status}: {}", &sql[..60]);
    }
    assert_eq!(
        service.query("SELECT 1 AS n", &json!([])).is(200).json()["rows"],
        json!([[1]])
    );
}

#[test]
fn the_state_stays_locked_whatever_sql_reads_of_it() {
    let world = World::with(&["probe"]);
    let state = world.state().display().to_string();
    let service = world.serve(&[]);
    for (number, sql) in [
        format!("SELECT size FROM read_blob(['{state}', '{state}.wal'])"),
        format!("FROM '{state}'"),
        "FROM read_text('data/session-host.duckdb')".to_owned(),
        "FROM data.duckdb".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        drop(service.query(sql, &json!([])).is(400));
        for statement in [
            format!("INSERT INTO probe_notes SELECT 'x' AS session_file, size::VARCHAR FROM ({sql})"),
            sql.clone(),
        ] {
            let steps = json!({"do": "execute", "sql": statement, "swallow": true});
            world.write(&format!("alice/{number}.jsonl"), steps.to_string());
            drop(service.run("probe").is(200));
        }
        let opened = duckdb::Connection::open(world.state())
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(opened.contains("lock"), "{opened}");
    }
}

#[test]
fn an_answer_that_is_too_long_is_cut_and_says_so() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    for (sql, rows, is_truncated) in [
        ("SELECT range FROM range(10001)", 10_000, true),
        ("SELECT range FROM range(10000)", 10_000, false),
        ("SELECT repeat('x', 1000000) FROM range(100)", 16, true),
    ] {
        let answer = service.query(sql, &json!([])).is(200).json();
        let found = answer["rows"].as_array().unwrap().len();
        assert_eq!((found, &answer["truncated"]), (rows, &json!(is_truncated)), "{sql}");
    }
}

#[test]
fn an_export_writes_every_table() {
    let (_world, service) = serve_processed(2);
    let exported = service.post("/api/admin/export").is(200).json();
    let folder = std::path::Path::new(exported["folder"].as_str().unwrap());
    let tables: Vec<&str> = exported["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table.as_str().unwrap())
        .collect();
    assert!(
        tables.contains(&"probe_rows") && tables.contains(&"session_processor_state"),
        "{tables:?}"
    );
    for table in tables {
        let file = std::fs::read(folder.join(format!("{table}.parquet"))).unwrap();
        assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"), "{table}");
    }
}

#[test]
fn the_command_line_asks_the_server_that_has_the_state() {
    let mut world = World::with(&["probe"]);
    write_sessions(&world, 2);
    let service = world.serve(&[]);
    world.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    let ran = world.run(&[]).exits(0);
    assert_eq!((ran.result().processor.as_str(), ran.result().processed), ("probe", 2));
    world.write("bruno/bad.jsonl", r#"{"do":"error","message":"no good"}"#);
    assert_eq!(world.run(&["probe"]).exits(1).result().errors, 1);
    assert_eq!(world.host(&["retry", "probe", "--json"]).exits(1).result().errors, 1);
    assert!(world.host(&["status"]).exits(0).stdout.contains("probe"));
    assert!(world.host(&["failures", "probe"]).exits(0).stdout.contains("no good"));
    assert_eq!(
        world
            .host(&["runs", "--json"])
            .exits(0)
            .json()
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        world.host(&["processors", "--json"]).exits(0).json()[0]["status"],
        "loaded"
    );
    let rows = world.host(&[
        "query",
        "SELECT count(*) AS n, NULL AS x FROM probe_rows",
        "--format",
        "csv",
    ]);
    assert_eq!(rows.exits(0).stdout, "n,x\n2,\n");
    let json = world
        .host(&["query", "SELECT 1 AS b, 'x' AS a", "--format", "json"])
        .exits(0);
    assert_eq!(json.stdout, "{\"b\":1,\"a\":\"x\"}\n");
    drop(world.host(&["reprocess", "probe", "alice/0.jsonl"]).exits(0));
    drop(world.host(&["export", "exported"]).exits(0));
    assert!(world.path("exported/probe_rows.parquet").exists());
    assert_eq!(std::fs::read_dir(world.path("data/exports")).unwrap().count(), 0);
    assert!(
        world
            .host(&["forget", "alice"])
            .exits(0)
            .stdout
            .contains("forgot alice")
    );
    for (arguments, said) in [
        (&["run", "nobody"][..], "`nobody`"),
        (&["run", "--workers", "1"], "--workers"),
        (&["query", "DROP TABLE probe_rows"], "DROP"),
        (&["forget", "nobody"], "nobody"),
    ] {
        let ran = world.host(arguments).exits(2);
        ran.tells(said);
    }
    drop(service.stop());
    assert_eq!(world.host(&["runs", "--json"]).exits(0).json()[0]["actor"], "admin");
}

#[test]
fn a_server_with_a_token_tells_the_command_line_what_it_lacks() {
    let mut world = World::with(&["probe"]);
    let service = world.serve(&[("SESSION_HOST_API_TOKEN", "correct-horse-battery-staple")]);
    world.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    let ran = world.host(&["status"]).exits(2);
    ran.tells("SESSION_HOST_API_TOKEN");
    world.set_variable("SESSION_HOST_API_TOKEN", "correct-horse-battery-staple");
    drop(world.host(&["status"]).exits(0));
    // Of a server that has another state, nothing is asked.
    let mut other = World::with(&["probe"]);
    let in_the_way = other.serve(&[]);
    other.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    other.set_variable("SESSION_HOST_API_TOKEN", "correct-horse-battery-staple");
    assert!(other.host(&["status"]).exits(3).stderr.contains("is in use"));
    drop(in_the_way);
}

#[test]
fn a_disk_that_fails_in_a_query_is_no_fault_of_the_client() {
    let world = World::with(&["probe"]);
    let text = "x".repeat(1000);
    world.write(
        "alice/a.jsonl",
        json!({"do": "rows", "count": 50_000, "text": text}).to_string(),
    );
    drop(world.run(&[]).exits(0));
    let service = world.serve(&[]);
    let file = std::fs::File::options().write(true).open(world.state()).unwrap();
    // The headers stay.
    file.set_len(16 << 10).unwrap();
    let detail = service
        .query("SELECT sum(length(text) + n) FROM probe_rows", &json!([]))
        .is(500)
        .detail();
    assert!(detail.contains("IO Error") || detail.contains("read"), "{detail}");
    drop(service.query("SELECT nothing", &json!([])).is(400));
    let no_file = world.path("data/exports/none.parquet");
    let sql = format!("FROM read_parquet('{}')", no_file.display());
    drop(service.query(&sql, &json!([])).is(400));
}

#[test]
fn answers_hold_no_character_that_a_terminal_would_follow() {
    let world = World::new();
    let service = world.serve(&[]);
    let evil = "\x1b]0;owned\x07\r\n\u{9b}31m\u{7f}\u{202e}";
    let answer = service.query("SELECT ? AS text", &json!([evil])).is(200);
    assert_eq!(answer.json()["rows"][0][0], evil);
    let obeyed = |letter: char| letter.is_control() || letter == '\u{202e}';
    assert!(!answer.body.contains(obeyed), "{:?}", answer.body);
}
