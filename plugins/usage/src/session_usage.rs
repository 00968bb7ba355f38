//! Reads a transcript once and collects all rows of the session.

use std::{borrow::Cow, collections::HashSet};

use session_plugin_api::{
    Session, Timestamp,
    transcript::{Block, Context, Event, EventKind},
};

use crate::{
    activity::Activity,
    catalogue::Catalogue,
    commands::slash_commands,
    events::usage_events,
    invocation::Invocation,
    response::{Response, SYNTHETIC},
    responses::Responses,
    rows::{Owner, SessionSummary, UsageEvent, UsageMessage},
    summary::{Turns, summarize},
};

/// All rows of a session.
#[derive(Debug)]
pub(crate) struct SessionUsage<'a> {
    pub(crate) events: Vec<UsageEvent<'a>>,
    pub(crate) messages: Vec<UsageMessage<'a>>,
    pub(crate) summary: SessionSummary<'a>,
}

impl<'a> SessionUsage<'a> {
    /// Reads a session. Malformed lines are skipped.
    pub(crate) fn of(session: &Session<'a>, catalogue: &'a Catalogue) -> Self {
        let mut seen = Observations::of(session);
        for line in session.events().flatten() {
            seen.observe(line);
        }
        let owner = Owner {
            username: session.username(),
            session_id: seen.context.into_session_id(),
        };
        let activity = Activity::of(seen.timestamps);
        let events = usage_events(seen.invocations, &seen.failed_tools, &owner, catalogue);
        let responses = seen.responses.into_vec();
        let summary = summarize(&owner, &activity, &seen.turns, &events, &responses);
        let messages = responses.into_iter().map(|response| response.into_row(&owner));
        Self {
            messages: messages.collect(),
            events,
            summary,
        }
    }
}

/// The state of the pass over the lines.
struct Observations<'a> {
    context: Context<'a>,
    timestamps: Vec<Timestamp>,
    invocations: Vec<Invocation<'a>>,
    failed_tools: HashSet<Cow<'a, str>>,
    responses: Responses<'a>,
    turns: Turns<'a>,
}

impl<'a> Observations<'a> {
    /// The state before the first line.
    fn of(session: &Session<'a>) -> Self {
        Self {
            context: Context::of(session),
            timestamps: Vec::new(),
            invocations: Vec::new(),
            failed_tools: HashSet::new(),
            responses: Responses::default(),
            turns: Turns::default(),
        }
    }

    fn observe(&mut self, line: Event<'a>) {
        self.context.observe(&line);
        self.timestamps.extend(line.timestamp());
        match line.kind {
            EventKind::User => self.observe_user(&line),
            EventKind::Attachment => self.count_prompt(&line.typed()),
            EventKind::Assistant => self.observe_assistant(line),
            EventKind::Progress => self.observe_progress(&line),
            EventKind::ToolUseResult if line.is_error => self.failed_tools.extend(line.tool_use_id),
            _ => {}
        }
    }

    fn observe_user(&mut self, line: &Event<'a>) {
        let blocks = line.message.content.blocks();
        self.count_prompt(&line.typed_in(&blocks));
        for block in blocks {
            match block {
                Block::Text(text) => {
                    let commands = slash_commands(text).into_iter();
                    let now = self.context.now();
                    self.invocations
                        .extend(commands.map(|name| Invocation::of_command(line, now, name)));
                }
                Block::ToolResult(result) if result.is_error => self.failed_tools.extend(result.tool_use_id),
                _ => {}
            }
        }
        self.turns.user_messages += 1;
    }

