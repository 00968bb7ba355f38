//! The functions that SQL of others may not call.

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

/// Rejects functions that change more than rows.
///
/// # Errors
/// When one of the functions is in the list.
pub(crate) fn refuse_functions(called: Vec<String>) -> Result<(), StatementRefused> {
    let is_refused = |function: &String| {
        let function = function.to_lowercase();
        REFUSED_FUNCTIONS.contains(&function.as_str())
    };
    match called.into_iter().find(is_refused) {
        Some(function) => Err(StatementRefused::Function(function)),
        None => Ok(()),
    }
}
