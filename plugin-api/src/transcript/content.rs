//! The content of a message: text, tool calls and tool results.

use std::borrow::Cow;

use super::{
    Json, Text,
    cursor::Cursor,
    lenient::{Lenient, lenient_object},
};

/// The content of a message or of a tool's result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content<'a> {
    /// There is none.
    #[default]
    Absent,
    /// A string.
    Text(Text<'a>),
    /// A list. [`blocks`](Content::blocks) parses it.
    Blocks(Json<'a>),
}

impl<'a> Content<'a> {
    /// The blocks in their order. A string is one block of text.
    #[must_use]
    pub fn blocks(self) -> Vec<Block<'a>> {
        match self {
            Self::Absent => Vec::new(),
            Self::Text(text) => vec![Block::Text(text)],
            Self::Blocks(list) => list.read_elements(Block::read),
        }
    }

    /// The texts of the text blocks.
    pub fn texts(self) -> impl Iterator<Item = Text<'a>> {
        self.blocks().into_iter().filter_map(|block| match block {
            Block::Text(text) => Some(text),
            _ => None,
        })
    }
}

impl<'a> Lenient<'a> for Content<'a> {
    fn from_json(json: Json<'a>) -> Self {
        match json.text() {
            Some(text) => Self::Text(text),
            None if json.as_str().starts_with('[') => Self::Blocks(json),
            None => Self::Absent,
        }
    }
}

/// One block of a message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Block<'a> {
    /// Text that a person, a tool or the model wrote.
    Text(Text<'a>),
    /// The model's reasoning before its answer.
    Thinking(Text<'a>),
    /// A tool call.
    ToolUse(ToolUse<'a>),
    /// The result of a tool call.
    ToolResult(ToolResult<'a>),
    /// A block of another type, such as an image.
    Other,
}

/// A tool call.
#[derive(Clone, Debug, Default)]
pub struct ToolUse<'a> {
    /// The identifier that the result refers to.
    pub id: Option<Cow<'a, str>>,
    /// The name of the tool.
    pub name: Option<Cow<'a, str>>,
    /// The arguments.
    pub input: Json<'a>,
}

/// The result of a tool call.
#[derive(Clone, Debug, Default)]
pub struct ToolResult<'a> {
    /// The [`id`](ToolUse::id) of the call.
    pub tool_use_id: Option<Cow<'a, str>>,
    /// Whether the call failed.
    pub is_error: bool,
    /// The tool's output.
    pub content: Content<'a>,
}

/// The fields of all types of blocks.
#[derive(Default)]
struct AnyBlock<'a> {
    kind: BlockKind,
    text: Text<'a>,
    thinking: Text<'a>,
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    input: Json<'a>,
    tool_use_id: Option<Cow<'a, str>>,
    is_error: bool,
    content: Content<'a>,
}

lenient_object!(AnyBlock<'a> {
    b"type" => kind,
    b"text" => text,
    b"thinking" => thinking,
    b"id" => id,
    b"name" => name,
    b"input" => input,
    b"tool_use_id" => tool_use_id,
    b"is_error" => is_error,
    b"content" => content,
});

impl<'a> Block<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        let block = AnyBlock::read(cursor)?;
        Some(match block.kind {
            BlockKind::Text => Self::Text(block.text),
            BlockKind::Thinking => Self::Thinking(block.thinking),
            BlockKind::ToolUse => Self::ToolUse(ToolUse {
                id: block.id,
                name: block.name,
                input: block.input,
            }),
            BlockKind::ToolResult => Self::ToolResult(ToolResult {
                tool_use_id: block.tool_use_id,
                is_error: block.is_error,
                content: block.content,
            }),
            BlockKind::Other => Self::Other,
        })
    }
}

#[derive(Default)]
enum BlockKind {
    Text,
    Thinking,
    ToolUse,
    ToolResult,
    #[default]
    Other,
}

impl<'a> Lenient<'a> for BlockKind {
    fn from_json(json: Json<'a>) -> Self {
        match json.text().unwrap_or_default().decode().as_ref() {
            "text" => Self::Text,
            "thinking" => Self::Thinking,
            "tool_use" => Self::ToolUse,
            "tool_result" => Self::ToolResult,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(json: &str) -> Content<'_> {
        Content::from_json(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_string_is_one_block_of_text() {
        let [Block::Text(text)] = content(r#""hello\nyou""#).blocks()[..] else {
            panic!()
        };
        assert_eq!(text.decode(), "hello\nyou");
    }

    #[test]
    fn content_that_is_neither_text_nor_list_is_absent() {
        for json in ["null", "3", "true", r#"{"type":"text","text":"no list"}"#] {
            assert_eq!(content(json), Content::Absent, "{json}");
            assert!(content(json).blocks().is_empty());
        }
    }

    #[test]
    fn each_type_of_block_has_its_fields() {
        let blocks = content(
            r#"[{"type":"text","text":"a"}, {"type":"thinking","thinking":"b","signature":"s"},
                {"type":"tool_use","id":"t1","name":"Bash","input":{"command":"ls"}},
                {"type":"tool_result","tool_use_id":"t1","is_error":true,"content":[{"type":"text","text":"c"}]},
                {"type":"image","source":{}}]"#,
        )
        .blocks();
        let [
            Block::Text(text),
            Block::Thinking(thought),
            Block::ToolUse(call),
            Block::ToolResult(result),
            Block::Other,
        ] = &blocks[..]
        else {
            panic!("{blocks:?}")
        };
        assert_eq!((text.as_escaped(), thought.as_escaped()), ("a", "b"));
        assert_eq!((call.id.as_deref(), call.name.as_deref()), (Some("t1"), Some("Bash")));
        assert_eq!(call.input.as_str(), r#"{"command":"ls"}"#);
        assert_eq!((result.tool_use_id.as_deref(), result.is_error), (Some("t1"), true));
        assert_eq!(result.content.texts().next().unwrap().as_escaped(), "c");
    }

    #[test]
    fn a_strange_block_costs_only_itself() {
        let blocks =
            content(r#"[7, "\ud83d", {"type":["text"]}, {"type":"text","text":5}, {"type":"tool_use","id":1}]"#)
                .blocks();
        let [
            Block::Other,
            Block::Other,
            Block::Other,
            Block::Text(text),
            Block::ToolUse(call),
        ] = &blocks[..]
        else {
            panic!("{blocks:?}")
        };
        assert!(text.is_empty());
        assert_eq!(call.id, None);
        assert!(call.input.is_null());
    }
}
