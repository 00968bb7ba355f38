//! Decides what each method accepts by how DuckDB itself parses the text. Nothing here knows SQL's grammar.

use crate::state::{
    engine::instance::{Engine, Link},
    judge::{
        functions::refuse_functions,
        plan::{Effect, NoPlan, ObjectName, Place, plan_of},
        refused::StatementRefused,
        select::{Selected, selected},
    },
};

/// The maximum length of a query, in bytes, because parsing it cannot be interrupted.
pub(crate) const LONGEST_QUERY: usize = 64 << 10;

const QUERIED: &str = "one SELECT, WITH, FROM, VALUES, DESCRIBE, SHOW or SUMMARIZE";
const EXECUTED: &str = "one INSERT, UPDATE, DELETE or MERGE";
/// What queries of people may be.
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

/// Like [`check_query`], for a text that a person wrote: its length is limited, and EXPLAIN is accepted too.
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

/// A statement that changes rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Writing {
    /// The table that it writes to.
    pub(crate) table: String,
    /// The functions that it calls, or may call for default values.
    pub(crate) functions: Vec<String>,
    /// Whether it takes a sample of rows.
    pub(crate) samples: bool,
}

/// What a text writes, if the text is one statement that changes rows.
///
/// # Errors
/// When it is not such a statement, when DuckDB rejects it, or when DuckDB cannot report what it writes.
pub(crate) fn writing(link: &Link, sql: &str) -> Result<Writing, StatementRefused> {
    one_statement(link.engine(), sql)?;
    let plan = plan_of(link, sql).map_err(|no_plan| match no_plan {
        NoPlan::Untold(_) => kind("execute", sql, EXECUTED),
        no_plan => no_plan.into(),
    })?;
    refuse_functions(&plan.functions)?;
    match plan.effect {
        Effect::Writes(ObjectName { name, place }) => match place {
            Place::Main => Ok(Writing {
                table: name,
                functions: plan.functions,
                samples: plan.samples,
            }),
            Place::Elsewhere => Err(StatementRefused::Elsewhere(name)),
        },
        _ => Err(kind("execute", sql, EXECUTED)),
    }
}

/// The statements of a text. The host splits it at places where DuckDB sees the same statements before and after.
///
/// # Errors
/// When DuckDB cannot parse the text, or a semicolon in a comment makes the places of its statements ambiguous.
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

/// A statement without the semicolon that ends it, so that it can stand inside another one.
pub(crate) fn without_end<'a>(engine: &Engine, sql: &'a str) -> &'a str {
    let reads = |text: &str, count: u64| engine.count_statements(text).is_ok_and(|found| found == count);
    let mut ends = sql.match_indices(';').map(|(place, _)| place);
    let end = ends.find(|end| reads(&sql[..*end], 1) && reads(&sql[end + 1..], 0));
    end.map_or(sql, |end| &sql[..end])
}

/// Where the first of several statements ends: after a semicolon that separates it from all others.
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

fn kind(call: &'static str, sql: &str, taken: &'static str) -> StatementRefused {
    StatementRefused::Kind {
        call,
        found: first_word(sql),
        taken,
    }
}

/// The first word of a text in capitals, for messages only: no decision depends on it.
pub(crate) fn first_word(sql: &str) -> String {
    let mut words = sql.split(|letter: char| !letter.is_alphanumeric());
    let word = words.find(|word| !word.is_empty()).unwrap_or("this text");
    word.to_uppercase()
}

/// The rest of a text that begins with the word EXPLAIN.
fn without_explain(sql: &str) -> Option<&str> {
    const EXPLAIN: &str = "EXPLAIN";
    let text = sql.trim_start();
    let (word, rest) = text.split_at_checked(EXPLAIN.len())?;
    word.eq_ignore_ascii_case(EXPLAIN).then_some(rest)
}

#[cfg(test)]
mod tests;
