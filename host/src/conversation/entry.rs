//! What a conversation consists of. Every text in it is masked.

use std::time::Duration;

use session_plugin_api::Timestamp;

use super::{
    diffs::Diff,
    masking::{Excerpt, Masked},
};

/// What one line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line.
    pub line: u64,
    /// When it was written.
    pub at: Option<Timestamp>,
    /// The subagent to whose work it belongs.
    pub agent: Option<Masked>,
    /// Who says it.
    pub speaker: Speaker,
    /// What is said.
    pub parts: Vec<Part>,
    /// The response of which it is the first part on its page.
    pub response: Option<Response>,
}

/// Who says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// A person.
    Person,
    /// The model of this name.
    Model(Option<Masked>),
    /// The model's API, instead of the model.
    ApiError,
    /// A tool.
    Tool,
    /// The agent itself, such as a reminder to the model; the text says of what kind.
    Harness(Masked),
    /// Nobody: a record that is no part of the conversation, of this kind.
    Record(Masked),
    /// Nobody: a piece that is no record.
    Unreadable,
    /// Nobody: the end of the file, which an agent may still write.
    Unfinished,
    /// Nobody: a line of so many bytes that nobody reads it.
    TooLong(u64),
    /// Nobody: so many further records of a page that has too many.
    LeftOut(u64),
}

/// A part of what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A text as it stands.
    Text(Excerpt),
    /// A text in Markdown.
    Markdown(Excerpt),
    /// The model's reasoning.
    Thinking(Excerpt),
    /// A call of a tool.
    Call(Box<Call>),
    /// The output of a tool whose call is not on this page.
    Output(Box<Output>),
    /// A text that few people want to read, and what it is.
    Folded(Masked, Excerpt),
    /// A remark in place of something that is not shown.
    Remark(Masked),
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The tool.
    pub name: Masked,
    /// What it was asked.
    pub input: Vec<Field>,
    /// What it was asked to change.
    pub edits: Vec<Diff>,
    /// What it answered, if that is on the same page.
    pub output: Option<Output>,
    /// Where it answered, if that is on the next page.
    pub answered: Option<ResultElsewhere>,
    /// The subagent that it started.
    pub agent: Option<AgentId>,
}

/// A field of a tool's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Masked,
    /// Its value.
    pub value: Excerpt,
}

/// What a tool answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The line that says so.
    pub line: u64,
    /// When.
    pub at: Option<Timestamp>,
    /// How long after the call.
    pub took: Option<Duration>,
    /// Whether the call failed.
    pub is_error: bool,
    /// Why the tool was not called.
    pub denied: Option<Masked>,
    /// The texts, and remarks on what is no text.
    pub parts: Vec<Part>,
    /// What it says that it changed.
    pub patch: Option<Diff>,
    /// The call, if it is on the page before.
    pub call: Option<CallElsewhere>,
}

/// A call on the page before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallElsewhere {
    /// Its line.
    pub line: u64,
    /// The tool.
    pub name: Masked,
    /// When.
    pub at: Option<Timestamp>,
}

/// An answer on the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultElsewhere {
    /// Its line.
    pub line: u64,
    /// When.
    pub at: Option<Timestamp>,
    /// Whether the call failed.
    pub is_error: bool,
}

/// A response of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Which one, if the transcript says.
    pub id: Option<ResponseId>,
    /// What the transcript says of its tokens.
    pub tokens: Tokens,
}

/// The name of a response. It is for look-ups, and cannot be shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ResponseId {
    message: String,
    request: Option<String>,
}

/// Tokens of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Input that was not in the cache.
    pub input: i64,
    /// Output.
    pub output: i64,
    /// Input read from the cache.
    pub cache_read: i64,
    /// Input written to the cache.
    pub cache_write: i64,
}

/// The name of a subagent, which names its transcript: letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentId(String);

impl Entry {
    /// A line that is too long to be read.
    pub(super) fn too_long(line: u64, bytes: u64) -> Self {
        Self::without_parts(line, Speaker::TooLong(bytes))
    }

    /// Further records in this line and behind it, which are only counted.
    pub(super) fn left_out(line: u64, records: u64) -> Self {
        Self::without_parts(line, Speaker::LeftOut(records))
    }

    fn without_parts(line: u64, speaker: Speaker) -> Self {
        Self {
            line,
            at: None,
            agent: None,
            speaker,
            parts: Vec::new(),
            response: None,
        }
    }

    /// Whether it is a part of the conversation, and not only a record of the agent.
    #[must_use]
    pub fn is_said(&self) -> bool {
        !matches!(self.speaker, Speaker::Record(_))
    }
}

impl Response {
    /// Whether it has any tokens.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        self.tokens != Tokens::default()
    }
}

impl ResponseId {
    pub(super) fn new(message: impl Into<String>, request: Option<impl Into<String>>) -> Self {
        Self {
            message: message.into(),
            request: request.map(Into::into),
        }
    }

    /// The identifiers of its message and its request.
    #[must_use]
    pub fn names(&self) -> (&str, Option<&str>) {
        (&self.message, self.request.as_deref())
    }
}

impl std::fmt::Debug for ResponseId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ResponseId")
    }
}

impl AgentId {
    /// The name, if a file may be called so.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        const LONGEST: usize = 128;
        let is_name = |letter: u8| letter.is_ascii_alphanumeric() || b"-_".contains(&letter);
        let fits = !text.is_empty() && text.len() <= LONGEST && text.bytes().all(is_name);
        fits.then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
