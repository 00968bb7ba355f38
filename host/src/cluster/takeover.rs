//! What a dead machine owned goes to those that live.
//!
//! A machine is dead that has not renewed for its own lease, as PostgreSQL measures it. It may also be paused, or cut off, and
//! come back. So its connections are ended first: PostgreSQL rolls back what they had begun, and with that their locks
//! go. Then the row of the machine is deleted. The `DELETE` waits for a commit that already holds the lock of this row,
//! and every later commit finds the row gone.

use std::time::Duration;

use super::machine::MachineId;
use crate::{
    postgres::{PostgresError, Session},
    safeguards::Safeguard,
};

/// A machine that has not renewed for its lease.
pub(super) struct Dead {
    pub(super) id: MachineId,
    pub(super) name: String,
}

/// For how long PostgreSQL has run. Before, nobody could renew.
pub(super) fn uptime(session: &mut Session) -> Result<Duration, PostgresError> {
    let row = session.row(
        "ask since when PostgreSQL runs",
        "SELECT (extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()) * 1000000)::bigint",
        &[],
    )?;
    let micros = u64::try_from(row.get::<_, i64>(0));
    Ok(Duration::from_micros(micros.unwrap_or_default()))
}

/// The machines that are dead, in the order of their incarnations. `reached_for` is for how long this machine has reached
/// PostgreSQL again after an outage: the others may have needed as long, so nobody is dead who may be silent for longer.
pub(super) fn dead(
    session: &mut Session,
    me: MachineId,
    reached_for: Option<Duration>,
) -> Result<Vec<Dead>, PostgresError> {
    let rows = session.query(
        "find dead machines",
        "SELECT id, name FROM session_host_machine
         WHERE seen < clock_timestamp() - make_interval(secs => lease_seconds) AND id <> $1
           AND coalesce(lease_seconds <= $2, true) ORDER BY id",
        &[&me.0, &reached_for.map(|reached| reached.as_secs_f64())],
    )?;
    Ok(rows
        .iter()
        .map(|row| Dead {
            id: MachineId(row.get(0)),
            name: row.get(1),
        })
        .collect())
}

/// Takes a machine over, unless it has renewed meanwhile or another machine was faster. `true` if this one did it.
///
/// # Errors
/// [`PostgresError::is_lock_timeout`] when a commit of the dead machine did not end in time: the next round tries again.
pub(super) fn take_over(session: &mut Session, dead: &Dead, me: MachineId) -> Result<bool, PostgresError> {
    if Safeguard::EndOfConnections.is_on() {
        end_connections(session, dead)?;
    }
    let taken = session.execute(
        "take a dead machine over",
        "WITH gone AS (
             DELETE FROM session_host_machine
             WHERE id = $1 AND seen < clock_timestamp() - make_interval(secs => lease_seconds)
             RETURNING id, name
         )
         INSERT INTO session_host_takeover (at, dead_id, dead_name, by_id)
         SELECT clock_timestamp(), id, name, $2 FROM gone",
        &[&dead.id.0, &me.0],
    )?;
    Ok(taken > 0)
}

/// This only sends the signals. The `DELETE` waits for the locks of the transactions that matter.
fn end_connections(session: &mut Session, dead: &Dead) -> Result<(), PostgresError> {
    session.query(
        "end the connections of a dead machine",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = $1 AND datname = current_database() AND pid <> pg_backend_pid()",
        &[&dead.id.application_name()],
    )?;
    Ok(())
}
