//! Calls of tools and their results, which stand in different lines.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use session_plugin_api::{
    Timestamp,
    transcript::{Block, Content, Event, EventKind, Json, ToolResult, ToolUse},
};

use super::{
    diffs::Diff,
    entry::{AgentId, Call, CallElsewhere, Field, Output, Part, ResultElsewhere},
    fields::{members, text},
    json,
    masking::{Excerpt, Look, Mask, Masked},
    reading::Said,
};

/// How many blocks of a record, and edits of a call, are shown one by one.
pub(super) const BLOCKS: usize = 200;

/// A place in a page: which event, and which block of it.
pub(super) type Place = (usize, usize);

/// Which result on a page belongs to which call on it.
#[derive(Default)]
pub(super) struct Pairs {
    results: HashMap<Place, Place>,
    taken: HashSet<Place>,
}

impl Pairs {
    /// Pairs the calls of a page with the first results behind them.
    pub(super) fn of(said: &[Said<'_>]) -> Self {
        let mut calls: HashMap<String, Place> = HashMap::new();
        let mut pairs = Self::default();
        for (number, said) in said.iter().enumerate() {
            for (place, (block, _)) in said.blocks.iter().enumerate() {
                match block {
                    Block::ToolUse(ToolUse { id: Some(id), .. }) => {
                        calls.insert(id.to_string(), (number, place));
                    }
                    Block::ToolResult(ToolResult {
                        tool_use_id: Some(id), ..
                    }) => {
                        if let Some(call) = calls.remove(id.as_ref()) {
                            pairs.results.insert(call, (number, place));
                            pairs.taken.insert((number, place));
                        }
                    }
                    _ => {}
                }
            }
        }
        pairs
    }

    /// Where the result of a call is.
    pub(super) fn result_of(&self, call: Place) -> Option<Place> {
        self.results.get(&call).copied()
    }

    /// Whether a result is shown with its call.
    pub(super) fn is_taken(&self, result: Place) -> bool {
        self.taken.contains(&result)
    }
}

/// The calls in a record of the page before, by their identifiers.
pub(super) fn calls_in(said: &Said<'_>, mask: &Mask) -> Vec<(String, CallElsewhere)> {
    let calls = said.blocks.iter().filter_map(|(block, _)| match block {
        Block::ToolUse(ToolUse { id: Some(id), name, .. }) => {
            let call = CallElsewhere {
                line: said.line,
                name: mask.text(name.as_deref().unwrap_or("a tool")),
                at: said.event.timestamp(),
            };
            Some((id.to_string(), call))
        }
        _ => None,
    });
    calls.collect()
}

/// The results in a record of the next page, by the identifiers of their calls.
pub(super) fn results_in(said: &Said<'_>) -> Vec<(String, ResultElsewhere)> {
    let results = said.blocks.iter().filter_map(|(block, _)| match block {
        Block::ToolResult(ToolResult {
            tool_use_id: Some(id),
            is_error,
            ..
        }) => {
            let result = ResultElsewhere {
                line: said.line,
                at: said.event.timestamp(),
                is_error: *is_error,
            };
            Some((id.to_string(), result))
        }
        _ => None,
    });
    results.collect()
}

/// A call, without its result.
pub(super) fn call(call: &ToolUse<'_>, look: Look<'_>) -> Call {
    let (edits, told_by_edits) = edits(call.input, look);
    let input = match members(call.input) {
        Some(members) => members
            .into_iter()
            .filter(|(name, _)| !told_by_edits.contains(&name.as_str()))
            .map(|(name, value)| Field {
                value: value_of(&name, value, look),
                name: look.mask.text(&name),
            })
            .collect(),
        None if call.input.is_null() => Vec::new(),
        None => vec![Field {
            name: Masked::fixed("input"),
            value: json::written(call.input, look.mask, look.extent.most()),
        }],
    };
    Call {
        name: look.mask.text(call.name.as_deref().unwrap_or("a tool")),
        input,
        edits,
        output: None,
        answered: None,
        agent: None,
    }
}

fn value_of(name: &str, value: Json<'_>, look: Look<'_>) -> Excerpt {
    match value.text() {
        Some(text) => look.mask.member(name, &text.decode()).excerpt(look.extent.most()),
        None if value.as_str().starts_with(['{', '[']) => json::written(value, look.mask, look.extent.most()),
        None => look.mask.member(name, value.as_str()).excerpt(look.extent.most()),
    }
}

/// The members of an edit that its diff tells.
const OLD_AND_NEW: &[&str] = &["old_string", "new_string"];

/// What a call asks to change, and the members of its input that say nothing else.
fn edits(input: Json<'_>, look: Look<'_>) -> (Vec<Diff>, &'static [&'static str]) {
    let diff = |edit: Json<'_>| {
        let (old, new) = (text(edit, "old_string")?, text(edit, "new_string")?);
        Some(Diff::between(&old, &new, look))
    };
    let Some(edits) = input.get("edits") else {
        return match diff(input) {
            Some(diff) => (vec![diff], OLD_AND_NEW),
            None => (Vec::new(), &[]),
        };
    };
    let edits = edits.elements();
    if edits.len() > BLOCKS {
        return (Vec::new(), &[]);
    }
    let diffs: Vec<Diff> = edits.iter().filter_map(|edit| diff(*edit)).collect();
    let says_no_more = |edit: &Json<'_>| {
        members(*edit).is_some_and(|told| told.iter().all(|(name, _)| OLD_AND_NEW.contains(&name.as_str())))
    };
    let are_all = !diffs.is_empty() && diffs.len() == edits.len() && edits.iter().all(says_no_more);
    let told: &[&str] = if are_all { &["edits"] } else { &[] };
    (diffs, told)
}

