//! Which texts are accepted and which are rejected, according to DuckDB's own parser.

use std::{path::Path, sync::LazyLock};

use proptest::prelude::*;

use super::*;
use crate::state::{
    engine::instance::{Access, Engine},
    judge::functions::REFUSED_FUNCTIONS,
};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let engine = Engine::open(Path::new(":memory:"), Access::ReadWrite, &[]).unwrap();
    let tables = "CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR); CREATE VIEW v AS FROM t";
    engine.connect().unwrap().execute_batch(tables).unwrap();
    engine
});

fn link() -> Link {
    ENGINE.connect().unwrap()
}

fn refusal<T: std::fmt::Debug>(checked: Result<T, StatementRefused>) -> String {
    checked.unwrap_err().to_string()
}

/// Checks that each text is refused for this reason.
#[track_caller]
fn are_refused<T: std::fmt::Debug>(
    check: fn(&Link, &str) -> Result<T, StatementRefused>,
    reason: &str,
    texts: &[&str],
) {
    let link = link();
    for sql in texts {
        assert!(refusal(check(&link, sql)).contains(reason), "{sql}");
    }
}

/// The table that a text writes to.
fn written_table(link: &Link, sql: &str) -> Result<String, StatementRefused> {
    writing(link, sql).map(|writing| writing.table)
}

#[test]
fn a_text_that_only_wrapping_would_make_several_statements_is_refused() {
    let texts = [
        "SELECT 1 AS q) --\r; COMMIT; DELETE FROM t; SELECT * FROM (SELECT 1\n",
        "SELECT 1 AS x$a$) ; COMMIT; DELETE FROM t; SELECT * FROM (SELECT 1 AS y$a$",
        "SELECT 1 AS q, $\u{20ac}$ ' $\u{20ac}$ AS a) ; COMMIT; DELETE FROM t; SELECT * FROM (SELECT 1 AS b --'\n",
        "SELECT 1) ; DROP TABLE t; SELECT (1",
    ];
    are_refused(check_question, "Parser Error", &texts);
    are_refused(check_query, "Parser Error", &texts);
    are_refused(written_table, "Parser Error", &texts);
}

#[test]
fn a_question_is_one_select_or_its_explanation() {
    let link = link();
    for sql in [
        "SELECT * FROM t",
        "(SELECT 1);",
        "/* note */ FROM t -- ;",
        "VALUES (1)",
        "WITH x AS (SELECT 1) FROM x",
        "DESCRIBE t",
        "SHOW TABLES",
        "SUMMARIZE t",
        "PIVOT t ON a IN (1, 2) USING max(b)",
        "SELECT * FROM pragma_table_info('t')",
        "SELECT 1 AS query, 'checkpoint()' AS checkpoint",
        " explain SELECT ?",
        "EXPLAIN(SELECT 1)",
    ] {
        check_question(&link, sql).unwrap();
    }
    for sql in [
        "DELETE FROM t",
        "WITH x AS (SELECT 1) DELETE FROM t",
        "DELETE FROM ONLY t",
        "TRUNCATE t",
        "EXPLAIN ANALYZE SELECT 1",
        "EXPLAIN ANALYSE DELETE FROM t",
        "EXPLAIN (ANALYZE) SELECT 1",
        "EXPLAIN /**/ ANALYZE SELECT 1",
        "EXPLAIN DELETE FROM t",
        "EXPLAIN",
        "PRAGMA table_info('t')",
        "PRAGMA enable_profiling",
        "CALL pragma_version()",
        "CHECKPOINT",
        "SET GLOBAL memory_limit = '1GB'",
        "COPY t TO 'x.csv'",
        "ATTACH 'other.duckdb'",
        "PREPARE p AS SELECT 1",
        "BEGIN",
        "SELECT 1 INTO u",
    ] {
        assert!(check_question(&link, sql).is_err(), "{sql}");
    }
    assert!(refusal(check_question(&link, "PIVOT t ON a USING max(b)")).contains("name the columns with IN"));
    assert!(refusal(check_question(&link, "SELECT 1; SELECT 2")).contains("holds 2"));
    assert!(refusal(check_question(&link, " ; -- nothing")).contains("no statement"));
    let long = format!("SELECT 1 {}", "/* */".repeat(LONGEST_QUERY / 5));
    assert!(refusal(check_question(&link, &long)).contains("65536"));
}

