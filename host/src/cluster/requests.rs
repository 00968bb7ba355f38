//! What somebody asks of all machines: a command runs on one of them, and concerns the sessions of all.
//!
//! The requests have numbers in the order in which they become visible. So a reader that has seen one has missed none
//! before it. Each machine reads at every renewal what is new since it joined. Requests from before that are no concern of
//! it: what they changed for good is in the state.

use super::tables::REQUEST;
use crate::{
    names::ProcessorName,
    postgres::{PostgresError, SCHEMA, Session},
};
use session_plugin_api::Timestamp;

/// The number of a request. A later one has a higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(i64);

impl RequestId {
    /// The number.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }
}

/// How many requests one round reads at most.
const MOST: i64 = 1_000;

/// What is asked of the machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// Run a processor now.
    Run,
    /// Attempt failed sessions again.
    Retry,
    /// Mark sessions for processing again.
    Reprocess,
    /// Delete everything about a user or a session.
    Forget,
    /// Look at the pauses again: one began.
    Pause,
    /// Look at the pauses again: one ended.
    Resume,
    /// Load the plugin files again.
    Reload,
}

/// The kinds, with their names in the table.
const KINDS: [(RequestKind, &str); 7] = [
    (RequestKind::Run, "run"),
    (RequestKind::Retry, "retry"),
    (RequestKind::Reprocess, "reprocess"),
    (RequestKind::Forget, "forget"),
    (RequestKind::Pause, "pause"),
    (RequestKind::Resume, "resume"),
    (RequestKind::Reload, "reload"),
];

/// A request to all machines.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// Who asks, as the audit log names them.
    pub actor: String,
    /// What is asked.
    pub kind: RequestKind,
    /// Which processor it concerns, if not all of them.
    pub processor: Option<ProcessorName>,
    /// What else there is to know, as the kind defines it.
    pub payload: serde_json::Value,
}

impl NewRequest {
    /// A request about all processors, of whose kind there is no more to know.
    #[must_use]
    pub fn to_all(kind: RequestKind, actor: &str) -> Self {
        Self {
            actor: actor.to_owned(),
            kind,
            processor: None,
            payload: serde_json::Value::Null,
        }
    }
}

/// A request that somebody made.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its number.
    pub id: RequestId,
    /// When it was made, on the clock of PostgreSQL.
    pub asked_at: Timestamp,
    /// What is asked.
    pub asked: NewRequest,
}

impl RequestKind {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        KINDS
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, name)| name)
    }

    fn from_name(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// The statement that comes before [`recording`] in its transaction, and before the first read of it. Numbers are given before
/// they become visible; without the lock, a later one might become visible first.
#[must_use]
pub fn locking() -> String {
    format!("LOCK TABLE {SCHEMA}.{REQUEST} IN SHARE ROW EXCLUSIVE MODE")
}

/// The statement that records a request. The actor, the kind, the processor and the payload are SQL.
#[must_use]
pub fn recording([actor, kind, processor, payload]: [&str; 4]) -> String {
    format!(
        "INSERT INTO {SCHEMA}.{REQUEST} (asked_at, actor, kind, processor, payload)
         VALUES (clock_timestamp(), {actor}, {kind}, {processor}, {payload}::text::jsonb)"
    )
}

/// The number of the newest request: who joins hears what comes after it.
pub(super) fn newest(session: &mut Session) -> Result<RequestId, PostgresError> {
    let row = session.row(
        "find the newest request",
        "SELECT coalesce(max(id), 0) FROM session_host_request",
        &[],
    )?;
    Ok(RequestId(row.get(0)))
}

/// The requests after the given one, in order, and the number of the last one. What a newer version may ask is left out.
pub(super) fn after(session: &mut Session, last: RequestId) -> Result<(Vec<Request>, RequestId), PostgresError> {
    let rows = session.query(
        "read requests",
        "SELECT id, (extract(epoch FROM asked_at) * 1000000)::bigint, actor, kind, processor, payload::text
         FROM session_host_request WHERE id > $1 ORDER BY id LIMIT $2",
        &[&last.0, &MOST],
    )?;
    let mut position = last;
    let mut requests = Vec::new();
    for row in &rows {
        position = RequestId(row.get(0));
        match asked(row) {
            Some(asked) => requests.push(Request {
                id: position,
                asked_at: Timestamp::from_micros(row.get(1)),
                asked,
            }),
            None => tracing::warn!(
                request = position.number(),
                "a request is of a kind that only a newer version knows"
            ),
        }
    }
    Ok((requests, position))
}

fn asked(row: &tokio_postgres::Row) -> Option<NewRequest> {
    let processor = match row.get::<_, Option<&str>>(4) {
        Some(name) => Some(name.parse().ok()?),
        None => None,
    };
    Some(NewRequest {
        actor: row.get(2),
        kind: RequestKind::from_name(row.get(3))?,
        processor,
        payload: serde_json::from_str(row.get(5)).ok()?,
    })
}

/// Deletes what no machine needs any more: requests of a week ago, and take-overs of a month ago. The last request to forget
/// somebody stays: a machine that starts finds out by its number what has yet to be removed.
pub(super) fn prune(session: &mut Session) -> Result<(), PostgresError> {
    session.batch(
        "delete old requests",
        "DELETE FROM session_host_request WHERE asked_at < clock_timestamp() - interval '7 days'
             AND id IS DISTINCT FROM (SELECT max(id) FROM session_host_request WHERE kind = 'forget');
         DELETE FROM session_host_takeover WHERE at < clock_timestamp() - interval '30 days'",
    )
}
