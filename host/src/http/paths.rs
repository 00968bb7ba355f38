//! The paths that more than one part of the service serves. The audit log names a path where nothing else tells what was done.

/// Tells the health.
pub(crate) const HEALTH: &str = "/api/health";
/// Tells the metrics.
pub(crate) const METRICS: &str = "/metrics";
/// Runs a processor.
pub(crate) const RUN: &str = "/api/admin/run-session-processor";
/// Retries failing sessions.
pub(crate) const RETRY: &str = "/api/admin/retry";
/// Marks sessions to be processed again.
pub(crate) const REPROCESS: &str = "/api/admin/reprocess";
/// Pauses a processor.
pub(crate) const PAUSE: &str = "/api/admin/pause";
/// Resumes a processor.
pub(crate) const RESUME: &str = "/api/admin/resume";
/// Forgets a user or a session.
pub(crate) const FORGET: &str = "/api/admin/forget";
/// Loads new, changed and removed plugins.
pub(crate) const RELOAD: &str = "/api/admin/reload-plugins";
/// Runs a query.
pub(crate) const QUERY: &str = "/api/admin/query";
/// Runs a report.
pub(crate) const REPORT: &str = "/api/reports/{name}";
/// Searches the texts of transcripts.
pub(crate) const SEARCH: &str = "/api/search";