#[test]
fn functions_that_change_more_than_rows_are_refused_wherever_they_stand() {
    let texts = [
        "FROM enable_logging('QueryLog')",
        "SELECT * FROM main.\"Enable_Logging\"/**/('QueryLog')",
        "WITH logs AS (FROM disable_logging()) FROM logs",
        "SELECT a FROM t ORDER BY write_log(b)",
        "SELECT list_transform([1], lambda x: write_log(x::VARCHAR))",
        "SELECT count(*) FILTER (WHERE write_log('x')) FROM t",
        "SELECT row_number() OVER (ORDER BY write_log('x'))",
        "DESCRIBE SELECT write_log('x')",
        "EXPLAIN SELECT write_log('x')",
        "FROM query('SELECT 1')",
        "FROM read_duckdb('other.duckdb')",
        "SELECT size FROM read_blob(['state.duckdb', 'state.duckdb.wal'])",
        "SELECT * FROM t WHERE b IN (SELECT content FROM read_text('x'))",
        "FROM query_table('x.csv')",
        "SELECT * FROM checkpoint()",
    ];
    are_refused(check_question, "cannot be called here", &texts);
}

#[test]
fn a_file_is_not_read_instead_of_a_table() {
    let link = link();
    let texts = [
        "FROM 'state.duckdb'",
        "FROM t JOIN 'x.csv' ON true",
        "FROM state.duckdb",
        "FROM \"memory\".duckdb",
        "WITH duckdb AS (SELECT 1) FROM state.duckdb",
        "DESCRIBE 'x.parquet'",
        "SUMMARIZE 'x.json'",
        "SELECT (SELECT count(*) FROM '/etc/passwd.csv')",
    ];
    are_refused(check_question, "cannot read files here", &texts);
    are_refused(check_query, "cannot read files here", &texts);
    for sql in [
        "FROM main.t",
        "FROM memory.main.V",
        "WITH x AS (FROM t) FROM x",
        "FROM information_schema.tables",
    ] {
        check_question(&link, sql).unwrap();
    }
}

#[test]
fn functions_of_a_statement_that_writes_are_judged_after_binding() {
    let link = link();
    let texts = [
        "INSERT INTO t SELECT 1, 'x' FROM checkpoint()",
        "INSERT INTO t SELECT 1, 'x' FROM enable_logging('QueryLog')",
        "INSERT INTO t SELECT 1, 'x' FROM query('SELECT * FROM enable_logging()')",
        "INSERT INTO t SELECT 1, 'x' FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
        "UPDATE t SET b = write_log(b)",
        "INSERT INTO t VALUES (1, 'x') RETURNING write_log(b)",
    ];
    are_refused(written_table, "cannot be called here", &texts);
    let deep = format!(
        "INSERT INTO t SELECT 1, 'x' FROM {}t{}",
        "(SELECT * FROM ".repeat(60),
        ")".repeat(60)
    );
    assert_eq!(written_table(&link, &deep).unwrap(), "t");
}

#[test]
fn duckdb_names_the_table_that_a_statement_writes() {
    let link = link();
    for sql in [
        "INSERT INTO t VALUES (?, ?)",
        "INSERT INTO main.\"t\" BY NAME SELECT 1 AS a;",
        "INSERT INTO t VALUES (1, 'x') ON CONFLICT DO NOTHING",
        "INSERT OR REPLACE INTO t VALUES (1, ?)",
        "INSERT INTO t VALUES (1, 'x') RETURNING a",
        "/* note */ update t set b = ? where a = ?",
        "WITH x AS MATERIALIZED (SELECT 1 AS a) DELETE FROM T WHERE a IN (FROM x)",
        "DELETE FROM ONLY t",
        "TRUNCATE t",
        "MERGE INTO t USING (SELECT 1 AS a) s ON t.a = s.a WHEN MATCHED THEN DELETE",
    ] {
        assert_eq!(written_table(&link, sql).unwrap(), "t", "{sql}");
    }
    let texts = [
        "SELECT 1",
        "CREATE TABLE u (a INT)",
        "EXPLAIN DELETE FROM t",
        "COPY t TO 'x'",
        "COMMIT",
    ];
    are_refused(written_table, "`execute` does not accept", &texts);
    link.execute_batch("CREATE TEMP TABLE own (a INTEGER)").unwrap();
    assert!(refusal(written_table(&link, "DELETE FROM own")).contains("main schema"));
    assert!(refusal(written_table(&link, "INSERT INTO t SELECT ?, ?")).contains("?::BIGINT"));
    assert!(refusal(written_table(&link, "INSERT INTO nowhere VALUES (1)")).starts_with("Catalog Error: "));
    assert!(refusal(written_table(&link, "INSERT INTO v VALUES (1)")).contains(" Error: "));
}

