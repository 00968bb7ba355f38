//! Invocations in a session: of tools, skills, subagents, MCP servers and slash commands.

use std::borrow::Cow;

use session_plugin_api::{
    Timestamp,
    transcript::{Event, Json, ToolUse, is_unique_call_id},
};

/// One invocation, according to its line. Only later lines show whether it failed.
#[derive(Clone, Debug)]
pub(crate) struct Invocation<'a> {
    pub(crate) event_type: EventType,
    pub(crate) event_uuid: Option<Cow<'a, str>>,
    /// The uuid of the line that this line copies, or else of this line.
    pub(crate) original_uuid: Option<Cow<'a, str>>,
    pub(crate) parent_uuid: Option<Cow<'a, str>>,
    pub(crate) tool_id: Option<Cow<'a, str>>,
    pub(crate) tool_name: Option<Cow<'a, str>>,
    pub(crate) skill_name: Option<Cow<'a, str>>,
    pub(crate) subagent_type: Option<Cow<'a, str>>,
    pub(crate) command_name: Option<Cow<'a, str>>,
    pub(crate) model: Option<Cow<'a, str>>,
    pub(crate) cwd: Option<Cow<'a, str>>,
    pub(crate) occurred_at: Timestamp,
}

/// The kind of invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventType {
    ToolUse,
    Subagent,
    McpCall,
    SlashCommand,
}

impl EventType {
    /// The value of the column `event_type`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ToolUse => "tool_use",
            Self::Subagent => "subagent",
            Self::McpCall => "mcp_call",
            Self::SlashCommand => "slash_command",
        }
    }

    fn of_tool(name: Option<&str>) -> Self {
        match name {
            Some("Task" | "Agent") => Self::Subagent,
            Some(name) if name.starts_with("mcp__") => Self::McpCall,
            _ => Self::ToolUse,
        }
    }
}

impl<'a> Invocation<'a> {
    /// A tool call in an assistant line.
    pub(crate) fn of_tool(line: &Event<'a>, occurred_at: Timestamp, call: ToolUse<'a>) -> Self {
        let name = call.name.as_deref();
        let event_type = EventType::of_tool(name);
        let skill_name = match name {
            Some("Skill") => string(call.input, "skill").or_else(|| string(call.input, "name")),
            _ => None,
        };
        let subagent_type = match event_type {
            EventType::Subagent => string(call.input, "subagent_type").or_else(|| call.name.clone()),
            _ => None,
        };
        Self {
            tool_id: call.id,
            tool_name: call.name,
            skill_name,
            subagent_type,
            model: line.message.model.clone(),
            ..Self::of_line(line, occurred_at, event_type)
        }
    }

    /// A slash command in a user line.
    pub(crate) fn of_command(line: &Event<'a>, occurred_at: Timestamp, name: Cow<'a, str>) -> Self {
        Self {
            command_name: Some(name),
            ..Self::of_line(line, occurred_at, EventType::SlashCommand)
        }
    }

    fn of_line(line: &Event<'a>, occurred_at: Timestamp, event_type: EventType) -> Self {
        Self {
            event_type,
            event_uuid: line.uuid.clone(),
            original_uuid: line.forked_from.message_uuid.clone().or_else(|| line.uuid.clone()),
            parent_uuid: line.parent_uuid.clone(),
            tool_id: None,
            tool_name: None,
            skill_name: None,
            subagent_type: None,
            command_name: None,
            model: None,
            cwd: line.cwd.clone(),
            occurred_at,
        }
    }

    /// A key that all copies of a session use for this invocation: the tool's id if it is unique; otherwise the id and
    /// the time, which copies keep; without an id, the line and the invoked name.
    pub(crate) fn key(&self) -> Option<Cow<'a, str>> {
        match &self.tool_id {
            Some(id) if is_unique_call_id(id) => Some(id.clone()),
            Some(id) => Some(Cow::Owned(format!("{id}|{}", self.occurred_at.as_micros()))),
            None => {
                let name = self.tool_name.as_ref().or(self.command_name.as_ref())?;
                Some(Cow::Owned(format!("{}|{name}", self.original_uuid.as_ref()?)))
            }
        }
    }

    /// The names by which a catalogue may know the invoked item.
    pub(crate) fn identifiers(&self) -> impl Iterator<Item = &str> {
        [&self.skill_name, &self.subagent_type, &self.command_name]
            .into_iter()
            .filter_map(|name| name.as_deref())
    }
}

fn string<'a>(input: Json<'a>, key: &str) -> Option<Cow<'a, str>> {
    Some(input.get(key)?.text()?.decode())
}

#[cfg(test)]
mod tests {
    use session_plugin_api::transcript::Block;

    use super::*;

