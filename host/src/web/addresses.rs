//! The addresses of the pages and of their parts and actions, each once.

/// The overview.
pub(super) const OVERVIEW: &str = "/";
/// The runs of the last day, on the overview.
pub(super) const OVERVIEW_RUNS: &str = "/overview/runs";
/// The small charts, on the overview.
pub(super) const OVERVIEW_CHARTS: &str = "/overview/charts";
/// What changes on the overview.
pub(super) const LIVE_OVERVIEW: &str = "/live/overview";
/// The processors.
pub(super) const PROCESSORS: &str = "/processors";
/// What changes among the processors.
pub(super) const LIVE_PROCESSORS: &str = "/live/processors";
/// Loads new, changed and removed plugins.
pub(super) const RELOAD: &str = "/plugins/reload";
/// The reports.
pub(super) const REPORTS: &str = "/reports";
/// The search.
pub(super) const SEARCH: &str = "/search";
/// The sessions.
pub(super) const SESSIONS: &str = "/sessions";
/// One session.
pub(super) const SESSION: &str = "/sessions/one";
/// One line of a session.
pub(super) const SESSION_LINE: &str = "/sessions/one/line";
/// What a processor stored of a session.
pub(super) const SESSION_ROWS: &str = "/sessions/one/rows";
/// The sessions that fail.
pub(super) const FAILURES: &str = "/failures";
/// The attempts at one session.
pub(super) const ATTEMPTS: &str = "/failures/session";
/// Retries sessions that fail.
pub(super) const RETRY: &str = "/failures/retry";
/// Forgets a session.
pub(super) const FORGET: &str = "/sessions/forget";
/// The machines that share the state.
pub(super) const CLUSTER: &str = "/cluster";
/// The audit log.
pub(super) const AUDIT: &str = "/audit";
/// The console.
pub(super) const QUERY: &str = "/query";
/// The form that takes a token.
pub(super) const SIGN_IN: &str = "/sign-in";
/// Ends a visit.
pub(super) const SIGN_OUT: &str = "/sign-out";
/// The scripts and styles.
pub(super) const ASSETS: &str = "/assets";

/// The page of a processor.
pub(super) fn processor(name: &str) -> String {
    below(PROCESSORS, name)
}

/// The page that says what to process sessions again would cost.
pub(super) fn reprocess(processor: &str) -> String {
    format!("{}/reprocess", below(PROCESSORS, processor))
}

/// What changes on the page of a processor.
pub(super) fn live_processor(name: &str) -> String {
    below(LIVE_PROCESSORS, name)
}

/// The page of a report.
pub(super) fn report(name: &str) -> String {
    below(REPORTS, name)
}

/// The failures of a processor.
pub(super) fn failures_of(processor: &str) -> String {
    with_fields(FAILURES, &[("processor", processor)])
}

/// The page of a session.
pub(super) fn session(key: &str) -> String {
    with_fields(SESSION, &[("key", key)])
}

/// The page of a session, at a line.
pub(super) fn session_at(key: &str, line: u64) -> String {
    with_fields(SESSION, &[("key", key), ("at", &line.to_string())])
}

/// The page of a session that has a line, from its top.
pub(super) fn session_from(key: &str, line: u64) -> String {
    with_fields(SESSION, &[("key", key), ("from", &line.to_string())])
}

/// The page of one line of a session.
pub(super) fn session_line(key: &str, line: u64) -> String {
    with_fields(SESSION_LINE, &[("key", key), ("at", &line.to_string())])
}

/// The rows of a table that belong to a session.
pub(super) fn session_rows(key: &str, table: &str) -> String {
    with_fields(SESSION_ROWS, &[("key", key), ("table", table)])
}

/// The attempts at a session.
pub(super) fn attempts(key: &str) -> String {
    with_fields(ATTEMPTS, &[("key", key)])
}

/// The page that says what to forget a session would remove.
pub(super) fn forget(key: &str) -> String {
    with_fields(FORGET, &[("key", key)])
}

fn below(address: &str, name: &str) -> String {
    // A space in a path is no plus.
    let name = form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
    format!("{address}/{}", name.replace('+', "%20"))
}

/// An address with fields.
fn with_fields(address: &str, fields: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("{address}?{}", query.extend_pairs(fields).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_stay_one_part_of_an_address() {
        assert_eq!(processor("a b/../?#é"), "/processors/a%20b%2F..%2F%3F%23%C3%A9");
        assert_eq!(
            session("ann/a&b=c d.jsonl"),
            "/sessions/one?key=ann%2Fa%26b%3Dc+d.jsonl"
        );
    }
}
