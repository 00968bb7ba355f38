//! What keeps a host from committing what is no longer its own, and how a test does without it.
//!
//! The tests show what each safeguard is for: they do without it, and something goes wrong. Only a build with the cargo
//! feature `unguarded` can do without. No release has the feature, so the variable is no setting.

use std::env;

/// Names the safeguards to do without, with commas between them.
const VARIABLE: &str = "UNGUARDED";

/// A safeguard of a state that several hosts share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safeguard {
    /// A commit looks whether other hosts have taken over, migrated the tables or forgotten somebody.
    Fence,
    /// A commit looks whether its sessions are recorded already.
    Comparison,
    /// A take-over ends the connections of the dead host.
    EndOfConnections,
}

impl Safeguard {
    /// Whether the host relies on it: always, except in a test.
    #[must_use]
    pub fn is_on(self) -> bool {
        !(cfg!(feature = "unguarded") && self.is_among(&env::var(VARIABLE).unwrap_or_default()))
    }

    fn is_among(self, names: &str) -> bool {
        names.split(',').any(|name| name == self.name())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Fence => "fence",
            Self::Comparison => "comparison",
            Self::EndOfConnections => "end-of-connections",
        }
    }
}
