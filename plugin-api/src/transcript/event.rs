//! One line of a transcript.

use std::borrow::Cow;

use serde::de::Error;

use super::{
    Content, ForkedFrom, Json, Message, Origin,
    cursor::Cursor,
    lenient::{Lenient, lenient_object},
    members::for_each_member,
    utf8,
};
use crate::Timestamp;

/// One line of a transcript. A field that is absent or of an unexpected type is `None`, false or empty.
///
/// ```
/// use session_plugin_api::transcript::{Event, EventKind};
///
/// let event = Event::parse(br#"{"type":"user","uuid":"u1","cwd":7,"message":{"role":"user","content":"hello"}}"#)?;
/// assert_eq!(event.kind, EventKind::User);
/// assert_eq!(event.uuid.as_deref(), Some("u1"));
/// assert_eq!(event.cwd, None);
/// assert_eq!(event.timestamp(), None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Event<'a> {
    /// The line's number in the file, from 1; 0 if the event was not read from a file.
    pub line: u64,
    /// The whole record as written in the transcript.
    pub raw: Json<'a>,
    /// `type`: what the line records.
    pub kind: EventKind,
    /// `subtype`: what a `system` line records.
    pub subtype: Option<Cow<'a, str>>,
    /// `level` of a `system` line, such as `info` or `error`.
    pub level: Option<Cow<'a, str>>,
    /// `uuid`: the line's identifier.
    pub uuid: Option<Cow<'a, str>>,
    /// `parentUuid`: the line that this one follows.
    pub parent_uuid: Option<Cow<'a, str>>,
    /// `forkedFrom`: the line that this one copies, if the session is a branch of another.
    pub forked_from: ForkedFrom<'a>,
    /// `sessionId`: the session; in a subagent's line, its parent's session.
    pub session_id: Option<Cow<'a, str>>,
    /// `agentId`: the subagent that wrote the line.
    pub agent_id: Option<Cow<'a, str>>,
    /// `requestId`: the request that the model answered.
    pub request_id: Option<Cow<'a, str>>,
    /// `cwd`: the agent's working directory.
    pub cwd: Option<Cow<'a, str>>,
    /// `gitBranch`: the branch that was checked out there.
    pub git_branch: Option<Cow<'a, str>>,
    /// `version`: the agent's version.
    pub version: Option<Cow<'a, str>>,
    /// `isSidechain`: whether the line belongs to a subagent.
    pub is_sidechain: bool,
    /// `isMeta`: whether the agent wrote the text in the user's name.
    pub is_meta: bool,
    /// `isCompactSummary`: whether the text is the summary of a conversation that grew too long.
    pub is_compact_summary: bool,
    /// `isApiErrorMessage`: whether the text is an error of the model's API instead of an answer.
    pub is_api_error_message: bool,
    /// `origin`: who wrote the text of a `user` line.
    pub origin: Origin<'a>,
    /// `data` of a `progress` line; `null` if absent.
    pub data: Json<'a>,
    /// `attachment`: an addition of the agent to a turn, such as a text that waited; `null` if absent.
    pub attachment: Json<'a>,
    /// `message`: the message; empty if absent.
    pub message: Message<'a>,
    /// `content` of a `system` or old `tool_use_result` line.
    pub content: Content<'a>,
    /// `tool_use_id` or `toolUseId` of an old `tool_use_result` line: the call that it answers.
    pub tool_use_id: Option<Cow<'a, str>>,
    /// `is_error` of an old `tool_use_result` line: whether the call failed.
    pub is_error: bool,
    /// `toolUseResult`: the tool's own record of its result, beside the one in the message; `null` if absent.
    pub tool_use_result: Json<'a>,
    /// `error`: the error of a request to the model; `null` if absent.
    pub error: Json<'a>,
    /// `costUSD`: the cost of the response, if the agent or a proxy recorded it.
    pub cost_usd: Option<f64>,
    /// `toolDenialKind`: why a tool was not called, such as `permission-rule`.
    pub tool_denial_kind: Option<Cow<'a, str>>,
    timestamp: Option<Cow<'a, str>>,
}

