//! The open state: its connections, whether it accepts statements, and how it is reopened after a fault of its disk.

pub(crate) mod open_state;
pub(crate) mod opened;
pub(crate) mod recovery;
