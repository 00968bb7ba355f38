//! What tells a transaction from all others of its connection.

use crate::state::engine::{attached::passed_through, instance::Link};

/// The identity of the connection's transaction. After a failed statement, the database rejects this one, too.
///
/// DuckDB then reports success for COMMIT but rolls back. It rejects every statement but ROLLBACK and COMMIT, so one that
/// succeeds shows that COMMIT commits.
pub(super) fn transaction_id(link: &Link) -> duckdb::Result<i64> {
    let sql = match link.is_attached() {
        false => "SELECT system.main.txid_current()",
        // The time at which a transaction began tells it from all others of its connection.
        true => &passed_through("SELECT (extract(epoch FROM now()) * 1000000)::bigint AS began"),
    };
    link.prepare_cached(sql)?.query_row([], |row| row.get(0))
}
