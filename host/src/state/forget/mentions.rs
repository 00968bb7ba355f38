//! Finds a subject outside the tables of the processors: in the audit log and in exports.

use std::{fs, path::Path};

use duckdb::{Connection, params};
use serde_json::Value;

use crate::state::{
    error::{Doing as _, Result},
    records::pauses,
    rows::table::SESSION_FILE,
};

/// What replaces a text that named a subject.
const FORGOTTEN: &str = "(forgotten)";

/// Removes every text that names the subject from the audit log's `params`, with everything that they say about its
/// sessions. Returns the number of changed entries.
pub(crate) fn redact_audit(connection: &Connection, subjects: &[String]) -> Result<usize> {
    let doing = "remove a subject from the audit log";
    let mut statement = connection
        .prepare("SELECT id, CAST(params AS VARCHAR) FROM audit_log WHERE params IS NOT NULL")
        .doing(doing)?;
    let entries = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)));
    let entries: Vec<(i64, String)> = entries.and_then(Iterator::collect).doing(doing)?;
    let mut redacted = 0;
    for (id, params) in entries {
        // The host writes only JSON, so anything else was not written by the host.
        let Ok(mut value) = serde_json::from_str::<Value>(&params) else {
            continue;
        };
        if !redact(&mut value, subjects) {
            continue;
        }
        let parameters = params![value.to_string(), id];
        let sql = "UPDATE audit_log SET params = ? WHERE id = ?";
        redacted += connection.execute(sql, parameters).doing(doing)?;
    }
    Ok(redacted)
}

/// Takes the reasons of pauses out that name the subject.
pub(crate) fn redact_pauses(connection: &Connection, subjects: &[String]) -> Result<()> {
    pauses::replace_reasons(connection, |reason| names_any(reason, subjects), FORGOTTEN)
}

fn redact(value: &mut Value, subjects: &[String]) -> bool {
    match value {
        Value::String(text) if names_any(text, subjects) => {
            FORGOTTEN.clone_into(text);
            true
        }
        Value::Array(values) => values
            .iter_mut()
            .fold(false, |found, value| redact(value, subjects) | found),
        Value::Object(members) => {
            let session = members.get("session").and_then(Value::as_str);
            match session.is_some_and(|session| names_any(session, subjects)) {
                true => {
                    members.values_mut().for_each(redact_all);
                    true
                }
                false => members
                    .values_mut()
                    .fold(false, |found, value| redact(value, subjects) | found),
            }
        }
        _ => false,
    }
}

/// Removes all texts about a session. A text such as its error may quote the transcript.
fn redact_all(value: &mut Value) {
    match value {
        Value::String(text) => FORGOTTEN.clone_into(text),
        Value::Array(values) => values.iter_mut().for_each(redact_all),
        Value::Object(members) => members.values_mut().for_each(redact_all),
        _ => {}
    }
}

fn names_any(text: &str, subjects: &[String]) -> bool {
    subjects.iter().any(|subject| names(text, subject))
}

/// Whether a text names the subject as a word of its own: `al` is not in `alice`.
fn names(text: &str, subject: &str) -> bool {
    if subject.is_empty() {
        return false;
    }
    let is_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    text.match_indices(subject).any(|(start, found)| {
        let (before, after) = (&text[..start], &text[start + found.len()..]);
        !is_word(before.chars().next_back()) && !is_word(after.chars().next())
    })
}

/// The exports beside the state that hold sessions of the subject, or that cannot be read.
pub(crate) fn exports_with(connection: &Connection, exports: &Path, subjects: &[String]) -> Vec<String> {
    let folders = fs::read_dir(exports).into_iter().flatten().flatten();
    let mut found: Vec<String> = folders
        .filter(|folder| {
            let files = fs::read_dir(folder.path()).into_iter().flatten().flatten();
            files
                .into_iter()
                .any(|file| subjects.iter().any(|subject| holds(connection, &file.path(), subject)))
        })
        .map(|folder| folder.path().display().to_string())
        .collect();
    found.sort();
    found
}

fn holds(connection: &Connection, file: &Path, subject: &str) -> bool {
    let sql = format!(
        "SELECT system.main.count(*) > 0 FROM system.main.read_parquet(?)
         WHERE {SESSION_FILE} = ? OR system.main.starts_with({SESSION_FILE}, ?)"
    );
    let parameters = params![file.to_string_lossy(), subject, format!("{subject}/")];
    match connection.query_row(&sql, parameters, |row| row.get(0)) {
        Ok(holds) => holds,
        // The table has no session column.
        Err(error) => !error.to_string().starts_with("Binder Error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_a_word_of_its_own() {
        assert!(names("SELECT * FROM t WHERE username = 'alice'", "alice"));
        assert!(names("alice/a.jsonl", "alice"));
        assert!(names("alice/a.jsonl: no such thing", "alice/a.jsonl"));
        assert!(!names("malice, alices, ålice2", "alice"));
        assert!(!names("(any)", ""));
    }

    #[test]
    fn texts_that_name_a_subject_are_removed_at_any_depth() {
        let mut value = serde_json::json!({
            "sql": "SELECT 'alice'", "errors": 2,
            "errors_detail": [{"session": "alice/a.jsonl", "error": "no"}, {"session": "bob/b.jsonl", "error": "no"}],
        });
        assert!(redact(&mut value, &["alice".to_owned()]));
        let expected = serde_json::json!({
            "sql": FORGOTTEN, "errors": 2,
            "errors_detail": [{"session": FORGOTTEN, "error": FORGOTTEN}, {"session": "bob/b.jsonl", "error": "no"}],
        });
        assert_eq!(value, expected);
        assert!(!redact(&mut value, &["alice".to_owned()]));
    }
}
