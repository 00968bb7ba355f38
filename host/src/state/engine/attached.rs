//! Statements of PostgreSQL's own, in the transaction of a link that attaches its database.
//!
//! DuckDB reads the rows that a statement names, and sends their places back. Where PostgreSQL can do all of it, the host
//! asks PostgreSQL itself.

use duckdb::Connection;

pub(crate) use crate::postgres::SCHEMA;
use crate::{
    cluster::LEASE,
    state::{
        engine::sql::text,
        error::{Doing as _, Result},
    },
};

/// The name under which instances attach the database.
pub(crate) const CATALOG: &str = "pg";

/// The table without columns that repeated attempts lock, so that they pass one after the other.
pub(crate) const LANE: &str = "session_host_lane";

/// How long a transaction that has locked all leases may pause between two statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LongestPause {
    /// As long as the usual lease.
    Lease,
    /// As long as DuckDB may compute rows that it has read already: a migration changes all rows of a table.
    Migration,
}

impl LongestPause {
    fn as_str(self) -> &'static str {
        match self {
            Self::Lease => "15s",
            Self::Migration => "10min",
        }
    }
}

/// The query of DuckDB that passes this one to PostgreSQL, and gives its rows.
pub(crate) fn passed_through(query: &str) -> String {
    format!("FROM postgres_query('{CATALOG}', {})", text(query))
}

/// Runs statements of PostgreSQL's own.
///
/// # Errors
/// When PostgreSQL rejects one, or cannot be reached.
pub(crate) fn execute(connection: &Connection, doing: &'static str, sql: &str) -> Result<()> {
    let call = format!("CALL postgres_execute('{CATALOG}', {})", text(sql));
    connection.execute_batch(&call).doing(doing)
}

/// Locks a table against everybody who locks it or a row of it, until the transaction ends. It reads nothing, so the
/// transaction's snapshot is younger.
///
/// # Errors
/// When PostgreSQL cannot be reached.
pub(crate) fn lock(connection: &Connection, doing: &'static str, table: &str) -> Result<()> {
    execute(
        connection,
        doing,
        &format!("LOCK TABLE {SCHEMA}.{table} IN EXCLUSIVE MODE"),
    )
}

/// Locks all leases, so that nobody commits sessions until the transaction ends. Commits that began before meet a conflict
/// then, and see what the transaction wrote when they are repeated.
///
/// While the lock is held, nobody takes a dead host over either. So PostgreSQL ends the transaction of a process that stands
/// still.
///
/// # Errors
/// When PostgreSQL cannot be reached.
pub(crate) fn lock_leases(connection: &Connection, doing: &'static str, longest_pause: LongestPause) -> Result<()> {
    let limit = format!(
        "SET LOCAL idle_in_transaction_session_timeout = '{}'",
        longest_pause.as_str()
    );
    execute(connection, doing, &limit)?;
    lock(connection, doing, LEASE)?;
    execute(connection, doing, &format!("UPDATE {SCHEMA}.{LEASE} SET owner = owner"))
}

/// A list of texts, for `IN`.
pub(crate) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(text).collect();
    format!("({})", quoted.join(", "))
}
