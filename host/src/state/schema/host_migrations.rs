//! Migrates the host's own tables when the state is opened.
//!
//! A state may come from an older system. Tables that it made for this host are kept and extended. A table that only
//! has the name of one of the host's is renamed, and not dropped.

use std::path::Path;

use duckdb::Connection;

use crate::state::{
    engine::sql::{in_transaction, quoted, table_exists},
    error::{Doing, Result, StateError},
    schema::{
        applied_migrations::{self, HOST},
        declared::Foundations,
        host_tables::{HOST_TABLES, Origin},
        shadows,
    },
};

/// The migrations of the host's tables, in order: the first is version 1.
const STEPS: [&str; 5] = [
    include_str!("0001_tables.sql"),
    include_str!("0002_reading.sql"),
    include_str!("0003_reference_tables.sql"),
    include_str!("0004_failure_kinds_and_pauses.sql"),
    include_str!("0005_alerts.sql"),
];

/// The table of the older service, whose only processor was `verification`.
const OLDER_TABLE: &str = "session_extraction_state";

/// The version of the newest migration.
pub(crate) fn newest() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

/// The migrations after a version, each with its own.
pub(crate) fn after(version: u32) -> impl Iterator<Item = (u32, &'static str)> {
    (1..).zip(STEPS).skip(version as usize)
}

/// Migrates the host's tables from any earlier form. Returns what the state is founded on, unless anything changed.
pub(crate) fn bring_up_to_date(connection: &Connection, path: &Path) -> Result<Option<Foundations>> {
    let known = newest();
    let foundations = Foundations::read(connection)?;
    let Foundations { tables, migrations } = &foundations;
    let found = migrations.newest_of(HOST);
    if found > known {
        return Err(StateError::NewerSchema {
            path: path.to_owned(),
            found,
            known,
        });
    }
    let mut changed = false;
    if found == 0 {
        in_transaction(connection, "move older tables aside", |connection| {
            let in_the_way = HOST_TABLES.iter().filter(|table| table.origin == Origin::MovedAside);
            in_the_way
                .map(|table| table.name)
                .filter(|table| tables.contains(*table))
                .try_for_each(|table| move_aside(connection, table))
        })?;
    }
    for (version, sql) in after(found) {
        in_transaction(connection, "create the host's tables", |connection| {
            connection.execute_batch(sql).doing("create the host's tables")?;
            applied_migrations::record(connection, HOST, version, &applied_migrations::checksum(sql))
        })?;
        changed = true;
    }
    if tables.contains(OLDER_TABLE) {
        in_transaction(connection, "take over the older table", |connection| {
            let sql = include_str!("take_over.sql");
            connection.execute_batch(sql).doing("take over the older table")
        })?;
        tracing::info!(table = OLDER_TABLE, "took over the older service's table");
        changed = true;
    }
    changed |= match tables.is_empty() {
        // Without a table there is no macro of an earlier version either, and to look takes 20 ms.
        true => shadows::note_none(connection)?,
        false => shadows::drop_once(connection, migrations)?,
    };
    Ok((!changed).then_some(foundations))
}

/// The new name of an older system's table that is in the way.
pub(crate) fn legacy_name(table: &str) -> String {
    format!("legacy_{table}")
}

/// Renames an older system's table that is in the way.
pub(crate) fn move_aside(connection: &Connection, table: &str) -> Result<()> {
    let legacy = legacy_name(table);
    if table_exists(connection, &legacy)? {
        return Err(StateError::LegacyTaken {
            table: table.to_owned(),
        });
    }
    tracing::warn!(
        table,
        legacy,
        "a table of an older system is in the way: moving it aside"
    );
    // A table with indexes cannot be renamed, but its rows can be copied.
    let (table, legacy) = (quoted(table), quoted(&legacy));
    let sql = format!("CREATE TABLE {legacy} AS FROM {table}; DROP TABLE {table}");
    connection.execute_batch(&sql).doing("move an older table aside")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opens a database that keeps everything in its WAL, as one that was killed leaves it.
    fn open(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        let keep_the_wal = "PRAGMA disable_checkpoint_on_shutdown; SET wal_autocheckpoint = '1TB'";
        connection.execute_batch(keep_the_wal).unwrap();
        connection
    }

    /// A state of the version before, with one failure.
    fn state_with_a_failure(path: &Path) {
        let connection = open(path);
        for (version, sql) in (1..).zip(&STEPS[..3]) {
            connection.execute_batch(sql).unwrap();
            let checksum = applied_migrations::checksum(sql);
            applied_migrations::record(&connection, HOST, version, &checksum).unwrap();
        }
        let sql = "INSERT INTO session_processor_failure VALUES
                       ('probe', 'alice/a.jsonl', 'alice', 'f00', 7, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-02', 'panic', 'at a')";
        connection.execute_batch(sql).unwrap();
    }

    fn failures(connection: &Connection) -> String {
        let sql = "SELECT system.main.to_json(failure)::VARCHAR FROM session_processor_failure AS failure";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn failures_of_the_version_before_are_kept_also_where_the_host_is_killed_right_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.duckdb");
        state_with_a_failure(&path);
        let connection = open(&path);
        assert!(bring_up_to_date(&connection, &path).unwrap().is_none());
        let expected = concat!(
            r#"{"processor_name":"probe","session_file":"alice/a.jsonl","username":"alice","file_hash":"f00","attempts":7,"#,
            r#""first_failed_at":"2026-01-01 00:00:00","last_failed_at":"2026-01-02 00:00:00","kind":"panic","error":"at a","#,
            r#""counted_attempts":0,"file_size":null,"file_mtime":null,"output_version":null,"plugin_digest":null}"#
        );
        assert_eq!(failures(&connection), expected);
        drop(connection);
        let replayed = open(&path);
        assert_eq!(failures(&replayed), expected);
        for kind in ["error", "panic", "timeout", "crash", "memory"] {
            let sql = "UPDATE session_processor_failure SET kind = ?";
            assert_eq!(replayed.execute(sql, [kind]).unwrap(), 1, "{kind}");
        }
        assert!(
            replayed
                .execute("UPDATE session_processor_failure SET kind = 'x'", [])
                .is_err()
        );
    }
}
