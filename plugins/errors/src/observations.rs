//! Reads a transcript once and collects its failures.

use std::borrow::Cow;

use memchr::memmem;
use session_plugin_api::{
    Session, Timestamp,
    transcript::{Block, Content, Context, Event, EventKind, Json},
};

use crate::{
    calls::{Answered, CallNumber, CallResult, Calls},
    classes::{Evidence, Origin, is_of_a_person},
    ending::{Ending, Endings},
};

/// The agent writes this text when a person stops it.
const INTERRUPTION: &str = "[Request interrupted by user";

/// The agent writes this text when a person stops it during a tool call.
const INTERRUPTION_OF_TOOL: &str = "[Request interrupted by user for tool use]";

/// A failure in a session.
#[derive(Debug)]
pub(crate) struct Failure<'a> {
    pub(crate) event_uuid: Option<Cow<'a, str>>,
    pub(crate) tool_use_id: Option<Cow<'a, str>>,
    pub(crate) line: u64,
    pub(crate) occurred_at: Timestamp,
    pub(crate) class: &'a str,
    pub(crate) text: String,
    pub(crate) of: Of,
}

/// The operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// A call of a tool.
    Call(CallNumber),
    /// A call in another file.
    UnknownCall,
    /// A request to the model, or an interruption by a person, after this number of answers of the model.
    Model { answers: u64, is_retry: bool },
}

/// How a tool call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Well,
    Failed,
    /// A person stopped it.
    Interrupted,
}

/// The state of the pass over the lines.
pub(crate) struct Observations<'a, C> {
    pub(crate) context: Context<'a>,
    pub(crate) failures: Vec<Failure<'a>>,
    pub(crate) calls: Calls<'a>,
    pub(crate) endings: Endings,
    /// The number of lines with answers of the model.
    pub(crate) answers: u64,
    classify: C,
    /// The number of answers at the latest failure of a request, and of a call.
    request_failed_after: Option<u64>,
    call_failed_after: Option<u64>,
}

