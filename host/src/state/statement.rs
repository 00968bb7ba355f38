//! Just enough of SQL's grammar to tell statements apart: where one ends, how it begins, what it writes to.

use std::borrow::Cow;

/// Why a statement of a processor is not run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementRefused {
    /// There is none.
    #[error("there is no statement to run")]
    Empty,
    /// There are several.
    #[error("one call runs one statement, this text holds {0}: make a call for each")]
    Several(usize),
    /// It is of a kind that the call does not take.
    #[error("`{call}` does not take {found}: it takes {allowed}")]
    Keyword {
        /// The method that was called.
        call: &'static str,
        /// The statement's first word.
        found: String,
        /// The first words that the method takes.
        allowed: String,
    },
    /// It calls a function that does more than to compute.
    #[error("`{0}()` is not called here: it changes more than rows, or hides what is run")]
    Function(&'static str),
}

const EXECUTED: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "MERGE", "WITH"];
const QUERIED: [&str; 7] = ["SELECT", "WITH", "FROM", "VALUES", "DESCRIBE", "SHOW", "SUMMARIZE"];

/// DuckDB's functions that a SELECT can call and that change the whole process or file, or run a text as a statement.
const REFUSED_FUNCTIONS: [&str; 12] = [
    "checkpoint",
    "disable_logging",
    "disable_peg_parser",
    "disable_profiling",
    "enable_logging",
    "enable_peg_parser",
    "enable_profiling",
    "force_checkpoint",
    "json_execute_serialized_sql",
    "query",
    "truncate_duckdb_logs",
    "write_log",
];

/// Checks that a text is one statement that changes rows.
///
/// # Errors
/// When it is not.
pub fn check_execute(sql: &str) -> Result<(), StatementRefused> {
    check("execute", &EXECUTED, sql)
}

/// Checks that a text is one statement that reads rows.
///
/// # Errors
/// When it is not.
pub fn check_query(sql: &str) -> Result<(), StatementRefused> {
    check("query", &QUERIED, sql)
}

fn check(call: &'static str, allowed: &[&str], sql: &str) -> Result<(), StatementRefused> {
    let statements = split(sql);
    let [statement] = statements.as_slice() else {
        return Err(match statements.len() {
            0 => StatementRefused::Empty,
            several => StatementRefused::Several(several),
        });
    };
    if let Some(function) = refused_function(statement) {
        return Err(StatementRefused::Function(function));
    }
    let found = keyword(statement);
    match allowed.contains(&found.as_str()) {
        true => Ok(()),
        false => Err(StatementRefused::Keyword {
            call,
            found,
            allowed: allowed.join(", "),
        }),
    }
}

fn refused_function(statement: &str) -> Option<&'static str> {
    let followed = tokens(statement).zip(tokens(statement).skip(1));
    let mut called = followed
        .filter(|(_, next)| next.text == "(")
        .map(|(name, _)| name.name());
    called.find_map(|called| {
        let is_called = |function: &&str| function.eq_ignore_ascii_case(&called);
        REFUSED_FUNCTIONS.into_iter().find(is_called)
    })
}

/// The table that a statement of a processor writes to, as far as it can be told.
#[must_use]
pub fn written_table(sql: &str) -> Option<String> {
    target(sql).map(Cow::into_owned)
}

/// The statements of a text, without the `;` between them and without empty ones.
pub(super) fn split(sql: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let mut start = 0;
    let mut empty = true;
    for token in tokens(sql) {
        if token.text == ";" {
            statements.extend((!empty).then_some(sql[start..token.start].trim()));
            start = token.start + 1;
            empty = true;
        } else {
            empty = false;
        }
    }
    statements.extend((!empty).then_some(sql[start..].trim()));
    statements
}

/// The statement's first word, in capitals.
pub(super) fn keyword(statement: &str) -> String {
    let word = tokens(statement).find(|token| token.text != "(");
    word.map_or_else(String::new, |token| token.text.to_ascii_uppercase())
}