lenient_object!(Event<'a> {
    b"type" => kind,
    b"subtype" => subtype,
    b"level" => level,
    b"uuid" => uuid,
    b"parentUuid" => parent_uuid,
    b"forkedFrom" => forked_from,
    b"sessionId" => session_id,
    b"agentId" => agent_id,
    b"requestId" => request_id,
    b"timestamp" => timestamp,
    b"cwd" => cwd,
    b"gitBranch" => git_branch,
    b"version" => version,
    b"isSidechain" => is_sidechain,
    b"isMeta" => is_meta,
    b"isCompactSummary" => is_compact_summary,
    b"isApiErrorMessage" => is_api_error_message,
    b"origin" => origin,
    b"data" => data,
    b"attachment" => attachment,
    b"message" => message,
    b"content" => content,
    b"tool_use_id" | b"toolUseId" => tool_use_id,
    b"is_error" => is_error,
    b"toolUseResult" => tool_use_result,
    b"error" => error,
    b"costUSD" => cost_usd,
    b"toolDenialKind" => tool_denial_kind,
});

impl<'a> Event<'a> {
    /// Parses one line. Its [`line`](Self::line) is 0: only the caller knows the number.
    ///
    /// # Errors
    /// Fails if the line is not valid UTF-8 or not a JSON object.
    pub fn parse(line: &'a [u8]) -> Result<Self, serde_json::Error> {
        let mut event = Self::default();
        event.fill(line).map(|()| event)
    }

    /// Fills an empty event from one line. An event is large, and is therefore filled where it stands.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(crate) fn fill(&mut self, line: &'a [u8]) -> Result<(), serde_json::Error> {
        let line = utf8::text(line).map_err(serde_json::Error::custom)?;
        for_each_member(line, |key, cursor| self.take(key, cursor))?;
        self.raw = Json::from_valid(line);
        Ok(())
    }

    /// When the line was written; `None` if it has no time in ISO 8601.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        Timestamp::parse(self.timestamp.as_deref()?)
    }
}

/// What a line records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// `user`: a text of a person, or the result of a tool.
    User,
    /// `assistant`: a response of the model, or a part of one.
    Assistant,
    /// `system`: a message from the agent itself.
    System,
    /// `summary`: the title of a conversation.
    Summary,
    /// `attachment`: an addition of the agent to a turn, such as a text that a person typed while it worked.
    Attachment,
    /// `progress`: the progress of a running tool or subagent.
    Progress,
    /// `file-history-snapshot`: files as they were before an edit.
    FileHistorySnapshot,
    /// `queue-operation`: a prompt that waits.
    QueueOperation,
    /// `tool_use_result`: a tool's result in old transcripts.
    ToolUseResult,
    /// Any other type, or none.
    #[default]
    Other,
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EventKinds(u32);

impl EventKinds {
    /// These kinds.
    pub(crate) fn of(kinds: &[EventKind]) -> Self {
        Self(kinds.iter().fold(0, |set, kind| set | 1 << *kind as u32))
    }

    /// Whether a kind is one of these.
    pub(crate) fn contain(self, kind: EventKind) -> bool {
        self.0 & 1 << kind as u32 != 0
    }

    /// Whether a line is an object, and no `type` in it is one of these kinds. Only the values of `type` are read.
    pub(crate) fn lack(self, line: &[u8]) -> bool {
        let Ok(line) = utf8::text(line) else {
            return false;
        };
        let mut kind = EventKind::Other;
        let mut cursor = Cursor::of(line);
        let passed = cursor.members(|key, cursor| match key {
            b"type" => {
                kind = EventKind::read(cursor)?;
                (!self.contain(kind)).then_some(())
            }
            _ => cursor.value().map(drop),
        });
        passed.and_then(|()| cursor.end()).is_some() && !self.contain(kind)
    }
}

impl<'a> Lenient<'a> for EventKind {
    fn from_json(json: Json<'a>) -> Self {
        Self::named(&json.text().unwrap_or_default().decode())
    }
}

