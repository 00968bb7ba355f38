//! Whatever text is let through as a query, as a statement of a processor or as a migration, it leaves every table of
//! others, every other object and every setting as it was. DuckDB itself is the oracle.

#![no_main]

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use libfuzzer_sys::fuzz_target;
use session_host::{
    names::ProcessorName,
    state::{DeclaredTables, QueryLimits, Reader, State},
};
use session_plugin_api::Migration;

/// What everyone may read and only `victim` may write.
const VICTIM: &str = "CREATE TABLE usage_events (session_file VARCHAR, n BIGINT);
    INSERT INTO usage_events SELECT 'alice/a.jsonl', range FROM range(50);
    CREATE TABLE usage_keys (k VARCHAR PRIMARY KEY, n BIGINT);
    INSERT INTO usage_keys VALUES ('a', 1), ('b', 2);
    CREATE INDEX usage_index ON usage_keys (n);
    CREATE VIEW usage_view AS SELECT k, max(n) AS n FROM usage_keys GROUP BY k;
    CREATE MACRO usage_macro(x) AS x + 1;
    CREATE SEQUENCE usage_sequence";

/// What the attacker has.
const ATTACKER: &str = "CREATE TABLE own (session_file VARCHAR, n BIGINT); INSERT INTO own VALUES ('alice/a.jsonl', 1);
    CREATE TABLE own_keys (k VARCHAR PRIMARY KEY, n BIGINT)";

/// Rows of all that is not the attacker's, and whether the built-in functions are DuckDB's own.
const ROWS: &str = "SELECT
        (SELECT count(*) || '/' || sum(n) FROM usage_events) AS events, (SELECT count(*) || '/' || sum(n) FROM usage_keys) AS keys,
        (SELECT count(*) FROM session_processor_state) + (SELECT count(*) FROM session_processor_failure)
            + (SELECT count(*) FROM processor_schedule) + (SELECT count(*) FROM audit_log) AS of_the_host,
        (SELECT count(*) FROM processor_table WHERE owner <> 'attacker') AS owned,
        (SELECT count(*) FROM schema_migration WHERE owner <> 'attacker') AS applied,
        (SELECT n FROM usage_view WHERE k = 'b') AS viewed, lower('A') AS lowered, usage_macro(41) AS added";

/// The values of [`ROWS`] as long as nobody changes them.
const UNCHANGED: &str = "events = '50/1225' AND keys = '2/3' AND of_the_host = 0 AND owned = 5 AND applied = 2 AND viewed = 2
        AND lowered = 'a' AND added = 42";

/// Objects that are not the attacker's, and the settings of the instance.
const OBJECTS: &str = "SELECT list(o ORDER BY o) FROM (
        SELECT sql AS o FROM duckdb_tables() WHERE table_name IN ('usage_events', 'usage_keys', 'audit_log', 'session_processor_state',
            'session_processor_failure', 'processor_schedule', 'processor_table', 'processor_reference_table', 'processor_pause', 'schema_migration')
        UNION ALL SELECT sql FROM duckdb_indexes() WHERE index_name = 'usage_index'
        UNION ALL SELECT sql FROM duckdb_views() WHERE view_name = 'usage_view'
        UNION ALL SELECT sequence_name FROM duckdb_sequences() WHERE sequence_name = 'usage_sequence'
        UNION ALL SELECT function_name || coalesce(macro_definition, '') FROM duckdb_functions() WHERE function_name IN ('usage_macro', 'lower', 'max', 'count', '+')
        UNION ALL SELECT database_name || coalesce(path, '') FROM duckdb_databases()
        UNION ALL SELECT schema_name FROM duckdb_schemas()
        UNION ALL SELECT name || '=' || coalesce(value, '') FROM duckdb_settings() WHERE scope = 'GLOBAL')";

/// How far a sequence is. A processor may take numbers from any; a query may not.
const SEQUENCE: &str = "SELECT coalesce(last_value, 0) FROM duckdb_sequences() WHERE sequence_name = 'usage_sequence'";

struct Scene {
    _folder: tempfile::TempDir,
    state: State,
    before: Vec<String>,
}

