//! The names of the host's own tables.

/// The record of each session that a processor has processed.
pub(crate) const SESSION_STATE: &str = "session_processor_state";
/// The failures of sessions.
pub(crate) const SESSION_FAILURE: &str = "session_processor_failure";
/// The migrations that were applied.
pub(crate) const SCHEMA_MIGRATION: &str = "schema_migration";
/// The reference tables, and the digests of their rows.
pub(crate) const REFERENCE_TABLE: &str = "processor_reference_table";

/// The pauses of processors.
pub(crate) const PAUSE: &str = "processor_pause";
/// The alerts that fired.
pub(crate) const ALERT: &str = "alert";

/// A table of the host's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostTable {
    pub(crate) name: &'static str,
    pub(crate) origin: Origin,
}

/// The origin of a table of this name, in a state without a recorded schema of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An older system made it for this one: it is kept and migrated.
    Kept,
    /// It has the name by chance: it is renamed.
    MovedAside,
}

/// All tables of the host.
pub(crate) const HOST_TABLES: [HostTable; 9] = [
    HostTable {
        name: SESSION_STATE,
        origin: Origin::Kept,
    },
    HostTable {
        name: SESSION_FAILURE,
        origin: Origin::MovedAside,
    },
    HostTable {
        name: "processor_schedule",
        origin: Origin::MovedAside,
    },
    HostTable {
        name: "audit_log",
        origin: Origin::MovedAside,
    },
    HostTable {
        name: "processor_table",
        origin: Origin::MovedAside,
    },
    HostTable {
        name: REFERENCE_TABLE,
        origin: Origin::MovedAside,
    },
    HostTable {
        name: PAUSE,
        origin: Origin::MovedAside,
    },
    HostTable {
        name: ALERT,
        origin: Origin::MovedAside,
    },
    HostTable {
        name: SCHEMA_MIGRATION,
        origin: Origin::Kept,
    },
];

/// Whether a table is one of the host's own, in any letter case.
pub(crate) fn is_of_the_host(table: &str) -> bool {
    HOST_TABLES.iter().any(|known| known.name.eq_ignore_ascii_case(table))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::state::{QueryLimits, State};

    #[test]
    fn the_list_names_every_table_of_a_new_state() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.duckdb")).unwrap();
        let sql = "SELECT table_name FROM duckdb_tables() WHERE NOT temporary";
        let found = state.reader().unwrap().query(sql, &[], QueryLimits::NONE).unwrap();
        let found = found.rows.iter().map(|row| row[0].get().trim_matches('"'));
        let found: BTreeSet<&str> = found.collect();
        assert_eq!(found, HOST_TABLES.iter().map(|table| table.name).collect());
    }

    #[test]
    fn a_table_of_the_host_is_recognised_in_any_letter_case() {
        assert!(is_of_the_host("Audit_LOG"));
        assert!(!is_of_the_host("audit_logs"));
    }
}
