//! What a `progress` line carries of another transcript.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::{Event, EventKind, lenient::Lenient};

/// The key that a relayed line stands under, with its quotes: within a string they would be escaped.
static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""message""#));

impl<'a> Event<'a> {
    /// The line of a subagent that a `progress` line carries in `data.message`; `None` for any other line.
    ///
    /// A subagent's own transcript is often not kept: its responses stand here alone then. Where it is kept, they stand in
    /// both.
    ///
    /// ```
    /// use session_plugin_api::transcript::{Event, EventKind};
    ///
    /// let line = br#"{"type":"progress","data":{"message":{"type":"assistant","message":{"id":"m1"}}}}"#;
    /// let relayed = Event::parse(line)?.relayed().expect("a line of a subagent");
    /// assert_eq!((relayed.kind, relayed.message.id.as_deref()), (EventKind::Assistant, Some("m1")));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn relayed(&self) -> Option<Event<'a>> {
        // Most progress is output of a command, which may be long: looking for the key takes a fraction of reading it.
        let is_progress = self.kind == EventKind::Progress;
        if !is_progress || KEY.find(self.data.as_str().as_bytes()).is_none() {
            return None;
        }
        let message = self.data.get("message")?;
        let mut relayed = Event::from_json(message);
        relayed.line = self.line;
        (relayed.kind != EventKind::Other).then_some(relayed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relayed(line: &str) -> Option<Event<'_>> {
        Event::parse(line.as_bytes()).unwrap().relayed()
    }

    #[test]
    fn a_subagents_line_is_read_as_one_of_its_own_transcript() {
        let line = r#"{"type":"progress","uuid":"u1","data":{"type":"agent_progress","message":{"type":"assistant",
            "uuid":"u2","requestId":"r2","timestamp":"1970-01-01T00:00:01Z","message":{"id":"m2"}}}}"#;
        let line = relayed(line).unwrap();
        assert_eq!(
            (line.uuid.as_deref(), line.request_id.as_deref()),
            (Some("u2"), Some("r2"))
        );
        assert!(line.timestamp().is_some());
    }

    #[test]
    fn what_carries_no_line_is_not_one() {
        for line in [
            r#"{"type":"progress"}"#,
            r#"{"type":"progress","data":{"type":"bash_progress","output":"{\"message\":{\"type\":\"user\"}}"}}"#,
            r#"{"type":"progress","data":{"message":"half done"}}"#,
            r#"{"type":"progress","data":{"message":{"progress":3}}}"#,
            r#"{"type":"system","data":{"message":{"type":"assistant"}}}"#,
        ] {
            assert!(relayed(line).is_none(), "{line}");
        }
    }
}
