//! Reads a transcript once and collects its texts.
//!
//! Thinking is left out: people search for what was said and done, and newer transcripts do not have it.

use std::{borrow::Cow, collections::HashMap};

use session_plugin_api::{
    Session, Timestamp,
    transcript::{Block, Content, Context, Event, EventKind},
};

use crate::arguments::Arguments;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A person typed it.
    Prompt,
    /// The agent wrote it in a person's name: a summary, a message of a hook, the task of a subagent.
    Note,
    /// The model wrote it.
    Answer,
    /// The arguments of a tool call.
    ToolCall,
    /// What the tool answered.
    ToolResult,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Note => "note",
            Self::Answer => "answer",
            Self::ToolCall => "tool_call",
            Self::ToolResult => "tool_result",
        }
    }
}

/// A text of a transcript, with its secrets.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    pub(crate) line: u64,
    pub(crate) time: Timestamp,
    pub(crate) kind: Kind,
    pub(crate) tool: Option<Cow<'a, str>>,
    pub(crate) text: Cow<'a, str>,
    /// How many bytes at the end of a very long text are not in it.
    pub(crate) left_out: usize,
}

/// The texts of a transcript, in order.
#[derive(Debug)]
pub(crate) struct Texts<'a> {
    pub(crate) all: Vec<Text<'a>>,
    /// The last folder of the directory in which the session began.
    pub(crate) project: Option<String>,
    context: Context<'a>,
    /// The tool of each call.
    tools: HashMap<Cow<'a, str>, Cow<'a, str>>,
}

impl<'a> Texts<'a> {
    /// Reads a session. Malformed lines are skipped.
    pub(crate) fn of(session: &Session<'a>) -> Self {
        let mut texts = Self {
            all: Vec::new(),
            project: None,
            context: Context::of(session),
            tools: HashMap::new(),
        };
        for event in session.events().flatten() {
            texts.observe(&event);
        }
        texts
    }

    fn observe(&mut self, event: &Event<'a>) {
        self.context.observe(event);
        if self.project.is_none() {
            self.project = event.cwd.as_deref().and_then(last_folder);
        }
        match event.kind {
            EventKind::User => self.observe_user(event),
            EventKind::Assistant => self.observe_answer(event),
            EventKind::Attachment => {
                for text in event.typed() {
                    self.add(event, Kind::Prompt, None, text);
                }
            }
            EventKind::ToolUseResult => self.observe_result(event, event.tool_use_id.as_deref(), event.content),
            _ => {}
        }
    }

    fn observe_user(&mut self, event: &Event<'a>) {
        let blocks = event.message.content.blocks();
        let typed = event.typed_in(&blocks);
        let is_typed = !typed.is_empty();
        for text in typed {
            self.add(event, Kind::Prompt, None, text);
        }
        for block in blocks {
            match block {
                Block::Text(text) if !is_typed => self.add(event, Kind::Note, None, text.decode()),
                Block::ToolResult(result) => self.observe_result(event, result.tool_use_id.as_deref(), result.content),
                _ => {}
            }
        }
    }

    fn observe_answer(&mut self, event: &Event<'a>) {
        for block in event.message.content.blocks() {
            match block {
                Block::Text(text) => self.add(event, Kind::Answer, None, text.decode()),
                Block::ToolUse(call) => {
                    if let (Some(id), Some(tool)) = (call.id, &call.name) {
                        self.tools.insert(id, tool.clone());
                    }
                    let Arguments { text, left_out } = Arguments::of(call.input);
                    self.add_beginning(event, Kind::ToolCall, call.name, Cow::Owned(text), left_out);
                }
                _ => {}
            }
        }
    }

    fn observe_result(&mut self, event: &Event<'a>, call: Option<&str>, content: Content<'a>) {
        let tool = call.and_then(|call| self.tools.get(call)).cloned();
        let texts: Vec<Cow<'a, str>> = content.texts().map(|text| text.decode()).collect();
        let joined = match <[Cow<'a, str>; 1]>::try_from(texts) {
            Ok([text]) => text,
            Err(texts) => Cow::Owned(texts.join("\n")),
        };
        self.add(event, Kind::ToolResult, tool, joined);
    }

    fn add(&mut self, event: &Event<'a>, kind: Kind, tool: Option<Cow<'a, str>>, text: Cow<'a, str>) {
        self.add_beginning(event, kind, tool, text, 0);
    }

    /// Adds a text without so many bytes at its end.
    fn add_beginning(
        &mut self,
        event: &Event<'a>,
        kind: Kind,
        tool: Option<Cow<'a, str>>,
        text: Cow<'a, str>,
        left_out: usize,
    ) {
        if text.trim().is_empty() {
            return;
        }
        self.all.push(Text {
            line: event.line,
            time: self.context.now(),
            kind,
            tool,
            text,
            left_out,
        });
    }
}

fn last_folder(directory: &str) -> Option<String> {
    let folder = directory.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next()?;
    (!folder.is_empty()).then(|| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The kind, tool, line and text of each text of these lines, and the project.
    fn texts(lines: &[Value]) -> (Vec<Value>, Option<String>) {
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        let bytes = lines.join("\n");
        let session = Session::from_bytes("alice/a.jsonl", "alice", Timestamp::default(), bytes.as_bytes());
        let texts = Texts::of(&session);
        let told = texts.all.iter();
        let told = told.map(|text| json!([text.kind.as_str(), text.tool, text.line, text.text]));
        (told.collect(), texts.project.clone())
    }

    fn user(content: Value) -> Value {
        json!({"type": "user", "cwd": "/home/alice/shop/", "timestamp": "2026-03-01T10:00:00Z", "message": {"content": content}})
    }

    #[test]
    fn each_text_has_its_kind_its_tool_and_its_line() {
        let call = json!({"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls \"a\""}});
        let said = json!({"type": "text", "text": "I look."});
        let thought = json!({"type": "thinking", "thinking": "hm"});
        let output = json!([{"type": "text", "text": "one"}, {"type": "image"}, {"type": "text", "text": "two"}]);
        let (found, project) = texts(&[
            user(json!("what is there?")),
            json!({"type": "assistant", "message": {"content": [thought, said, call]}}),
            user(json!([{"type": "tool_result", "tool_use_id": "t1", "content": output}])),
            json!({"type": "summary", "summary": "a title"}),
            json!({"type": "user", "isMeta": true, "message": {"content": "from a hook"}}),
        ]);
        let expected = [
            json!(["prompt", null, 1, "what is there?"]),
            json!(["answer", null, 2, "I look."]),
            json!(["tool_call", "Bash", 2, "command: ls \"a\""]),
            json!(["tool_result", "Bash", 3, "one\ntwo"]),
            json!(["note", null, 5, "from a hook"]),
        ];
        assert_eq!(found, expected);
        assert_eq!(project.as_deref(), Some("shop"));
    }

    #[test]
    fn what_has_no_text_is_left_out() {
        let (found, project) = texts(&[
            json!({"type": "user", "message": {"content": " \n"}}),
            json!({"type": "assistant", "message": {"content": [{"type": "tool_use", "input": {}}]}}),
            json!({"type": "user", "message": {"content": [{"type": "tool_result", "content": []}]}}),
        ]);
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(project, None);
    }

    #[test]
    fn a_project_is_the_last_folder() {
        for (directory, expected) in [
            ("/home/a/shop", Some("shop")),
            ("C:\\work\\shop\\", Some("shop")),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(last_folder(directory).as_deref(), expected, "{directory}");
        }
    }
}
