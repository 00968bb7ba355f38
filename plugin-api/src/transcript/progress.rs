//! The line of a subagent that a `progress` line carries.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::{
    Event, EventKind,
    lenient::{Lenient, lenient_object},
};

/// The key of a relayed line. The quotes belong to it: inside a string they would be escaped.
static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""message""#));

/// `data`, as far as it carries a line.
#[derive(Default)]
struct Carrier<'a> {
    message: Event<'a>,
}

lenient_object!(Carrier<'a> {
    b"message" => message,
});

impl<'a> Event<'a> {
    /// The line of a subagent that a `progress` line carries in `data.message`; `None` for any other line.
    ///
    /// A subagent's own transcript is often missing, and its responses are then only here. If the transcript exists, they
    /// are in both.
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
        // Most progress is the output of a command, which may be long: a search for the key is much faster than parsing.
        let is_progress = self.kind == EventKind::Progress;
        if !is_progress || KEY.find(self.data.as_str().as_bytes()).is_none() {
            return None;
        }
        let mut relayed = Carrier::from_json(self.data).message;
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
    fn progress_without_a_line_relays_nothing() {
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
