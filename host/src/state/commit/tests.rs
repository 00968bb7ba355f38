//! What commits find, replace and leave.

use std::collections::HashMap;

use session_plugin_api::{
    Migration, Timestamp,
    abi::{ValueKind, message::Processed},
};
use tempfile::TempDir;

use super::{
    before::{Before, Recorded},
    destination::{Destination, Encounters},
    session::Done,
    session::Seen,
};
use crate::{
    column::Column,
    names::{FileHash, ProcessorName, SessionKey},
    state::{
        AttemptTurn, DeclaredTables, FailureKind, FailureRecord, FileLook, PendingRows, PluginVersion, Result, State,
        StateError,
    },
};

/// A state with the session table `notes`.
struct Scene {
    _folder: TempDir,
    state: State,
    destination: Destination,
}

/// These sessions, as failing ones that have no state row.
fn recorded(sessions: &[&str]) -> HashMap<SessionKey, Recorded> {
    let sessions = sessions.iter().map(|session| SessionKey::new(*session));
    sessions.map(|session| (session, Recorded::Nothing)).collect()
}

impl Scene {
    /// Of which the run knows these sessions.
    fn knowing(sessions: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.duckdb")).unwrap();
        let processor: ProcessorName = "probe".parse().unwrap();
        let sql = "CREATE TABLE notes (session_file VARCHAR, n BIGINT CHECK (n >= 0)); CREATE SEQUENCE numbers;
                   CREATE TABLE stamped (n BIGINT DEFAULT nextval('numbers'), stamp TIMESTAMP DEFAULT now());
                   CREATE VIEW moments AS SELECT now() AS moment; CREATE MACRO dice() AS random()";
        let declared = DeclaredTables {
            processor: &processor,
            migrations: &[Migration::new(1, "create notes", sql)],
            session_tables: &["notes".to_owned()],
        };
        let tables = state.prepare_processor(declared).unwrap();
        Self {
            _folder: folder,
            state,
            destination: Destination {
                processor,
                plugin: PluginVersion {
                    output: 3,
                    digest: "aa".to_owned(),
                },
                tables,
                before: Before::only(recorded(sessions)),
                encounters: Encounters::default(),
                guard: None,
            },
        }
    }

    /// Begins another run, which knows these sessions.
    fn runs_again_knowing(&mut self, sessions: &[&str]) {
        self.destination.before = Before::only(recorded(sessions));
    }

    fn execute(&self, sql: &str) {
        let executed: Result<(), StateError> = self.state.write(|writer| {
            writer.link().execute_batch(sql).unwrap();
            Ok(())
        });
        executed.unwrap();
    }

    /// Commits sessions with one row each; returns how many were rejected.
    fn commit(&self, rows: &[(&str, i64)]) -> usize {
        let group: Vec<Done> = rows.iter().map(|(session, n)| self.done(session, *n)).collect();
        self.state
            .write(|writer| writer.commit(&self.destination, &group))
            .unwrap()
            .len()
    }

    fn done(&self, session: &str, n: i64) -> Done {
        let session = SessionKey::new(session);
        let column = Column {
            name: "n",
            kind: ValueKind::Integer,
            rows: 1,
            validity: &[],
            integers: &[n],
            floats: &[],
            bytes: &[],
            offsets: &[],
        };
        Done {
            rows: vec![PendingRows::new(&self.destination.tables, "notes", &session, &[column]).unwrap()],
            processed: Processed::default(),
            seen: Seen {
                session,
                username: "alice".to_owned(),
                hash: FileHash::from_hex("d41d8cd98f00b204e9800998ecf8427e"),
                size: 1,
                modified: Timestamp::from_micros(2),
                read_at: Timestamp::from_micros(3),
            },
        }
    }

    /// The rows of the table, each as `session n`.
    fn notes(&self) -> Vec<String> {
        self.texts("SELECT coalesce(session_file, 'none') || ' ' || n FROM notes ORDER BY ALL")
    }

    fn recorded(&self) -> Vec<String> {
        self.texts("SELECT session_file FROM session_processor_state ORDER BY ALL")
    }

    fn texts(&self, sql: &str) -> Vec<String> {
        let texts: Result<Vec<String>, StateError> = self.state.write(|writer| {
            let mut statement = writer.link().prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            Ok(rows.map(|row| row.unwrap()).collect())
        });
        texts.unwrap()
    }
}

#[test]
fn rows_that_nobody_recorded_are_replaced_whenever_their_session_is_committed() {
    let scene = Scene::knowing(&[]);
    scene.execute("INSERT INTO notes VALUES ('a', 7), ('b', 7), ('c', 7), ('d', 7), (NULL, 7)");
    for (session, n) in [("a", 1), ("b", 2), ("c", 3)] {
        assert_eq!(scene.commit(&[(session, n)]), 0);
    }
    assert_eq!(scene.notes(), ["a 1", "b 2", "c 3", "d 7", "none 7"]);
}

#[test]
fn rows_that_execute_wrote_are_replaced() {
    let scene = Scene::knowing(&[]);
    for session in ["a", "b", "c"] {
        assert_eq!(scene.commit(&[(session, 1)]), 0);
    }
    scene.execute("INSERT INTO notes VALUES ('d', 7)");
    scene.destination.before.has_executed();
    assert_eq!(scene.commit(&[("d", 1)]), 0);
    assert_eq!(scene.notes(), ["a 1", "b 1", "c 1", "d 1"]);
}

