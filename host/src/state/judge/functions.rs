//! The functions that SQL of others may not call.

use std::collections::HashSet;

use duckdb::Connection;

use crate::state::judge::refused::StatementRefused;

/// DuckDB's functions that a SELECT can call and that change more than rows, run a text as a statement, read a file, or
/// follow a pointer. Through them, SQL could open the state file itself, and closing it would give up the lock on it.
/// The test `the_functions_of_this_duckdb_are_known` compares the list with DuckDB's own.
pub(super) const REFUSED_FUNCTIONS: [&str; 43] = [
    "add_parquet_key",
    "arrow_scan",
    "arrow_scan_dumb",
    "checkpoint",
    "copy_database",
    "disable_logging",
    "disable_peg_parser",
    "disable_profile",
    "disable_profiling",
    "enable_logging",
    "enable_peg_parser",
    "enable_profile",
    "enable_profiling",
    "force_checkpoint",
    "glob",
    "import_database",
    "json_execute_serialized_sql",
    "parquet_bloom_probe",
    "parquet_file_metadata",
    "parquet_full_metadata",
    "parquet_kv_metadata",
    "parquet_metadata",
    "parquet_scan",
    "parquet_schema",
    "query",
    "query_table",
    "read_blob",
    "read_csv",
    "read_csv_auto",
    "read_duckdb",
    "read_json",
    "read_json_auto",
    "read_json_objects",
    "read_json_objects_auto",
    "read_ndjson",
    "read_ndjson_auto",
    "read_ndjson_objects",
    "read_parquet",
    "read_text",
    "seq_scan",
    "sniff_csv",
    "truncate_duckdb_logs",
    "write_log",
];

/// Those of the extension for PostgreSQL, which only instances have that attach a database.
const REFUSED_OF_POSTGRES: [&str; 8] = [
    "pg_clear_cache",
    "postgres_attach",
    "postgres_configure_pool",
    "postgres_execute",
    "postgres_query",
    "postgres_scan",
    "postgres_scan_pushdown",
    "read_postgres_binary",
];

/// Rejects functions that change more than rows.
///
/// # Errors
/// When one of the functions is in the list.
pub(crate) fn refuse_functions(called: &[String]) -> std::result::Result<(), StatementRefused> {
    let is_refused = |function: &String| {
        let function = function.to_lowercase();
        REFUSED_FUNCTIONS
            .iter()
            .chain(&REFUSED_OF_POSTGRES)
            .any(|refused| *refused == function)
    };
    match called.iter().find(|function| is_refused(function)) {
        Some(function) => Err(StatementRefused::Function(function.clone())),
        None => Ok(()),
    }
}

/// The functions that give the same each time, though DuckDB does not say so: `error`, which stands in every plan with
/// a subquery for one value, and some that give tables.
const STEADY: &str =
    "'error', 'range', 'generate_series', 'unnest', 'repeat', 'repeat_row', 'json_each', 'json_tree', 'summary'";

/// The functions that may give something else each time, such as `now`, `random` and `nextval`.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn unsteady_functions(connection: &Connection) -> duckdb::Result<HashSet<String>> {
    let sql = format!(
        "SELECT DISTINCT system.main.lower(function_name) FROM system.main.duckdb_functions()
         WHERE function_type IN ('scalar', 'table') AND stability IS DISTINCT FROM 'CONSISTENT'
           AND function_name NOT IN ({STEADY})"
    );
    let mut statement = connection.prepare(&sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}