impl EventKind {
    /// The kind of this name.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "user" => Self::User,
            "assistant" => Self::Assistant,
            "system" => Self::System,
            "summary" => Self::Summary,
            "attachment" => Self::Attachment,
            "progress" => Self::Progress,
            "file-history-snapshot" => Self::FileHistorySnapshot,
            "queue-operation" => Self::QueueOperation,
            "tool_use_result" => Self::ToolUseResult,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(line: &str) -> Event<'_> {
        Event::parse(line.as_bytes()).unwrap()
    }

    #[test]
    fn every_field_is_read() {
        let event = event(
            r#"{"type":"assistant","subtype":"s","level":"error","uuid":"u2","parentUuid":"u1","sessionId":"s1",
                "agentId":"a1","requestId":"r1","timestamp":"1970-01-01T00:00:01Z","cwd":"/home","gitBranch":"main",
                "version":"2.1.0","isSidechain":true,"isMeta":true,"isCompactSummary":true,"isApiErrorMessage":true,
                "message":{"role":"assistant"},"content":"c","toolUseId":"t1","is_error":true,
                "toolUseResult":{"stdout":""},"error":{"status":529},"costUSD":0.25,"toolDenialKind":"permission-rule",
                "forkedFrom":{"sessionId":"s0","messageUuid":"u0"},"origin":{"kind":"human"},
                "attachment":{"type":"file"},"data":{"type":"bash_progress"}}"#,
        );
        let strings = [
            (&event.subtype, "s"),
            (&event.level, "error"),
            (&event.uuid, "u2"),
            (&event.parent_uuid, "u1"),
            (&event.forked_from.message_uuid, "u0"),
            (&event.origin.kind, "human"),
            (&event.session_id, "s1"),
            (&event.agent_id, "a1"),
            (&event.request_id, "r1"),
            (&event.cwd, "/home"),
            (&event.git_branch, "main"),
            (&event.version, "2.1.0"),
            (&event.tool_use_id, "t1"),
            (&event.message.role, "assistant"),
            (&event.tool_denial_kind, "permission-rule"),
        ];
        for (field, expected) in strings {
            assert_eq!(field.as_deref(), Some(expected));
        }
        assert!(event.is_sidechain && event.is_meta && event.is_compact_summary && event.is_api_error_message);
        assert!(event.is_error);
        assert_eq!(event.kind, EventKind::Assistant);
        assert_eq!(event.timestamp(), Some(Timestamp::from_micros(1_000_000)));
        assert_eq!(event.content.texts().next().unwrap().as_escaped(), "c");
        assert_eq!(event.tool_use_result.as_str(), r#"{"stdout":""}"#);
        assert_eq!(event.error.get("status").unwrap().as_str(), "529");
        assert_eq!(event.data.as_str(), r#"{"type":"bash_progress"}"#);
        assert_eq!(event.attachment.as_str(), r#"{"type":"file"}"#);
        assert_eq!(event.cost_usd, Some(0.25));
    }

    #[test]
    fn unknown_types_and_fields_are_no_error() {
        assert_eq!(event(r#"{"type":"telepathy","thoughts":[{}]}"#).kind, EventKind::Other);
        assert_eq!(event(r#"{"type":["user"]}"#).kind, EventKind::Other);
        assert_eq!(
            event(r#"{"type":"file-history-snapshot"}"#).kind,
            EventKind::FileHistorySnapshot
        );
    }

    #[test]
    fn the_last_of_repeated_keys_counts() {
        assert_eq!(event(r#"{"cwd":"/a","cwd":"/b"}"#).cwd.as_deref(), Some("/b"));
        assert_eq!(event(r#"{"cwd":"/a","cwd":null}"#).cwd, None);
    }

    #[test]
    fn both_names_of_an_old_results_call_are_known() {
        for key in ["tool_use_id", "toolUseId"] {
            let line = format!(r#"{{"type":"tool_use_result","{key}":"t1","is_error":true}}"#);
            let event = event(&line);
            assert_eq!(
                (event.kind, event.tool_use_id.as_deref()),
                (EventKind::ToolUseResult, Some("t1"))
            );
        }
    }

    #[test]
    fn half_a_surrogate_pair_costs_only_itself() {
        let event = event(r#"{"\ud83d":1,"cwd":"/\ud83d","message":"\ud83d","uuid":"u1","timestamp":"\ud83d"}"#);
        assert_eq!(event.cwd.as_deref(), Some("/\u{fffd}"));
        assert_eq!(event.uuid.as_deref(), Some("u1"));
    }

    #[test]
    fn nesting_however_deep_costs_only_its_field() {
        let deep = format!(
            r#"{{"message":{}{},"uuid":"u1"}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(event(&deep).uuid.as_deref(), Some("u1"));
    }

    #[test]
    fn a_line_that_is_not_an_object_is_an_error() {
        for line in [
            "",
            "null",
            "[]",
            "\"user\"",
            "{\"type\":\"user\"",
            "{} {}",
            "{\"a\":}",
            "\u{feff}{}",
        ] {
            assert!(Event::parse(line.as_bytes()).is_err(), "{line}");
        }
        assert!(Event::parse(b"{\"cwd\":\"\xff\"}").is_err());
    }

    #[test]
    fn nothing_is_copied_without_need() {
        let event = event(r#"{"uuid":"u1","cwd":"C:\\work"}"#);
        assert!(matches!(event.uuid, Some(Cow::Borrowed("u1"))));
        assert!(matches!(event.cwd, Some(Cow::Owned(ref cwd)) if cwd == "C:\\work"));
    }
}