/// The table or view that a statement writes to or makes; `None` where this grammar cannot tell.
pub(super) fn target(statement: &str) -> Option<Cow<'_, str>> {
    const BEFORE_THE_NAME: [&str; 29] = [
        "COMMENT",
        "ON",
        "COLUMN",
        "SEQUENCE",
        "TYPE",
        "SCHEMA",
        "FUNCTION",
        "INSERT",
        "OR",
        "REPLACE",
        "IGNORE",
        "INTO",
        "UPDATE",
        "DELETE",
        "FROM",
        "MERGE",
        "TRUNCATE",
        "CREATE",
        "TEMP",
        "TEMPORARY",
        "RECURSIVE",
        "TABLE",
        "VIEW",
        "IF",
        "NOT",
        "EXISTS",
        "ALTER",
        "DROP",
        "MACRO",
    ];
    let mut words = tokens(statement).skip_while(|token| {
        let word = token.text.to_ascii_uppercase();
        BEFORE_THE_NAME.contains(&word.as_str())
    });
    let mut name = words.next()?;
    if name.text.eq_ignore_ascii_case("INDEX") || name.text.eq_ignore_ascii_case("UNIQUE") {
        name = words
            .skip_while(|token| !token.text.eq_ignore_ascii_case("ON"))
            .nth(1)?;
        return Some(name.name());
    }
    while words.next().is_some_and(|token| token.text == ".") {
        name = words.next()?;
    }
    Some(name.name())
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Token<'a> {
    fn name(self) -> Cow<'a, str> {
        match self.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => Cow::Owned(quoted.replace("\"\"", "\"")),
            None => Cow::Borrowed(self.text),
        }
    }
}

/// The words, quoted texts and signs of a text; white space and comments are passed over.
fn tokens(sql: &str) -> impl Iterator<Item = Token<'_>> {
    let mut place = 0;
    std::iter::from_fn(move || {
        place += blank_length(&sql[place..]);
        let start = place;
        let length = token_length(&sql[start..])?;
        place += length;
        Some(Token {
            text: &sql[start..place],
            start,
        })
    })
}

fn blank_length(sql: &str) -> usize {
    let mut rest = sql;
    loop {
        let trimmed = rest.trim_start();
        rest = match () {
            () if trimmed.starts_with("--") => trimmed.find('\n').map_or("", |end| &trimmed[end..]),
            () if trimmed.starts_with("/*") => after_block_comment(trimmed),
            () => return sql.len() - trimmed.len(),
        };
    }
}

fn after_block_comment(sql: &str) -> &str {
    let mut depth = 0_u32;
    let mut rest = sql;
    loop {
        let Some(next) = rest.find("/*").into_iter().chain(rest.find("*/")).min() else {
            return "";
        };
        depth = match rest[next..].starts_with("/*") {
            true => depth + 1,
            false => depth.saturating_sub(1),
        };
        rest = &rest[next + 2..];
        if depth == 0 {
            return rest;
        }
    }
}

