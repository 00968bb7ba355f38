//! What a machine is called.

use std::fmt;

/// What every program calls itself to PostgreSQL, followed by the number of its incarnation.
const APPLICATION: &str = "session-host-";

/// What the connection of this module is called. No take-over ends it: it commits no sessions.
pub const CONTROL: &str = "session-host-control";

/// What the connection of somebody who looks at the machines is called.
pub(super) const LOOKING: &str = "session-host-looks";

/// A machine, as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name. Nothing depends on it.
    pub name: String,
    /// The version of session-host that runs there.
    pub version: String,
}

/// The number of an incarnation. A machine that joins gets a new one, and no other ever has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineId(pub(super) i64);

impl MachineId {
    /// The number.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }

    /// What every connection that commits sessions for this incarnation must be called. The take-over ends them by this
    /// name.
    #[must_use]
    pub fn application_name(self) -> String {
        format!("{APPLICATION}{}", self.0)
    }
}

impl fmt::Display for MachineId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
