//! Reads the audit log by pages: the entries that match a filter, before an entry that is already known.

use duckdb::{Connection, params};

use crate::state::{
    error::{Doing, Result},
    records::audit::{AuditEntry, entry},
};

/// Which entries of the audit log. What is not set matches every entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Who acted.
    pub actor: Option<String>,
    /// What the action or its object contains, in capitals or not.
    pub text: Option<String>,
    /// How it ended.
    pub result: Option<String>,
    /// The action.
    pub action: Option<String>,
    /// Only entries with a smaller number.
    pub before: Option<i64>,
}

/// Lists the latest entries that match, the latest first.
pub(crate) fn list(connection: &Connection, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>> {
    let doing = "read the audit log";
    let sql = "SELECT id, timestamp::VARCHAR, actor, action, resource, params::VARCHAR, result, duration_ms FROM audit_log
               WHERE coalesce(actor = ?1, true) AND coalesce(result = ?2, true) AND coalesce(action = ?3, true)
                 AND coalesce(id < ?4, true)
                 AND coalesce(system.main.contains(system.main.lower(action || ' ' || resource), system.main.lower(?5)), true)
               ORDER BY id DESC LIMIT ?6";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let parameters = params![
        filter.actor,
        filter.result,
        filter.action,
        filter.before,
        filter.text,
        limit
    ];
    let rows = statement.query_map(parameters, entry);
    rows.and_then(Iterator::collect).doing(doing)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use session_plugin_api::Timestamp;

    use super::*;
    use crate::state::{Actor, AuditRecord, Outcome, State};

    #[test]
    fn entries_are_filtered_and_read_by_pages() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.duckdb")).unwrap();
        for number in 0..6 {
            let verb = if number % 2 == 0 { "pause" } else { "resume" };
            let (action, resource) = AuditRecord::names_of(verb, "usage");
            let record = AuditRecord {
                actor: if number < 3 { Actor::Cli } else { Actor::Admin },
                action,
                resource,
                started_at: Timestamp::from_micros(number),
                duration: Duration::ZERO,
                outcome: if number == 5 { Outcome::Failed } else { Outcome::Success },
                params: serde_json::json!({"number": number}),
            };
            state.audit(&record).unwrap();
        }
        let reader = state.reader().unwrap();
        let ids = |filter: AuditFilter, limit| {
            let entries = reader.audit_entries(&filter, limit).unwrap();
            entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
        };
        let set = |text: &str| Some(text.to_owned());
        assert_eq!(ids(AuditFilter::default(), 2), [6, 5]);
        assert_eq!(
            ids(
                AuditFilter {
                    before: Some(5),
                    ..AuditFilter::default()
                },
                2
            ),
            [4, 3]
        );
        assert_eq!(
            ids(
                AuditFilter {
                    actor: set("cli"),
                    ..AuditFilter::default()
                },
                9
            ),
            [3, 2, 1]
        );
        assert_eq!(
            ids(
                AuditFilter {
                    result: set("failed"),
                    ..AuditFilter::default()
                },
                9
            ),
            [6]
        );
        assert_eq!(
            ids(
                AuditFilter {
                    text: set("PAUSE"),
                    ..AuditFilter::default()
                },
                9
            ),
            [5, 3, 1]
        );
        assert_eq!(
            ids(
                AuditFilter {
                    action: set("resume:usage"),
                    ..AuditFilter::default()
                },
                9
            ),
            [6, 4, 2]
        );
        assert_eq!(
            ids(
                AuditFilter {
                    text: set("100%_"),
                    ..AuditFilter::default()
                },
                9
            ),
            [0_i64; 0]
        );
    }
}
