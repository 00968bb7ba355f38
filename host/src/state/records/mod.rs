//! The rows of the host's own tables: the records of sessions, failures and runs.

pub(crate) mod audit;
pub(crate) mod causes;
pub(crate) mod failures;
pub(crate) mod sessions;