impl Scene {
    fn set() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::open(&folder.path().join("state.duckdb")).expect("a state");
        for (name, sql) in [("victim", VICTIM), ("attacker", ATTACKER)] {
            let migrations = [Migration::new(1, "tables", sql)];
            state.prepare_processor(declared(&named(name), &migrations)).expect("tables");
        }
        let before = look(&state);
        Self {
            _folder: folder,
            state,
            before,
        }
    }

    /// Runs a text; whether the scene must be set anew.
    fn runs(&self, call: u8, sql: &str) -> bool {
        match call % 4 {
            0 => {
                let reader = self.state.reader().expect("a reader");
                let limits = QueryLimits {
                    rows: 100,
                    bytes: 1 << 20,
                    memory: 1 << 30,
                };
                let interrupt = reader.interrupt_handle();
                let before = seen(&reader, SEQUENCE);
                let _ = in_time(|| interrupt.interrupt(), || reader.query(sql, &[], limits).is_ok());
                let after = seen(&self.state.reader().expect("a reader"), SEQUENCE);
                assert_eq!(before, after, "{sql:?} took a number of a sequence");
                false
            }
            1 => {
                let migrations = [
                    Migration::new(1, "tables", ATTACKER),
                    Migration::new(2, "attack", sql),
                ];
                let _ = self.state.prepare_processor(declared(&named("attacker"), &migrations));
                true
            }
            call => {
                self.attempts(call == 2, sql);
                false
            }
        }
    }

    /// Runs a text as a processor does, and looks at the rows within its transaction, which is rolled back.
    fn attempts(&self, executes: bool, sql: &str) {
        let rules = self.state.statement_rules(&named("attacker")).expect("rules");
        let mut transaction = self.state.begin_attempt().expect("a transaction");
        let interrupt = transaction.interrupt_handle();
        let passed = in_time(
            || interrupt.interrupt(),
            || match executes {
                true => transaction.execute(&rules, sql, &[]).is_ok(),
                false => transaction.query(&rules, sql, &[], |_| Ok(())).is_ok(),
            },
        );
        if passed {
            let looking = format!("SELECT * FROM ({ROWS}) WHERE {UNCHANGED}");
            let rows = transaction.query(&rules, &looking, &[], |_| Ok(()));
            assert_eq!(rows.expect("the rows of others can be read"), 1, "{sql:?} changed rows of others");
        }
    }
}

fn named(name: &str) -> ProcessorName {
    name.parse().expect("a name")
}

fn declared<'a>(processor: &'a ProcessorName, migrations: &'a [Migration]) -> DeclaredTables<'a> {
    DeclaredTables {
        processor,
        migrations,
        session_tables: &[],
    }
}

fn look(state: &State) -> Vec<String> {
    let reader = state.reader().expect("a reader");
    [ROWS, OBJECTS].map(|sql| seen(&reader, sql)).to_vec()
}

fn seen(reader: &Reader, sql: &str) -> String {
    let answer = reader.query(sql, &[], QueryLimits::NONE).expect("the state can be looked at");
    let rows = answer.rows.iter().flatten();
    rows.map(|value| value.get()).collect::<Vec<_>>().join("\n")
}

/// Does `work`, and interrupts it where it takes long.
fn in_time<T>(interrupt: impl Fn() + Sync, work: impl FnOnce() -> T) -> T {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            thread::park_timeout(Duration::from_millis(500));
            while !ended.load(Ordering::Acquire) {
                interrupt();
                thread::park_timeout(Duration::from_millis(20));
            }
        });
        let result = work();
        ended.store(true, Ordering::Release);
        watching.thread().unpark();
        result
    })
}

static SCENE: Mutex<Option<Scene>> = Mutex::new(None);

fuzz_target!(|input: &[u8]| {
    let Some((call, text)) = input.split_first() else { return };
    let Ok(sql) = std::str::from_utf8(text) else { return };
    let mut kept = SCENE.lock().expect("one thread");
    let scene = kept.get_or_insert_with(Scene::set);
    let anew = scene.runs(*call, sql);
    assert_eq!(look(&scene.state), scene.before, "{sql:?} changed what is not its own");
    if anew {
        *kept = None;
    }
});