#[test]
fn a_text_is_split_where_duckdb_splits_it() {
    let link = link();
    let split = |sql| split(link.engine(), sql).unwrap();
    assert_eq!(split("SELECT 1"), ["SELECT 1"]);
    assert_eq!(split("SELECT ';''; '; COMMIT"), ["SELECT ';''; ';", " COMMIT"]);
    assert_eq!(
        split("CREATE MACRO m(x) AS $$;$$; -- done\nSELECT 1;"),
        ["CREATE MACRO m(x) AS $$;$$;", " -- done\nSELECT 1;"]
    );
    assert_eq!(split("SELECT E'\\';'; SELECT $1"), ["SELECT E'\\';';", " SELECT $1"]);
    assert!(split(" ; -- nothing").is_empty());
    let error = super::split(link.engine(), "SELECT 1 -- one; two\n; SELECT 2").map(drop);
    assert!(error.is_ok(), "{error:?}");
}

#[test]
fn the_functions_of_this_duckdb_are_known() {
    /// Functions that a SELECT can call, and that only read although DuckDB says that they have side effects or make
    /// tables.
    const READING: &str = "
        check_peg_parser current_connection_id current_query current_query_id current_transaction_id currval
        duckdb_approx_database_count duckdb_columns duckdb_connection_count duckdb_constraints
        duckdb_coordinate_systems duckdb_databases duckdb_dependencies duckdb_extensions
        duckdb_external_file_cache duckdb_functions duckdb_indexes duckdb_keywords duckdb_log_contexts
        duckdb_logs duckdb_memory duckdb_optimizers duckdb_prepared_statements duckdb_schemas
        duckdb_secret_types duckdb_secrets duckdb_sequences duckdb_settings duckdb_table_sample duckdb_tables
        duckdb_temporary_files duckdb_types duckdb_variables duckdb_views error gen_random_uuid
        generate_series icu_calendar_names json_each json_tree nextval pg_timezone_names pragma_collations
        pragma_database_size pragma_metadata_info pragma_platform pragma_show pragma_storage_info
        pragma_table_info pragma_user_agent pragma_version random range repeat repeat_row setseed sleep_ms
        sql_auto_complete stats summary test_all_types test_vector_types unnest uuid uuidv4 uuidv7
        which_secret";
    let link = link();
    let sql = "SELECT DISTINCT function_name FROM duckdb_functions()
               WHERE internal AND (function_type = 'table' OR has_side_effects AND function_type <> 'pragma')
               ORDER BY function_name";
    let mut statement = link.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let unknown: Vec<String> = names
        .map(Result::unwrap)
        .filter(|name| {
            !READING.split_whitespace().any(|reading| reading == name) && !REFUSED_FUNCTIONS.contains(&name.as_str())
        })
        .collect();
    assert_eq!(unknown, [] as [&str; 0]);
}

proptest! {
    #[test]
    fn any_text_is_split_without_loss(sql in "[ -~\n\r\u{e4}\u{20ac}]{0,60}") {
        let link = link();
        if let Ok(statements) = split(link.engine(), &sql) {
            prop_assert!(statements.is_empty() || statements.concat() == sql);
        }
    }

    #[test]
    fn a_quoted_semicolon_ends_nothing(text in "[a-z;'\"$ -]{0,20}") {
        let link = link();
        let quoted = format!("SELECT '{}'", text.replace('\'', "''"));
        prop_assert_eq!(split(link.engine(), &quoted).unwrap(), [quoted.as_str()]);
    }
}
