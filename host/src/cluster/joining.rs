//! A machine becomes one of those that share the sessions, and leaves them.

use std::collections::BTreeMap;

use super::{
    buckets::BucketCount,
    machine::{Machine, MachineId},
    timing::Timing,
};
use crate::{
    names::ProcessorName,
    postgres::{PostgresError, Session},
};

/// The processors of a machine, and into how many buckets it divides each.
pub(super) type Divisions = BTreeMap<ProcessorName, BucketCount>;

/// A new incarnation of a machine. It owns nothing yet.
pub(super) fn join(
    session: &mut Session,
    machine: &Machine,
    divisions: &Divisions,
    timing: Timing,
) -> Result<MachineId, PostgresError> {
    let row = session.row(
        "join the machines",
        "INSERT INTO session_host_machine (name, version, seen, processors, lease_seconds)
         VALUES ($1, $2, clock_timestamp(), $3, $4) RETURNING id",
        &[
            &machine.name,
            &machine.version,
            &names(divisions),
            &timing.lease_seconds(),
        ],
    )?;
    Ok(MachineId(row.get(0)))
}

/// Ends an incarnation, which frees what it owns. A commit that still goes on ends first, or is refused.
pub(super) fn leave(session: &mut Session, me: MachineId) -> Result<(), PostgresError> {
    session.execute(
        "leave the machines",
        "DELETE FROM session_host_machine WHERE id = $1",
        &[&me.0],
    )?;
    Ok(())
}

/// The names of the processors, for SQL.
pub(super) fn names(divisions: &Divisions) -> Vec<&str> {
    divisions.keys().map(ProcessorName::as_str).collect()
}