fn token_length(sql: &str) -> Option<usize> {
    let first = sql.chars().next()?;
    Some(match first {
        '\'' => quoted_length(sql, '\''),
        '"' => quoted_length(sql, '"'),
        'e' | 'E' if sql[1..].starts_with('\'') => escaped_length(sql),
        '$' => dollar_quoted_length(sql).unwrap_or(1),
        _ if is_word(first) => sql.find(|letter| !is_word(letter)).unwrap_or(sql.len()),
        _ => first.len_utf8(),
    })
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn quoted_length(sql: &str, quote: char) -> usize {
    let mut letters = sql.char_indices().skip(1).peekable();
    while let Some((place, letter)) = letters.next() {
        let doubled = letters.peek().is_some_and(|(_, next)| *next == quote);
        match letter == quote {
            true if doubled => drop(letters.next()),
            true => return place + 1,
            false => {}
        }
    }
    sql.len()
}

fn escaped_length(sql: &str) -> usize {
    let mut letters = sql.char_indices().skip(2).peekable();
    while let Some((place, letter)) = letters.next() {
        let doubled = letters.peek().is_some_and(|(_, next)| *next == '\'');
        match letter {
            '\\' => drop(letters.next()),
            '\'' if doubled => drop(letters.next()),
            '\'' => return place + 1,
            _ => {}
        }
    }
    sql.len()
}

fn dollar_quoted_length(sql: &str) -> Option<usize> {
    let tag_length = 2 + sql[1..].find(|letter| !is_word(letter))?;
    let tag = sql
        .get(..tag_length)
        .filter(|tag| tag.ends_with('$') && !tag[1..].starts_with(|c: char| c.is_numeric()))?;
    let end = sql[tag_length..].find(tag);
    Some(end.map_or(sql.len(), |end| tag_length + end + tag_length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn statements_end_where_they_end() {
        assert_eq!(split("SELECT 1"), ["SELECT 1"]);
        assert_eq!(split(" SELECT 1 ; -- done\n /* ; */ ;"), ["SELECT 1"]);
        assert_eq!(split("SELECT ';''; '; COMMIT"), ["SELECT ';''; '", "COMMIT"]);
        assert_eq!(
            split("SELECT \"a;\"\"b\", $$;$$, $x$ ; $$ ; $x$"),
            ["SELECT \"a;\"\"b\", $$;$$, $x$ ; $$ ; $x$"]
        );
        assert_eq!(split("SELECT E'\\';'; SELECT $1"), ["SELECT E'\\';'", "SELECT $1"]);
        assert_eq!(
            split("SELECT /* /* ; */ ; */ 1; SELECT 2"),
            ["SELECT /* /* ; */ ; */ 1", "SELECT 2"]
        );
        assert!(split(" ; -- nothing").is_empty());
    }

    #[test]
    fn only_one_statement_of_the_right_kind_passes() {
        assert_eq!(check_execute("/* note */ insert into t values (1);"), Ok(()));
        assert_eq!(check_query("(SELECT 1)"), Ok(()));
        assert_eq!(check_execute(""), Err(StatementRefused::Empty));
        assert_eq!(
            check_execute("INSERT INTO t VALUES (1); COMMIT"),
            Err(StatementRefused::Several(2))
        );
        for sql in [
            "COMMIT",
            "BEGIN",
            "ATTACH 'x'",
            "COPY t TO 'x'",
            "SET x = 1",
            "PRAGMA x",
            "LOAD x",
            "INSTALL x",
        ] {
            assert!(
                matches!(check_execute(sql), Err(StatementRefused::Keyword { .. })),
                "{sql}"
            );
            assert!(
                matches!(check_query(sql), Err(StatementRefused::Keyword { .. })),
                "{sql}"
            );
        }
    }

    #[test]
    fn the_written_table_is_found() {
        let cases = [
            ("CREATE TABLE IF NOT EXISTS items (id INT)", "items"),
            ("create or replace view main.daily as select 1", "daily"),
            ("CREATE UNIQUE INDEX i ON \"my table\" (a)", "my table"),
            ("INSERT OR REPLACE INTO items SELECT 1", "items"),
            ("UPDATE items SET a = 1", "items"),
            ("DELETE FROM main.items", "items"),
            ("ALTER TABLE IF EXISTS items ADD COLUMN b INT", "items"),
            ("DROP VIEW daily", "daily"),
        ];
        for (sql, table) in cases {
            assert_eq!(target(sql).as_deref(), Some(table), "{sql}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_cut_without_loss_or_panic(sql in "[ -~\n\u{e4}\u{20ac}]{0,60}") {
            for statement in split(&sql) {
                prop_assert!(sql.contains(statement));
                let _ = target(statement);
            }
        }

        #[test]
        fn a_quoted_semicolon_ends_nothing(text in "[a-z;'\"$ -]{0,20}") {
            let quoted = format!("SELECT '{}'", text.replace('\'', "''"));
            prop_assert_eq!(split(&quoted).len(), 1);
        }
    }
}
