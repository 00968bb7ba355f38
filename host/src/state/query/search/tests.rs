use proptest::prelude::*;
use session_plugin_api::Migration;

use super::*;
use crate::state::{DeclaredTables, Reader, State};

const SQL: &str = "SELECT session, username, project, time, line, part, kind, tool, text FROM texts -- of all";

/// A state with these texts: the minute, the session, the user, and the text.
fn state_with(texts: &[(i64, &str, &str, &str)]) -> (tempfile::TempDir, Reader) {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(&folder.path().join("state.duckdb")).unwrap();
    let rows = texts.iter().zip(1..).map(|((minute, session, user, text), part)| {
        let text = text.replace('\'', "''");
        format!("('{session}', '{user}', 'shop', make_timestamp({minute}::BIGINT * 60000000), {part}, {part}, 'prompt', NULL, '{text}')")
    });
    let sql = format!(
        "CREATE TABLE texts (session VARCHAR, username VARCHAR, project VARCHAR, time TIMESTAMP, line BIGINT, part BIGINT,
             kind VARCHAR, tool VARCHAR, text VARCHAR USING COMPRESSION zstd);
         INSERT INTO texts VALUES {}",
        rows.collect::<Vec<_>>().join(", ")
    );
    let declared = DeclaredTables {
        processor: &"p".parse().unwrap(),
        migrations: &[Migration::new(1, "texts", sql)],
        session_tables: &[],
    };
    state.prepare_processor(declared).unwrap();
    let reader = state.reader().unwrap();
    (folder, reader)
}

fn query<'a>(patterns: &[&'a str]) -> SearchQuery<'a> {
    SearchQuery {
        patterns: patterns.to_vec(),
        ..SearchQuery::of_everything(SQL, 100)
    }
}

fn found(reader: &Reader, query: &SearchQuery<'_>) -> Vec<String> {
    let found = reader.search(query, u64::MAX).unwrap();
    found.texts.into_iter().map(|found| found.text).collect()
}

#[test]
fn every_pattern_must_match_and_the_newest_comes_first() {
    let (_folder, reader) = state_with(&[
        (1, "a", "alice", "one two"),
        (3, "a", "alice", "Two ONE"),
        (2, "b", "bob", "two"),
    ]);
    assert_eq!(found(&reader, &query(&["(?i)two"])), ["Two ONE", "two", "one two"]);
    assert_eq!(found(&reader, &query(&["(?i)two", "(?i)one"])), ["Two ONE", "one two"]);
    assert_eq!(found(&reader, &query(&["two|Two ONE$"])).len(), 3);
}

#[test]
fn filters_choose_by_user_project_and_time() {
    let (_folder, reader) = state_with(&[(1, "a", "alice", "x1"), (2, "a", "alice", "x2"), (3, "b", "bob", "x3")]);
    let minute = |minute: i64| Some(Timestamp::from_micros(minute * 60_000_000));
    let of = |change: &dyn Fn(&mut SearchQuery<'_>)| {
        let mut query = query(&["x"]);
        change(&mut query);
        found(&reader, &query)
    };
    assert_eq!(of(&|query| query.username = Some("alice")), ["x2", "x1"]);
    assert_eq!(of(&|query| query.project = Some("shop")).len(), 3);
    assert!(of(&|query| query.project = Some("sho%")).is_empty());
    assert_eq!(of(&|query| query.since = minute(2)), ["x3", "x2"]);
    assert_eq!(of(&|query| query.until = minute(2)), ["x1"]);
}

#[test]
fn a_pattern_that_is_none_fails() {
    let (_folder, reader) = state_with(&[(1, "a", "alice", "x")]);
    assert!(matches!(
        reader.search(&query(&["("]), u64::MAX),
        Err(QueryError::State(_))
    ));
}

#[test]
fn other_columns_are_rejected() {
    let (_folder, reader) = state_with(&[(1, "a", "alice", "x")]);
    reader.check_searchable(SQL).unwrap();
    for sql in [
        "SELECT text FROM texts",
        "SELECT * REPLACE (1 AS time) FROM texts",
        "DROP TABLE texts",
    ] {
        assert!(reader.check_searchable(sql).is_err(), "{sql}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn pages_give_every_text_once_in_order(
        places in prop::collection::vec((0..4i64, 0..3usize), 1..30),
        size in 1..6usize,
    ) {
        let texts: Vec<_> = places.iter().map(|(minute, session)| (*minute, ["a", "b", "c"][*session], "alice", "x")).collect();
        let (_folder, reader) = state_with(&texts);
        let mut paged: Vec<TextPlace> = Vec::new();
        loop {
            let before = paged.last().cloned();
            let query = SearchQuery { limit: size, before: before.as_ref(), ..query(&["x"]) };
            let page = reader.search(&query, u64::MAX).unwrap();
            paged.extend(page.texts.into_iter().map(|text| text.place));
            if !page.has_older {
                break;
            }
        }
        prop_assert_eq!(paged.len(), texts.len());
        prop_assert!(paged.is_sorted_by(|one, other| one > other));
    }
}