impl<'a, C> Observations<'a, C>
where
    C: Fn(&Evidence<'_>) -> &'a str,
{
    /// Reads a session. `classify` assigns a class to each failure. Malformed lines are skipped.
    pub(crate) fn of(session: &Session<'a>, classify: C) -> Self {
        let mut seen = Self {
            context: Context::of(session),
            failures: Vec::new(),
            calls: Calls::default(),
            endings: Endings::default(),
            answers: 0,
            classify,
            request_failed_after: None,
            call_failed_after: None,
        };
        for line in session.events().flatten() {
            seen.observe(&line);
        }
        seen
    }

    fn observe(&mut self, line: &Event<'a>) {
        self.context.observe(line);
        match line.kind {
            EventKind::Assistant if line.is_api_error_message => {
                let code = line.error.text().map(|code| code.decode());
                self.request_failed(line, code, joined(line.message.content));
            }
            EventKind::Assistant => self.observe_answer(line),
            EventKind::User => self.observe_user(line),
            EventKind::System if line.subtype.as_deref() == Some("api_error") => {
                let error = ApiError::read(line.error);
                self.request_failed(line, error.kind, error.text);
            }
            EventKind::ToolUseResult => {
                let ended = match line.is_error {
                    true => Ended::Failed,
                    false => Ended::Well,
                };
                self.observe_result(line, line.tool_use_id.clone(), ended, line.content);
            }
            _ => {}
        }
    }

    fn observe_answer(&mut self, line: &Event<'a>) {
        self.answers += 1;
        let mut ending = Ending::Answer;
        for block in line.message.content.blocks() {
            if let Block::ToolUse(call) = block {
                self.calls.add(call);
                ending = Ending::Open;
            }
        }
        self.endings.set(line.is_sidechain, ending);
    }

    fn observe_user(&mut self, line: &Event<'a>) {
        for block in line.message.content.blocks() {
            match block {
                Block::ToolResult(result) => {
                    let ended = match (was_interrupted(line.tool_use_result), result.is_error) {
                        (true, _) => Ended::Interrupted,
                        (false, true) => Ended::Failed,
                        (false, false) => Ended::Well,
                    };
                    self.observe_result(line, result.tool_use_id, ended, result.content);
                }
                Block::Text(text) if text.may_contain(INTERRUPTION) && text.decode().starts_with(INTERRUPTION) => {
                    self.interrupted(line, text.decode());
                }
                Block::Text(text) if !line.is_meta && is_prompt(text.as_escaped()) => {
                    self.endings.set(line.is_sidechain, Ending::Open);
                }
                _ => {}
            }
        }
    }

    fn observe_result(&mut self, line: &Event<'a>, id: Option<Cow<'a, str>>, ended: Ended, content: Content<'a>) {
        let (result, origin) = match ended {
            Ended::Well => (CallResult::Succeeded, None),
            Ended::Failed => (CallResult::Failed, Some(Origin::Tool)),
            Ended::Interrupted => (CallResult::Failed, Some(Origin::Interruption)),
        };
        let Some(answered) = self.calls.answer(id.as_deref(), result) else {
            return;
        };
        let Some(origin) = origin else {
            return self.endings.set(line.is_sidechain, Ending::Open);
        };
        let of = match answered {
            Answered::Call(call) => Of::Call(call),
            Answered::Unknown => Of::UnknownCall,
        };
        self.call_failed_after = Some(self.answers);
        let code = line.tool_denial_kind.clone();
        self.failed(line, origin, of, code, joined(content));
        if let Some(failure) = self.failures.last_mut() {
            failure.tool_use_id = id;
        }
    }

    fn request_failed(&mut self, line: &Event<'a>, code: Option<Cow<'a, str>>, text: String) {
        let is_retry = self.request_failed_after == Some(self.answers);
        self.request_failed_after = Some(self.answers);
        self.failed(line, Origin::Api, self.of_model(is_retry), code, text);
    }

    /// If a person stops a tool, the tool's result already says so, and the note that follows reports the same stop.
    fn interrupted(&mut self, line: &Event<'a>, note: Cow<'a, str>) {
        let is_reported = note.starts_with(INTERRUPTION_OF_TOOL) && self.call_failed_after == Some(self.answers);
        if !is_reported {
            self.failed(
                line,
                Origin::Interruption,
                self.of_model(false),
                None,
                note.into_owned(),
            );
        }
        self.endings.set(line.is_sidechain, Ending::Interrupted);
    }

    fn of_model(&self, is_retry: bool) -> Of {
        Of::Model {
            answers: self.answers,
            is_retry,
        }
    }

    fn failed(&mut self, line: &Event<'a>, origin: Origin, of: Of, code: Option<Cow<'a, str>>, text: String) {
        let tool = match of {
            Of::Call(call) => self.calls.tool(call).map(AsRef::as_ref),
            Of::UnknownCall | Of::Model { .. } => None,
        };
        let class = (self.classify)(&Evidence {
            origin,
            tool,
            code: code.as_deref(),
            text: &text,
        });
        let ending = match is_of_a_person(class) {
            true => Ending::Interrupted,
            false => Ending::Error,
        };
        self.endings.set(line.is_sidechain, ending);
        self.failures.push(Failure {
            event_uuid: line.uuid.clone(),
            tool_use_id: None,
            line: line.line,
            occurred_at: self.context.now(),
            class,
            text,
            of,
        });
    }
}

/// The texts of a result, joined by line breaks.
fn joined(content: Content<'_>) -> String {
    let texts: Vec<Cow<'_, str>> = content.texts().map(|text| text.decode()).collect();
    texts.join("\n")
}

/// An error from the API.
struct ApiError<'a> {
    /// The type of the innermost error.
    kind: Option<Cow<'a, str>>,
    /// The status, and the type and message of the innermost error.
    text: String,
}

impl<'a> ApiError<'a> {
    fn read(error: Json<'a>) -> Self {
        let status = error.get("status").map(|status| Cow::Borrowed(status.as_str()));
        let mut inner = error;
        while let Some(error) = inner.get("error").filter(|error| error.as_str().starts_with('{')) {
            inner = error;
        }
        let field = |name| Some(inner.get(name)?.text()?.decode());
        let kind = field("type");
        let parts: Vec<_> = [status, kind.clone(), field("message")].into_iter().flatten().collect();
        let text = match parts.as_slice() {
            [] => error.as_str().to_owned(),
            parts => parts.join(" "),
        };
        Self { kind, text }
    }
}

/// Whether the tool's own record says that a person stopped it. The result in the message does not show it.
fn was_interrupted(record: Json<'_>) -> bool {
    let bytes = record.as_str().as_bytes();
    // The record also contains the tool's output, and parsing all records would be slow.
    let may_say_so = memmem::find_iter(bytes, b"\"interrupted\"").any(|place| {
        let value = bytes[place..].iter().skip(b"\"interrupted\"".len());
        value.copied().find(|byte| !byte.is_ascii_whitespace() && *byte != b':') == Some(b't')
    });
    may_say_so && record.get("interrupted").is_some_and(|value| value.as_str() == "true")
}

/// Whether a text asks for an answer. The agent answers its own commands itself and leaves a note.
fn is_prompt(text: &str) -> bool {
    let notes = ["<command-", "<local-command-", "<bash-", "Caveat: The messages below"];
    let text = text.trim_ascii_start();
    !text.is_empty() && !notes.iter().any(|note| text.starts_with(note))
}
