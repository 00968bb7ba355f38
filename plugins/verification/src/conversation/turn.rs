//! The turns of a session: the text that a person typed, and the answers of the assistant.

use std::borrow::Cow;

use secret_detector::{Rules, redact};
use session_plugin_api::{
    Session, Timestamp,
    transcript::{Context, Event, EventKind},
};

/// The turns of a session, in order.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    pub(crate) turns: Vec<Turn>,
}

/// One turn of one speaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) speaker: Speaker,
    pub(crate) text: String,
    /// The time of the line, else of the line before, else of the file.
    pub(crate) said_at: Timestamp,
    /// The response that an assistant's text belongs to. Several lines may record one response.
    response: Option<String>,
}

/// The speaker of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// A person.
    User,
    /// The model that assists the person.
    Assistant,
}

impl Speaker {
    /// The speaker's name in the text for the model.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

impl Conversation {
    /// The turns of a session. Lines of subagents, tool calls and results, and text that the agent wrote in the user's
    /// name are not turns.
    pub(crate) fn of(session: &Session<'_>) -> Self {
        let mut conversation = Self::default();
        let mut context = Context::of(session);
        for event in session.events().flatten() {
            context.observe(&event);
            let (speaker, text) = said(&event);
            if !text.trim().is_empty() {
                let response = event.message.id.clone().map(Cow::into_owned);
                conversation.add(Turn {
                    speaker,
                    text,
                    said_at: context.now(),
                    response,
                });
            }
        }
        conversation
    }

    /// Removes secrets from the turns.
    pub(crate) fn redact(&mut self, secrets: &Rules) {
        for turn in &mut self.turns {
            if let Cow::Owned(redacted) = redact(&turn.text, secrets) {
                turn.text = redacted;
            }
        }
    }

    fn add(&mut self, turn: Turn) {
        let before = self.turns.last_mut().filter(|before| before.is_continued_by(&turn));
        match before {
            // A streamed response may be written again, with more of the same text.
            Some(before) if turn.text.starts_with(&before.text) => before.text = turn.text,
            Some(before) => {
                before.text.push('\n');
                before.text.push_str(&turn.text);
            }
            None => self.turns.push(turn),
        }
    }
}

impl Turn {
    fn is_continued_by(&self, turn: &Self) -> bool {
        let is_response = self.speaker == Speaker::Assistant && turn.speaker == Speaker::Assistant;
        is_response && self.response.is_some() && self.response == turn.response
    }
}

/// The speaker and the text of a line; `None` for a line of a tool, a subagent or a machine.
fn said(event: &Event<'_>) -> (Speaker, String) {
    match event.kind {
        EventKind::Assistant if event.is_sidechain || event.is_api_error_message => (Speaker::Assistant, String::new()),
        EventKind::Assistant => {
            let texts = event.message.content.texts().map(|text| text.decode());
            (Speaker::Assistant, texts.collect::<Vec<_>>().join("\n"))
        }
        _ => (Speaker::User, event.typed().join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(lines: &[&str]) -> Vec<(Speaker, String, i64)> {
        let transcript = lines.join("\n");
        let session = Session::from_bytes(
            "a/s.jsonl",
            "a",
            Timestamp::from_micros(9_000_000),
            transcript.as_bytes(),
        );
        let turns = Conversation::of(&session).turns.into_iter();
        turns
            .map(|turn| (turn.speaker, turn.text, turn.said_at.as_micros() / 1_000_000))
            .collect()
    }

    #[test]
    fn only_what_user_and_assistant_said_is_a_turn() {
        let lines = [
            r#"{"type":"user","timestamp":"1970-01-01T00:00:01Z","message":{"content":"typed"}}"#,
            r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":"result"}]}}"#,
            r#"{"type":"assistant","message":{"content":[{"type":"thinking","thinking":"hm"},
                {"type":"text","text":"said"},{"type":"tool_use","id":"t","name":"Bash","input":{"command":"ls"}}]}}"#,
            r#"{"type":"user","isMeta":true,"message":{"content":"meta"}}"#,
            r#"{"type":"user","isCompactSummary":true,"message":{"content":"summary"}}"#,
            r#"{"type":"user","isSidechain":true,"message":{"content":"to a subagent"}}"#,
            r#"{"type":"assistant","isSidechain":true,"message":{"content":"of a subagent"}}"#,
            r#"{"type":"assistant","isApiErrorMessage":true,"message":{"content":"overloaded"}}"#,
            r#"{"type":"system","content":"note"}"#,
            r#"{"type":"user","message":{"content":"  \n <bash-stdout>output</bash-stdout>"}}"#,
            r#"{"type":"user","origin":{"kind":"hook"},"message":{"content":"of a hook"}}"#,
            r#"{"type":"attachment","attachment":{"type":"queued_command","prompt":"of a task","commandMode":"task-notification"}}"#,
            r#"{"type":"attachment","attachment":{"type":"queued_command","prompt":"typed meanwhile","commandMode":"prompt"}}"#,
            r#"{"type":"us"#,
        ];
        let lines = lines.map(|line| line.replace('\n', " "));
        let expected = [
            (Speaker::User, "typed".to_owned(), 1),
            (Speaker::Assistant, "said".to_owned(), 1),
            (Speaker::User, "typed meanwhile".to_owned(), 1),
        ];
        assert_eq!(turns(&lines.each_ref().map(String::as_str)), expected);
    }

    #[test]
    fn a_response_in_several_lines_is_one_turn() {
        let line = |id: &str, text: &str| {
            format!(r#"{{"type":"assistant","message":{{"id":"{id}","content":[{{"type":"text","text":"{text}"}}]}}}}"#)
        };
        let lines = [
            line("m1", "one"),
            line("m1", "one and"),
            line("m1", "two"),
            line("m2", "three"),
        ];
        let said: Vec<String> = turns(&lines.each_ref().map(String::as_str))
            .into_iter()
            .map(|turn| turn.1)
            .collect();
        assert_eq!(said, ["one and\ntwo", "three"]);
    }

    #[test]
    fn a_turn_without_a_time_has_that_of_the_line_before_or_the_files() {
        let lines = [
            r#"{"type":"user","message":{"content":"a"}}"#,
            r#"{"type":"progress","timestamp":"1970-01-01T00:00:05Z"}"#,
            r#"{"type":"user","message":{"content":"b"}}"#,
        ];
        let times: Vec<i64> = turns(&lines).into_iter().map(|turn| turn.2).collect();
        assert_eq!(times, [9, 5]);
    }
}
