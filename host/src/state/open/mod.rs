//! The open state: its connections, whether it takes statements, and how it is opened anew after a fault of its disk.

pub(crate) mod ailment;
pub(crate) mod open_state;
pub(crate) mod opened;
pub(crate) mod recovery;