    fn of_tool(tool: &str) -> Invocation<'static> {
        let line = format!(
            r#"{{"type":"assistant","uuid":"u2","parentUuid":"u1","cwd":"/bakery","message":{{"model":"claude","content":[
                {{"type":"tool_use","id":"t1",{tool}}}]}}}}"#
        );
        let line = Event::parse(line.leak().as_bytes()).unwrap();
        let Some(Block::ToolUse(call)) = line.message.content.blocks().pop() else {
            panic!("{tool}")
        };
        Invocation::of_tool(&line, Timestamp::from_micros(7), call)
    }

    #[test]
    fn a_skill_is_named_by_its_input() {
        let skill = of_tool(r#""name":"Skill","input":{"skill":"bakery:bread","name":"other"}"#);
        assert_eq!(
            (skill.event_type, skill.skill_name.as_deref()),
            (EventType::ToolUse, Some("bakery:bread"))
        );
        let skill = of_tool(r#""name":"Skill","input":{"skill":5,"name":"bread"}"#);
        assert_eq!(skill.skill_name.as_deref(), Some("bread"));
        assert_eq!(of_tool(r#""name":"Skill","input":null"#).skill_name, None);
        assert_eq!(of_tool(r#""name":"Bash","input":{"skill":"bread"}"#).skill_name, None);
    }

    #[test]
    fn a_subagent_is_named_by_its_input_or_its_tool() {
        for name in ["Task", "Agent"] {
            let typed = of_tool(&format!(r#""name":"{name}","input":{{"subagent_type":"Explore"}}"#));
            assert_eq!(
                (typed.event_type, typed.subagent_type.as_deref()),
                (EventType::Subagent, Some("Explore"))
            );
            let untyped = of_tool(&format!(r#""name":"{name}","input":{{"prompt":"look"}}"#));
            assert_eq!(untyped.subagent_type.as_deref(), Some(name));
        }
        assert_eq!(
            of_tool(r#""name":"TaskCreate","input":{}"#).event_type,
            EventType::ToolUse
        );
    }

    #[test]
    fn a_server_is_told_by_the_prefix_of_its_tools() {
        assert_eq!(
            of_tool(r#""name":"mcp__weather__today","input":{}"#).event_type,
            EventType::McpCall
        );
        assert_eq!(
            of_tool(r#""name":"mcp_weather","input":{}"#).event_type,
            EventType::ToolUse
        );
    }

    #[test]
    fn the_line_tells_where_and_by_which_model() {
        let call = of_tool(r#""name":"Bash","input":{"command":"ls"}"#);
        assert_eq!(
            (call.event_uuid.as_deref(), call.parent_uuid.as_deref()),
            (Some("u2"), Some("u1"))
        );
        assert_eq!(
            (call.cwd.as_deref(), call.model.as_deref()),
            (Some("/bakery"), Some("claude"))
        );
        assert_eq!(
            (call.tool_id.as_deref(), call.tool_name.as_deref()),
            (Some("t1"), Some("Bash"))
        );
        assert_eq!(call.occurred_at, Timestamp::from_micros(7));
    }

    #[test]
    fn a_command_has_neither_tool_nor_model() {
        let line = Event::parse(br#"{"type":"user","uuid":"u1","message":{"model":"claude"}}"#).unwrap();
        let command = Invocation::of_command(&line, Timestamp::from_micros(7), Cow::Borrowed("clear"));
        assert_eq!(
            (command.event_type, command.command_name.as_deref()),
            (EventType::SlashCommand, Some("clear"))
        );
        assert_eq!((command.tool_name, command.tool_id, command.model), (None, None, None));
    }

    #[test]
    fn a_key_is_the_same_in_every_copy_of_a_session() {
        let key = |tool_id: Option<&'static str>, uuid: Option<&'static str>, seconds: i64| {
            let mut line = Event::default();
            line.uuid = uuid.map(Cow::Borrowed);
            let invocation = Invocation {
                tool_id: tool_id.map(Cow::Borrowed),
                ..Invocation::of_command(&line, Timestamp::from_micros(seconds), Cow::Borrowed("clear"))
            };
            invocation.key()
        };
        for id in [
            "toolu_1",
            "tooluse_kZJMlvQmRJ6-eAyJ",
            "call_00_a1B2c3D4e5F6g7H8i9J0",
            "chatcmpl-tool-0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(key(Some(id), Some("u1"), 1), key(Some(id), Some("u2"), 2), "{id}");
        }
        for id in ["call_1", "functions.mcp__bakery__bake_bread_slowly:0"] {
            assert_ne!(key(Some(id), Some("u1"), 1), key(Some(id), Some("u1"), 2), "{id}");
        }
        assert_eq!(key(Some("Bash:0"), Some("u1"), 1), key(Some("Bash:0"), Some("u2"), 1));
        assert_ne!(key(Some("Bash:0"), Some("u1"), 1), key(Some("Bash:0"), Some("u1"), 2));
        assert_eq!(key(None, Some("u1"), 1), key(None, Some("u1"), 2));
        assert_ne!(key(None, Some("u1"), 1), key(None, Some("u2"), 1));
        assert_eq!(key(None, None, 1), None);
    }

    #[test]
    fn the_copy_of_a_line_is_known_by_the_line_that_it_copies() {
        let key = |line: &'static str| {
            let line = Event::parse(line.as_bytes()).unwrap();
            Invocation::of_command(&line, Timestamp::from_micros(7), Cow::Borrowed("clear")).key()
        };
        assert_eq!(
            key(r#"{"uuid":"u1"}"#),
            key(r#"{"uuid":"u9","forkedFrom":{"sessionId":"s1","messageUuid":"u1"}}"#)
        );
    }

    #[test]
    fn a_tool_without_a_name_is_one_all_the_same() {
        assert_eq!(of_tool(r#""name":7,"input":{}"#).event_type, EventType::ToolUse);
    }
}