/// What a tool answered.
pub(super) fn output(said: &Said<'_>, result: &ToolResult<'_>, look: Look<'_>) -> Output {
    let own_record = match said.results {
        1 => said.event.tool_use_result,
        // It does not say of which result it is.
        _ => Json::default(),
    };
    let denied = said.event.tool_denial_kind.as_deref();
    Output {
        line: said.line,
        at: said.event.timestamp(),
        took: None,
        is_error: result.is_error,
        denied: denied.map(|kind| look.mask.text(kind)),
        parts: texts(result.content, look),
        patch: own_record
            .get("structuredPatch")
            .and_then(|patch| Diff::of_patch(patch, look)),
        call: None,
    }
}

/// The subagent that a tool's own record of its result names.
pub(super) fn agent_of(event: &Event<'_>) -> Option<AgentId> {
    AgentId::new(&text(event.tool_use_result, "agentId")?)
}

fn texts(content: Content<'_>, look: Look<'_>) -> Vec<Part> {
    let blocks = match blocks_of(content) {
        Ok(blocks) => blocks,
        Err(list) => {
            let written = json::written(list, look.mask, look.extent.most_of_a_record());
            return vec![Part::Folded(Masked::fixed("many blocks"), written)];
        }
    };
    let parts = blocks.into_iter().filter_map(|(block, raw)| match block {
        Block::Text(text) if text.is_empty() => None,
        Block::Text(text) => Some(Part::Text(look.excerpt(&text.decode()))),
        _ => Some(other(raw, look)),
    });
    parts.collect()
}

/// The blocks of a content, each with its JSON.
///
/// # Errors
/// The list, if it has more blocks than anybody reads one by one.
pub(super) fn blocks_of(content: Content<'_>) -> Result<Vec<(Block<'_>, Json<'_>)>, Json<'_>> {
    let raw = match content {
        Content::Blocks(list) => {
            let raw = list.elements();
            if raw.len() > BLOCKS {
                return Err(list);
            }
            raw
        }
        _ => Vec::new(),
    };
    let raw = raw.into_iter().chain(std::iter::repeat(Json::default()));
    Ok(content.blocks().into_iter().zip(raw).collect())
}

/// A block that is neither text nor of a tool: an image, or a kind that is not known.
pub(super) fn other(block: Json<'_>, look: Look<'_>) -> Part {
    let kind = text(block, "type");
    if let (Some("image" | "document"), Some(source)) = (kind.as_deref(), block.get("source")) {
        let format = text(source, "media_type");
        let format = look.mask.text(&format.unwrap_or_default());
        let size = source.get("data").map_or(0, |data| data.as_str().len());
        return Part::Remark(look.mask.text(&format!(
            "not shown: {} {} of {size} characters",
            kind.as_deref().unwrap_or_default(),
            format.as_str()
        )));
    }
    let title = look.mask.text(kind.as_deref().unwrap_or("a block without a type"));
    Part::Folded(title, json::written(block, look.mask, look.extent.most_of_a_record()))
}

/// The time between a call and its result.
pub(super) fn took(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Duration> {
    let micros = to?.as_micros().checked_sub(from?.as_micros())?;
    u64::try_from(micros).ok().map(Duration::from_micros)
}

/// The result that a whole line of an old transcript is.
pub(super) fn old_result<'a>(event: &Event<'a>) -> Option<ToolResult<'a>> {
    (event.kind == EventKind::ToolUseResult).then(|| ToolResult {
        tool_use_id: event.tool_use_id.clone(),
        is_error: event.is_error,
        content: event.content,
    })
}
