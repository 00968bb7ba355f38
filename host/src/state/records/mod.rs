//! The rows of the host's own tables: the records of sessions, failures, runs, pauses and alerts.

pub(crate) mod alerts;
pub(crate) mod attempts;
pub(crate) mod audit;
pub(crate) mod audit_entries;
pub(crate) mod causes;
pub(crate) mod failures;
pub(crate) mod pauses;
pub(crate) mod reprocessing;
pub(crate) mod sessions;