#[test]
fn known_and_new_sessions_of_a_group_are_all_recorded_once() {
    let mut scene = Scene::knowing(&[]);
    assert_eq!(scene.commit(&[("a", 1), ("b", 1)]), 0);
    let failure = FailureRecord {
        session: SessionKey::new("c"),
        username: "alice".to_owned(),
        hash: None,
        file: FileLook {
            size: 1,
            modified: Timestamp::from_micros(2),
        },
        failed_at: Timestamp::from_micros(3),
        kind: FailureKind::Error,
        error: "no".to_owned(),
    };
    let recorded = scene
        .state
        .write(|writer| writer.record_failures(&scene.destination, &[failure]));
    recorded.unwrap();
    scene.runs_again_knowing(&["a", "b", "c"]);
    assert_eq!(scene.commit(&[("a", 2), ("c", 2), ("d", 2)]), 0);
    assert_eq!(scene.commit(&[("b", 3), ("e", 3)]), 0);
    assert_eq!(scene.notes(), ["a 2", "b 3", "c 2", "d 2", "e 3"]);
    assert_eq!(scene.recorded(), ["a", "b", "c", "d", "e"]);
    assert!(scene.state.failing(&scene.destination.processor).unwrap().is_empty());
    let versions =
        scene.texts("SELECT DISTINCT output_version || ' ' || epoch_us(processed_at) FROM session_processor_state");
    assert_eq!(versions, ["3 3"]);
}

#[test]
fn sessions_that_the_run_did_not_know_are_committed_one_by_one() {
    let mut scene = Scene::knowing(&[]);
    assert_eq!(scene.commit(&[("a", 1)]), 0);
    scene.runs_again_knowing(&[]);
    for number in 0..3 {
        assert_eq!(scene.commit(&[(&format!("b{number}"), 1), ("a", 2), ("bad", -1)]), 1);
    }
    assert_eq!(scene.notes(), ["a 2", "b0 1", "b1 1", "b2 1"]);
    assert_eq!(scene.recorded(), ["a", "b0", "b1", "b2"]);
}

#[test]
fn a_transaction_that_a_statement_has_ended_is_not_committed() {
    let scene = Scene::knowing(&["a"]);
    let transaction = scene.state.begin_attempt(AttemptTurn::First).unwrap();
    let link = transaction.link();
    link.execute_batch("INSERT INTO notes VALUES ('x', 1)").unwrap();
    link.execute_batch("INSERT INTO notes VALUES ('x', -1)").unwrap_err();
    assert!(transaction.commit(&scene.destination, &scene.done("a", 1)).is_err());
    assert!(scene.notes().is_empty() && scene.recorded().is_empty());
}

#[test]
fn statements_that_depend_on_time_chance_or_a_sequence_cannot_be_repeated() {
    let scene = Scene::knowing(&[]);
    let rules = scene.state.statement_rules(&scene.destination.processor).unwrap();
    for (is_repeatable, sql) in [
        (true, "INSERT INTO notes VALUES (lower('A'), 1 + 1)"),
        (true, "INSERT INTO notes SELECT 'a', range FROM range(3)"),
        (
            true,
            "UPDATE notes SET n = n + 1 WHERE session_file IN (SELECT unnest(string_split('a,b', ',')))",
        ),
        (true, "DELETE FROM notes WHERE n > (SELECT avg(n) FROM notes)"),
        (true, "INSERT INTO notes SELECT 'a', 1 FROM json_each('[1]')"),
        (false, "INSERT INTO notes VALUES (uuid()::VARCHAR, 1)"),
        (false, "INSERT INTO notes VALUES (current_timestamp::VARCHAR, 1)"),
        (false, "INSERT INTO notes SELECT moment::VARCHAR, 1 FROM moments"),
        (false, "INSERT INTO notes VALUES ('a', dice() * 10)"),
        (false, "INSERT INTO notes VALUES ('a', nextval('numbers'))"),
        (false, "UPDATE notes SET n = n + 1 WHERE RANDOM() < 2"),
        (
            false,
            "DELETE FROM notes WHERE n IN (SELECT n FROM notes USING SAMPLE 1)",
        ),
        (false, "INSERT INTO notes SELECT table_name, 1 FROM duckdb_tables()"),
        (false, "INSERT INTO stamped (n) VALUES (1)"),
        (false, "INSERT INTO stamped (stamp) VALUES (TIMESTAMP '2026-01-01')"),
    ] {
        let mut transaction = scene.state.begin_attempt(AttemptTurn::First).unwrap();
        let executed = transaction.execute(&rules, sql, &[]).unwrap();
        assert_eq!(executed.is_repeatable(), is_repeatable, "{sql}");
    }
}

#[test]
fn a_statement_that_does_something_else_when_it_is_repeated_is_an_error() {
    let scene = Scene::knowing(&[]);
    let rules = scene.state.statement_rules(&scene.destination.processor).unwrap();
    scene.execute("INSERT INTO notes VALUES ('a', 1)");
    let mut transaction = scene.state.begin_attempt(AttemptTurn::First).unwrap();
    let executed = transaction
        .execute(&rules, "UPDATE notes SET n = 2 WHERE n = 1", &[])
        .unwrap();
    let error = transaction.repeat(&executed).unwrap_err();
    assert_eq!(error.to_string(), "it changed 0 rows instead of 1");
}

#[test]
fn session_tables_are_known_in_any_letter_case() {
    let scene = Scene::knowing(&[]);
    assert!(scene.destination.has_session_table("NOTES") && !scene.destination.has_session_table("note"));
}
