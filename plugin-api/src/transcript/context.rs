//! Derives the time and the session of a line from earlier lines.

use std::borrow::Cow;

use super::Event;
use crate::{Session, Timestamp};

/// The time of each line, even if the line has none, and the session that the lines belong to.
///
/// ```
/// use session_plugin_api::{Session, Timestamp, transcript::Context};
///
/// let lines = br#"{"timestamp":"2026-03-01T10:15:00Z","sessionId":"s1"}
/// {"type":"user"}"#;
/// let session = Session::from_bytes("alice/s.jsonl", "alice", Timestamp::default(), lines);
/// let mut context = Context::of(&session);
/// for event in session.events().flatten() {
///     context.observe(&event);
///     assert_eq!(Some(context.now()), Timestamp::parse("2026-03-01T10:15:00Z"));
/// }
/// assert_eq!(context.into_session_id(), "s1");
/// ```
#[derive(Clone, Debug)]
pub struct Context<'a> {
    now: Timestamp,
    session_id: Option<Cow<'a, str>>,
    session_key: &'a str,
}

impl<'a> Context<'a> {
    /// The context of a session's first line. Lines before the first timestamp get the time at which the file was modified.
    #[must_use]
    pub fn of(session: &Session<'a>) -> Self {
        Self {
            now: session.modified(),
            session_id: None,
            session_key: session.session_key(),
        }
    }

    /// Observes the next line.
    pub fn observe(&mut self, event: &Event<'a>) {
        self.take(event, |session_id| session_id.clone());
    }

    /// Observes the next line, which need not live as long as the transcript: the session's id is copied.
    pub fn observe_copy(&mut self, event: &Event<'_>) {
        self.take(event, |session_id| {
            session_id.as_deref().map(|id| Cow::Owned(id.to_owned()))
        });
    }

    fn take<'e>(&mut self, event: &Event<'e>, keep: impl FnOnce(&Option<Cow<'e, str>>) -> Option<Cow<'a, str>>) {
        self.now = event.timestamp().unwrap_or(self.now);
        if self.session_id.is_none() {
            self.session_id = keep(&event.session_id);
        }
    }

    /// The timestamp of the latest line that has one.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The first `sessionId`, if a line has one.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// The first `sessionId`, or the session's key if no line has one.
    #[must_use]
    pub fn into_session_id(self) -> Cow<'a, str> {
        self.session_id.unwrap_or(Cow::Borrowed(self.session_key))
    }
}
