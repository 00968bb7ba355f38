//! Keeps a state from changing while it is copied.
//!
//! A table lock admits readers and makes writers wait. The machines cannot renew under it, so it is only taken where no machine
//! lives.

use std::time::Duration;

use super::looking::look;
use crate::postgres::{Limits, PostgresAddress, PostgresError, SCHEMA, Session};

/// What the connection is called.
const NAME: &str = "session-host-standstill";

/// Nothing that it asks takes long. A command of somebody else may hold a lock for some seconds.
const LIMITS: Limits = Limits {
    statement: Duration::from_secs(30),
    lock: Duration::from_secs(10),
    answer: Duration::from_secs(40),
};

/// As long as it lives, nobody writes to the state, and no machine joins.
pub struct Standstill {
    session: Session,
}

/// Why a state does not stand still.
#[derive(Debug, thiserror::Error)]
pub enum NoStandstill {
    /// Machines live there.
    #[error(
        "the state {address} is in use by {}: end session-host there, then run this again",
        machines.join(", ")
    )]
    InUse {
        /// The database.
        address: String,
        /// The names of the machines.
        machines: Vec<String>,
    },
    /// PostgreSQL did not do it.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
}

impl Standstill {
    /// Lets the state at this address stand still. It must have all tables.
    ///
    /// # Errors
    /// When a machine lives there, or somebody writes for longer than some seconds.
    pub fn begin(address: &PostgresAddress) -> Result<Self, NoStandstill> {
        let mut session = Session::open(address, NAME, LIMITS)?;
        refuse_machines(&mut session, address)?;
        session.batch("keep others from writing to the state", &locking())?;
        // One may have joined before the locks.
        refuse_machines(&mut session, address)?;
        Ok(Self { session })
    }

    /// Makes sure that the state has stood still until now.
    ///
    /// # Errors
    /// When the connection has ended, and with it the locks.
    pub fn has_held(&mut self) -> Result<(), PostgresError> {
        self.session.batch("look whether the state has stood still", "SELECT 1")
    }
}

fn refuse_machines(session: &mut Session, address: &PostgresAddress) -> Result<(), NoStandstill> {
    let seen = look(session)?.machines;
    let living = seen.into_iter().filter(|seen| !seen.is_silent());
    let machines: Vec<String> = living.map(|seen| seen.machine.name).collect();
    match machines.is_empty() {
        true => Ok(()),
        false => Err(NoStandstill::InUse {
            address: address.to_string(),
            machines,
        }),
    }
}

/// The transaction stays open, and keeps its locks. It does nothing meanwhile, for as long as the copy takes.
fn locking() -> String {
    format!(
        "BEGIN;
         SET LOCAL idle_in_transaction_session_timeout = 0;
         DO $lock$ DECLARE place record; BEGIN
             FOR place IN SELECT tab.oid::regclass AS tab FROM pg_class AS tab
                 JOIN pg_namespace AS space ON space.oid = tab.relnamespace
                 WHERE space.nspname = '{SCHEMA}' AND tab.relkind = 'r' ORDER BY tab.oid
             LOOP EXECUTE format('LOCK TABLE %s IN SHARE MODE', place.tab); END LOOP;
         END $lock$"
    )
}
