//! A machine says that it lives.

use std::time::Instant;

use super::{
    error::ClusterError,
    joining::{Divisions, names},
    machine::MachineId,
};
use crate::{clock, postgres::Session};

/// How far the clock of this machine is ahead of that of PostgreSQL, at the last renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockDifference {
    /// The difference in microseconds; negative if this machine is behind.
    pub micros: i64,
    /// How much the difference may be off, either way: half of the time that PostgreSQL took to answer.
    pub uncertain_micros: i64,
}

/// A renewal that others have seen.
pub(super) struct Renewed {
    /// When it was sent, by the clock of this machine that never jumps. PostgreSQL recorded a later time, so a lease from
    /// here has passed before one from there.
    pub(super) sent: Instant,
    pub(super) clock: ClockDifference,
}

/// Renews an incarnation, if nobody has ended it, and says which processors the machine has: it takes part in sharing these.
pub(super) fn renew(session: &mut Session, me: MachineId, divisions: &Divisions) -> Result<Renewed, ClusterError> {
    let (sent, sent_at) = (Instant::now(), clock::now());
    let rows = session.query(
        "renew this machine",
        "UPDATE session_host_machine SET seen = clock_timestamp(), processors = $2 WHERE id = $1
         RETURNING (extract(epoch FROM seen) * 1000000)::bigint",
        &[&me.0, &names(divisions)],
    )?;
    let row = rows.first().ok_or(ClusterError::Fenced)?;
    let half = i64::try_from(sent.elapsed().as_micros() / 2).unwrap_or(i64::MAX);
    let there: i64 = row.get(0);
    let here = sent_at.as_micros().saturating_add(half);
    let clock = ClockDifference {
        micros: here.saturating_sub(there),
        uncertain_micros: half,
    };
    Ok(Renewed { sent, clock })
}
