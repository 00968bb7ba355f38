//! The tables by which the machines agree.

use crate::postgres::{PostgresError, SCHEMA, Session};

/// The statements that make the tables. Making them again changes nothing.
pub const TABLES: &str = include_str!("tables.sql");

/// The table of the incarnations.
pub const MACHINE: &str = "session_host_machine";

/// The table of what is asked of all hosts.
pub(super) const REQUEST: &str = "session_host_request";

/// The table of the leases.
pub const LEASE: &str = "session_host_lease";

/// The table of what the machines say of their processors.
pub const REPORT: &str = "session_host_report";

/// The advisory lock under which the tables are made: `IF NOT EXISTS` alone fails when two make a table at once.
const LOCK: i64 = 0x5e55_1055_2d63_6c75;

/// Makes the tables and their schema, if they are not there.
///
/// # Errors
/// When PostgreSQL refuses it.
pub fn make_tables(session: &mut Session) -> Result<(), PostgresError> {
    const DOING: &str = "make the tables of the machines";
    session.in_transaction(DOING, |session| {
        session.query(DOING, "SELECT pg_advisory_xact_lock($1)", &[&LOCK])?;
        session.batch(DOING, &format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))?;
        session.batch(DOING, TABLES)
    })
}
