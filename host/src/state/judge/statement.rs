//! What each call takes: told by how DuckDB itself reads the text. Nothing here knows SQL's grammar.

use std::collections::HashSet;

use duckdb::{Connection, types::Value};

use crate::state::{
    database_error::DatabaseError,
    engine::instance::{Engine, Link},
    judge::plan::{Effect, NoPlan, ObjectName, Place, plan_of},
};

/// Why a statement is not run.
#[derive(Debug, thiserror::Error)]
pub enum StatementRefused {
    /// There is none.
    #[error("there is no statement to run")]
    Empty,
    /// It is too long to be read in time.
    #[error("the text has {bytes} bytes, more than the {most} that a query may have")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// There are several.
    #[error("one call runs one statement, this text holds {0}: make a call for each")]
    Several(u64),
    /// DuckDB makes two statements of a PIVOT whose columns it has yet to find.
    #[error("a PIVOT without IN is two statements to DuckDB: name the columns with IN")]
    Pivot,
    /// DuckDB reads statements in it that cannot be told apart.
    #[error("the text holds {0} statements that cannot be told apart: leave semicolons out of its comments")]
    Inseparable(u64),
    /// It is of a kind that the call does not take.
    #[error("`{call}` does not take {found}: it takes {taken}")]
    Kind {
        /// The method that was called.
        call: &'static str,
        /// The statement's first word.
        found: String,
        /// What the method takes.
        taken: &'static str,
    },
    /// It calls a function that does more than to compute.
    #[error("`{0}()` is not called here: it changes more than rows, reads files, or hides what is run")]
    Function(String),
    /// It names a file in the place of a table.
    #[error("`{0}` is no table of the state, and files are not read here")]
    NoTable(String),
    /// It writes to something that is no table of the state.
    #[error("`{0}` is no table of the state's main schema: a processor writes its own tables there")]
    Elsewhere(String),
    /// What it does cannot be told, or DuckDB refuses it.
    #[error("{0}")]
    Unplanned(String),
    /// DuckDB cannot read it.
    #[error("{0}")]
    Database(DatabaseError),
}