    fn count_prompt(&mut self, typed: &[Cow<'a, str>]) {
        self.turns.prompts += i64::from(!typed.is_empty());
    }

    fn observe_assistant(&mut self, line: Event<'a>) {
        for block in line.message.content.blocks() {
            if let Block::ToolUse(call) = block {
                self.invocations
                    .push(Invocation::of_tool(&line, self.context.now(), call));
            }
        }
        self.turns.assistant_messages += 1;
        if is_synthetic(&line) {
            return;
        }
        if let Some(model) = line.message.model.clone() {
            self.turns.count_model(model);
        }
        self.add_responses(line, self.context.now());
    }

    /// A subagent's line counts as a response, because the subagent's own transcript may be missing. Its calls do not
    /// count.
    fn observe_progress(&mut self, line: &Event<'a>) {
        let is_response = |relayed: &Event<'_>| relayed.kind == EventKind::Assistant && !is_synthetic(relayed);
        let Some(mut relayed) = line.relayed().filter(is_response) else {
            return;
        };
        let occurred_at = relayed.timestamp().unwrap_or(self.context.now());
        relayed.is_sidechain = true;
        relayed.cwd = relayed.cwd.or_else(|| line.cwd.clone());
        relayed.git_branch = relayed.git_branch.or_else(|| line.git_branch.clone());
        self.add_responses(relayed, occurred_at);
    }

    fn add_responses(&mut self, line: Event<'a>, occurred_at: Timestamp) {
        let advisors = line.message.usage.advisors();
        let response = Response::of_line(line, occurred_at);
        // Numbered by their own order, because a streamed line may list the advisors before the rest.
        let advised: Vec<_> = (1..)
            .zip(advisors)
            .map(|(ordinal, advisor)| response.of_advisor(advisor, ordinal))
            .collect();
        self.responses.add(response);
        advised.into_iter().for_each(|answer| self.responses.add(answer));
    }
}

/// Whether the agent wrote the line in place of a model.
fn is_synthetic(line: &Event<'_>) -> bool {
    line.message.model.as_deref() == Some(SYNTHETIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODIFIED: Timestamp = Timestamp::from_micros(99_000_000);

    fn check(lines: &[&str], check: impl FnOnce(SessionUsage<'_>)) {
        let transcript = lines.join("\n");
        let session = Session::from_bytes("alice/s.jsonl", "alice", MODIFIED, transcript.as_bytes());
        check(SessionUsage::of(&session, &Catalogue::default()));
    }

    /// A line with a tool call and `more` fields.
    fn call(uuid: &str, tool_id: &str, more: &str) -> String {
        let block = format!(r#"{{"type":"tool_use","id":"{tool_id}","name":"Bash","input":{{}}}}"#);
        format!(r#"{{"type":"assistant","uuid":"{uuid}"{more},"message":{{"content":[{block}]}}}}"#)
    }

    #[test]
    fn results_after_the_call_tell_whether_it_failed() {
        let result = |tool_id: &str, is_error: &str| {
            let block = format!(r#"{{"type":"tool_result","tool_use_id":"{tool_id}","is_error":{is_error}}}"#);
            format!(r#"{{"type":"user","message":{{"content":[{block}]}}}}"#)
        };
        let lines = [
            call("u1", "t1", ""),
            call("u2", "t2", ""),
            call("u3", "t3", ""),
            call("u4", "t4", ""),
            result("t1", "true"),
            result("t2", r#""yes""#),
            r#"{"type":"tool_use_result","toolUseId":"t3","is_error":true}"#.to_owned(),
            r#"{"type":"tool_use_result","tool_use_id":"t4","is_error":false}"#.to_owned(),
        ];
        check(&lines.each_ref().map(String::as_str), |usage| {
            let failed: Vec<bool> = usage.events.iter().map(|event| event.is_error).collect();
            assert_eq!(failed, [true, false, true, false]);
            assert_eq!((usage.summary.tool_calls, usage.summary.tool_errors), (4, 2));
        });
    }

    #[test]
    fn a_line_without_a_timestamp_takes_the_previous_ones() {
        let lines = [
            call("u1", "t1", r#","timestamp":"never""#),
            call("u2", "t2", r#","timestamp":"1970-01-01T00:00:07Z""#),
            r#"{"type":"progress","timestamp":"1970-01-01T00:00:05Z"}"#.to_owned(),
            call("u3", "t3", ""),
        ];
        check(&lines.each_ref().map(String::as_str), |usage| {
            let seconds: Vec<i64> = usage
                .events
                .iter()
                .map(|event| event.occurred_at.as_micros() / 1_000_000)
                .collect();
            assert_eq!(seconds, [99, 7, 5]);
            assert_eq!(usage.messages.len(), 3);
            assert_eq!(usage.summary.started_at, Some(Timestamp::from_micros(5_000_000)));
            assert_eq!(usage.summary.wall_seconds, 2);
        });
    }

    #[test]
    fn the_first_session_id_names_the_session() {
        let lines = [
            &*call("u1", "t1", ""),
            r#"{"sessionId":5}"#,
            r#"{"sessionId":"s1"}"#,
            r#"{"sessionId":"s2"}"#,
        ];
        check(&lines, |usage| {
            assert_eq!((&*usage.events[0].session_id, &*usage.summary.session_id), ("s1", "s1"));
        });
        check(&[&*call("u1", "t1", "")], |usage| {
            assert_eq!(usage.events[0].session_id, "alice/s.jsonl");
            assert_eq!(usage.messages[0].session_id, "alice/s.jsonl");
        });
    }

    #[test]
    fn a_prompt_is_text_that_a_person_typed() {
        let user = |more: &str, content: &str| format!(r#"{{"type":"user"{more},"message":{{"content":{content}}}}}"#);
        let text = r#"[{"type":"text","text":"hello"}]"#;
        let lines = [
            user("", r#""hello""#),
            user("", text),
            user(r#","isMeta":true"#, text),
            user(r#","isSidechain":true"#, text),
            user(r#","isCompactSummary":true"#, text),
            user("", r#"[{"type":"tool_result","tool_use_id":"t1","content":"hello"}]"#),
            user(
                "",
                r#"[{"type":"text","text":"hello"},{"type":"tool_result","tool_use_id":"t1"}]"#,
            ),
            user("", r#"[{"type":"image","source":{}}]"#),
            user("", r#""""#),
            user(r#","origin":{"kind":"hook"}"#, text),
            r#"{"type":"attachment","attachment":{"type":"queued_command","prompt":"and hurry"}}"#.to_owned(),
        ];
        check(&lines.each_ref().map(String::as_str), |usage| {
            assert_eq!((usage.summary.prompts, usage.summary.user_messages), (3, 10));
        });
    }

    #[test]
    fn commands_are_found_in_a_users_text_only() {
        let command = "<command-name>/clear</command-name>";
        let lines = [
            format!(r#"{{"type":"user","uuid":"u1","message":{{"content":"{command}{command}"}}}}"#),
            format!(
                r#"{{"type":"user","uuid":"u2","message":{{"content":[{{"type":"text","text":"{command}\n"}}]}}}}"#
            ),
            r#"{"type":"user","uuid":"u6","message":{"content":"\u003ccommand-name\u003e\/cost</command-name>"}}"#
                .to_owned(),
            format!(
                r#"{{"type":"user","uuid":"u3","message":{{"content":[{{"type":"tool_result","content":"{command}"}}]}}}}"#
            ),
            format!(r#"{{"type":"assistant","uuid":"u4","message":{{"content":"{command}"}}}}"#),
            format!(r#"{{"type":"system","uuid":"u5","message":{{"content":"{command}"}},"content":"{command}"}}"#),
        ];
        check(&lines.each_ref().map(String::as_str), |usage| {
            let uuids: Vec<_> = usage.events.iter().map(|event| event.event_uuid.as_deref()).collect();
            assert_eq!(uuids, [Some("u1"), Some("u2"), Some("u6")]);
            assert_eq!(usage.summary.slash_commands, 3);
        });
    }

    #[test]
    fn lines_of_other_types_give_no_event() {
        let kinds = [
            "system",
            "summary",
            "file-history-snapshot",
            "queue-operation",
            "progress",
            "telepathy",
        ];
        let lines = kinds.map(|kind| call("u1", "t1", "").replace("assistant", kind));
        check(&lines.each_ref().map(String::as_str), |usage| {
            assert!(usage.events.is_empty() && usage.messages.is_empty());
        });
    }

    #[test]
    fn a_session_without_events_has_a_summary() {
        check(&[], |usage| {
            assert!(usage.events.is_empty());
            assert_eq!(usage.summary.username, "alice");
            assert_eq!((usage.summary.started_at, usage.summary.wall_seconds), (None, 0));
            assert_eq!(usage.summary.responses, 0);
        });
    }

    #[test]
    fn malformed_lines_cost_only_themselves() {
        let lines = [
            "{\"type\":",
            "",
            "  ",
            "[]",
            &*call("u1", "t1", ""),
            "{\"type\":\"assistant\",\"uuid\":\"to",
        ];
        check(&lines, |usage| assert_eq!(usage.summary.tool_calls, 1));
    }
}
