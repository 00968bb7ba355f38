//! Distinguishes the records of a transcript from other JSON.

use std::borrow::Cow;

use super::{EventKind, lenient::lenient_object, members::for_each_member, utf8};

/// The members by which a record is recognised.
#[derive(Default)]
struct Marks<'a> {
    name: Option<Cow<'a, str>>,
    uuid: Option<Cow<'a, str>>,
    session_id: Option<Cow<'a, str>>,
}

lenient_object!(Marks<'a> {
    b"type" => name,
    b"uuid" => uuid,
    b"sessionId" => session_id,
});

/// Whether the bytes are a JSON object.
pub(crate) fn is_object(bytes: &[u8]) -> bool {
    utf8::text(bytes).is_ok_and(|text| for_each_member(text, |_, cursor| cursor.value().map(drop)).is_ok())
}

/// Whether a line is a known record: its `type` is one of [`EventKind`], or it has any `type` beside a `uuid` or a
/// `sessionId`. The second rule covers types of newer agents.
pub(crate) fn is_known(line: &[u8]) -> bool {
    Marks::of(line).is_some_and(|marks| {
        marks.kind().is_some_and(|kind| {
            let is_identified = marks.uuid.is_some() || marks.session_id.is_some();
            kind != EventKind::Other || is_identified
        })
    })
}

/// Whether an object after torn text is a record, and not an object from inside the torn record.
///
/// A record has a `type` and a `sessionId`, or one of the two types that have no `sessionId`. No object inside a record has
/// a `sessionId`, not even the message of a subagent, which has a `type` and a `uuid`.
pub(super) fn is_distinct(object: &[u8]) -> bool {
    Marks::of(object).is_some_and(|marks| {
        marks.kind().is_some_and(|kind| {
            let is_without_session = matches!(kind, EventKind::Summary | EventKind::FileHistorySnapshot);
            is_without_session || marks.session_id.is_some()
        })
    })
}

impl<'a> Marks<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        let mut marks = Self::default();
        for_each_member(utf8::text(line).ok()?, |key, cursor| marks.take(key, cursor)).ok()?;
        Some(marks)
    }

    fn kind(&self) -> Option<EventKind> {
        self.name.as_deref().map(EventKind::named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_type_or_an_identified_one_is_known() {
        for line in [
            r#"{"type":"user"}"#,
            r#"{"type":"summary","leafUuid":"u1"}"#,
            r#"{"type":"last-prompt","sessionId":"s1"}"#,
            r#"{"uuid":"u1","type":"attachment"}"#,
        ] {
            assert!(is_known(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn a_record_of_another_agent_is_unknown() {
        for line in [
            r#"{"timestamp":"2026-02-23T11:40:29Z","type":"response_item","payload":{"type":"message","role":"user"}}"#,
            r#"{"role":"user","content":"hello"}"#,
            r#"{"type":["user"],"sessionId":"s1"}"#,
            r#"{"type":"other","sessionId":7}"#,
            "{}",
            "[1]",
            r#"{"type":"user""#,
        ] {
            assert!(!is_known(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn nothing_that_a_record_holds_is_taken_for_one() {
        for object in [
            r#"{"type":"text","text":"hello"}"#,
            r#"{"type":"message","id":"m1","role":"assistant"}"#,
            r#"{"type":"assistant","uuid":"u1","timestamp":"2026-03-01T09:15:00Z","message":{}}"#,
        ] {
            assert!(!is_distinct(object.as_bytes()), "{object}");
        }
        for record in [
            r#"{"type":"user","sessionId":"s1"}"#,
            r#"{"type":"pr-link","sessionId":"s1"}"#,
            r#"{"type":"summary","summary":"Tea"}"#,
        ] {
            assert!(is_distinct(record.as_bytes()), "{record}");
        }
    }
}