impl From<duckdb::Error> for StatementRefused {
    fn from(error: duckdb::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<NoPlan> for StatementRefused {
    fn from(no_plan: NoPlan) -> Self {
        match no_plan {
            NoPlan::Database(error) => Self::Database(error),
            no_plan => Self::Unplanned(no_plan.to_string()),
        }
    }
}

/// How many bytes of text a query may have: reading it cannot be interrupted.
pub(crate) const LONGEST_QUERY: usize = 64 << 10;

/// DuckDB's functions that a SELECT can call and that change more than rows, run a text as a statement, read a file, or
/// follow a pointer. DuckDB lets SQL open the state file itself, and closing it gives up the lock on it.
/// `the_functions_of_this_duckdb_are_known` holds the list against the functions that there are.
const REFUSED_FUNCTIONS: [&str; 43] = [
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

const QUERIED: &str = "one SELECT, WITH, FROM, VALUES, DESCRIBE, SHOW or SUMMARIZE";
const EXECUTED: &str = "one INSERT, UPDATE, DELETE or MERGE";
/// What people who ask the state may ask besides.
const ASKED: &str = "one SELECT, or EXPLAIN of one";

/// Checks that a text is one statement that reads rows.
///
/// # Errors
/// When it is not.
pub(crate) fn check_query(link: &Link, sql: &str) -> Result<(), StatementRefused> {
    one_statement(link.engine(), sql)?;
    match selected(link, sql)? {
        Selected::Select(select) => select.check(link),
        Selected::NoSelect => Err(kind("query", sql, QUERIED)),
    }
}

/// As [`check_query`], for a text that a person wrote: of a bounded length, and EXPLAIN is taken too.
///
/// # Errors
/// When it is not.
pub(crate) fn check_question(link: &Link, sql: &str) -> Result<(), StatementRefused> {
    if sql.len() > LONGEST_QUERY {
        return Err(StatementRefused::TooLong {
            bytes: sql.len(),
            most: LONGEST_QUERY,
        });
    }
    one_statement(link.engine(), sql)?;
    // What follows EXPLAIN must be a SELECT by itself, which `ANALYZE SELECT ..` and `(ANALYZE) SELECT ..` are not.
    let select = without_explain(sql).unwrap_or(sql);
    match selected(link, select)? {
        Selected::Select(select) => select.check(link),
        Selected::NoSelect => Err(kind("query", sql, ASKED)),
    }
}

/// The table that a text writes to which is one statement that changes rows.
///
/// # Errors
/// When it is no such statement, DuckDB refuses it, or what it writes cannot be told.
pub(crate) fn written_table(link: &Link, sql: &str) -> Result<String, StatementRefused> {
    one_statement(link.engine(), sql)?;
    let plan = plan_of(link, sql).map_err(|no_plan| match no_plan {
        NoPlan::Untold(_) => kind("execute", sql, EXECUTED),
        no_plan => no_plan.into(),
    })?;
    refuse_functions(plan.functions)?;
    match plan.effect {
        Effect::Writes(ObjectName { name, place }) => match place {
            Place::Main => Ok(name),
            Place::Elsewhere => Err(StatementRefused::Elsewhere(name)),
        },
        _ => Err(kind("execute", sql, EXECUTED)),
    }
}

/// The statements of a text, each as it stands there: split where DuckDB reads the same statements before and behind.
///
/// # Errors
/// When DuckDB cannot read the text, or a semicolon in a comment makes the places of its statements ambiguous.
pub(crate) fn split<'a>(engine: &Engine, sql: &'a str) -> Result<Vec<&'a str>, StatementRefused> {
    let mut left = engine.count_statements(sql)?;
    let mut statements = Vec::new();
    let mut rest = sql;
    while left > 1 {
        let end = first_end(engine, rest, left).ok_or(StatementRefused::Inseparable(left))?;
        let (first, behind) = rest.split_at(end);
        statements.push(first);
        rest = behind;
        left -= 1;
    }
    statements.extend((left == 1).then_some(rest));
    Ok(statements)
}

/// Where the first of several statements ends: behind a semicolon that parts it from all others.
fn first_end(engine: &Engine, sql: &str, statements: u64) -> Option<usize> {
    let ends = sql.match_indices(';').map(|(place, _)| place + 1);
    let reads = |text: &str, count: u64| engine.count_statements(text).is_ok_and(|found| found == count);
    ends.into_iter()
        .find(|end| reads(&sql[..*end], 1) && reads(&sql[*end..], statements - 1))
}

fn one_statement(engine: &Engine, sql: &str) -> Result<(), StatementRefused> {
    match engine.count_statements(sql)? {
        0 => Err(StatementRefused::Empty),
        1 => Ok(()),
        2 if sql.to_lowercase().contains("pivot") => Err(StatementRefused::Pivot),
        several => Err(StatementRefused::Several(several)),
    }
}

/// What DuckDB's tree of a text tells.
enum Selected {
    /// It is a SELECT.
    Select(Select),
    /// It is something else.
    NoSelect,
}

/// What a SELECT names. Nothing of it is bound yet: binding already opens files.
struct Select {
    functions: Vec<String>,
    /// The catalogue, the schema and the name of each table, as far as the text has them.
    tables: Vec<[String; 3]>,
}

impl Select {
    fn check(self, link: &Link) -> Result<(), StatementRefused> {
        refuse_functions(self.functions)?;
        // DuckDB takes a name that is no table for that of a file, which has an ending.
        let may_be_file = |[catalog, schema, name]: &[String; 3]| {
            !name.is_empty() && (!catalog.is_empty() || !schema.is_empty() || name.contains('.'))
        };
        let suspects: Vec<&[String; 3]> = self.tables.iter().filter(|table| may_be_file(table)).collect();
        if suspects.is_empty() {
            return Ok(());
        }
        let known = known_tables(link)?;
        match suspects
            .into_iter()
            .find(|[_, _, name]| !known.contains(&name.to_lowercase()))
        {
            Some(table) => {
                let parts: Vec<&str> = table
                    .iter()
                    .map(String::as_str)
                    .filter(|part| !part.is_empty())
                    .collect();
                Err(StatementRefused::NoTable(parts.join(".")))
            }
            None => Ok(()),
        }
    }
}

fn known_tables(connection: &Connection) -> Result<HashSet<String>, StatementRefused> {
    let sql = "SELECT system.main.lower(table_name) FROM system.main.duckdb_tables()
               UNION SELECT system.main.lower(view_name) FROM system.main.duckdb_views()";
    let mut statement = connection.prepare_cached(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<duckdb::Result<_>>()?)
}

fn selected(connection: &Connection, sql: &str) -> Result<Selected, StatementRefused> {
    let asking = "SELECT system.main.json_extract_string(tree, '$.error') = 'true',
                         system.main.json_extract_string(tree, '$..function_name'),
                         system.main.json_extract_string(tree, '$..catalog_name'),
                         system.main.json_extract_string(tree, '$..schema_name'),
                         system.main.json_extract_string(tree, '$..table_name')
                  FROM (SELECT system.main.json_serialize_sql(CAST(? AS VARCHAR)) AS tree)";
    let mut statement = connection.prepare_cached(asking)?;
    let (is_refused, [functions, catalogs, schemas, names]): (bool, [Vec<String>; 4]) =
        statement.query_row([sql], |row| {
            let lists = [
                texts(row.get(1)?),
                texts(row.get(2)?),
                texts(row.get(3)?),
                texts(row.get(4)?),
            ];
            Ok((row.get(0)?, lists))
        })?;
    if is_refused {
        return Ok(Selected::NoSelect);
    }
    // Every table of a tree has all three.
    if catalogs.len() != names.len() || schemas.len() != names.len() {
        return Err(StatementRefused::Unplanned(
            "DuckDB does not tell what tables it reads".to_owned(),
        ));
    }
    let tables = catalogs.into_iter().zip(schemas).zip(names);
    Ok(Selected::Select(Select {
        functions,
        tables: tables
            .map(|((catalog, schema), name)| [catalog, schema, name])
            .collect(),
    }))
}

/// The texts of a list.
fn texts(list: Value) -> Vec<String> {
    let Value::List(values) = list else {
        return Vec::new();
    };
    let texts = values.into_iter().filter_map(|value| match value {
        Value::Text(text) => Some(text),
        _ => None,
    });
    texts.collect()
}

/// Refuses what changes more than rows.
///
/// # Errors
/// When one of the functions does.
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

fn kind(call: &'static str, sql: &str, taken: &'static str) -> StatementRefused {
    StatementRefused::Kind {
        call,
        found: first_word(sql),
        taken,
    }
}

/// The first word of a text in capitals, for people: nothing is decided by it.
pub(crate) fn first_word(sql: &str) -> String {
    let mut words = sql.split(|letter: char| !letter.is_alphanumeric());
    let word = words.find(|word| !word.is_empty()).unwrap_or("this text");
    word.to_uppercase()
}

/// What stands behind the word EXPLAIN that a text begins with.
fn without_explain(sql: &str) -> Option<&str> {
    const EXPLAIN: &str = "EXPLAIN";
    let text = sql.trim_start();
    let (word, rest) = text.split_at_checked(EXPLAIN.len())?;
    word.eq_ignore_ascii_case(EXPLAIN).then_some(rest)
}

#[cfg(test)]
mod tests;
