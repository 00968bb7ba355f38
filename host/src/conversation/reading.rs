//! Makes entries of the lines of a page.
//!
//! The rules of the plugin interface hold: a record in a spliced line is a record, and what is not one is unreadable. Nothing is
//! dropped: a record of an unknown kind becomes an entry with its JSON.

use std::collections::{HashMap, HashSet};

use session_plugin_api::{
    LineEnding, MalformedLine, Session, Timestamp,
    transcript::{Block, Content, Event, EventKind, Json, ToolResult},
};

use super::{
    calls::{self, BLOCKS, Pairs, blocks_of},
    entry::{Call, CallElsewhere, Entry, Output, Part, Response, ResponseId, ResultElsewhere, Speaker, Tokens},
    fields::text,
    json,
    markdown::{markdown, thinking},
    masking::{Excerpt, Extent, Look, Mask, Masked},
};

/// How many records and blocks of a page are shown. A page has few lines, but a line may consist of any number of records.
const MOST: usize = 2_000;

/// The pages beside a page: the first line and the bytes of each.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    pub(super) before: Option<(u64, Vec<u8>)>,
    pub(super) after: Option<(u64, Vec<u8>)>,
}

/// A record.
pub(super) struct Said<'a> {
    pub(super) line: u64,
    pub(super) event: Event<'a>,
    /// The record that it was relayed by, which may name its subagent.
    relay: Option<Event<'a>>,
    /// The blocks, each with its JSON. None if there are too many: the record is shown as JSON then.
    pub(super) blocks: Vec<(Block<'a>, Json<'a>)>,
    /// How many of them are results of tools.
    pub(super) results: usize,
}

impl<'a> Said<'a> {
    fn of(event: Event<'a>, first_line: u64) -> Self {
        let line = event.line.max(1) + first_line - 1;
        let (event, relay) = match event.relayed() {
            Some(relayed) => (relayed, Some(event)),
            None => (event, None),
        };
        let blocks = match (calls::old_result(&event), event.kind) {
            (Some(result), _) => vec![(Block::ToolResult(result), event.raw)],
            (None, EventKind::User | EventKind::Assistant) => blocks_of(event.message.content).unwrap_or_default(),
            (None, EventKind::System) => blocks_of(event.content).unwrap_or_default(),
            (None, _) => Vec::new(),
        };
        let results = blocks
            .iter()
            .filter(|(block, _)| matches!(block, Block::ToolResult(_)))
            .count();
        Self {
            line,
            event,
            relay,
            blocks,
            results,
        }
    }

    /// How many things it shows: itself, its blocks, and the blocks of results.
    fn things(&self) -> usize {
        let inside = self.blocks.iter().map(|(block, _)| match block {
            Block::ToolResult(ToolResult {
                content: Content::Blocks(list),
                ..
            }) => list.elements().len().min(BLOCKS),
            _ => 0,
        });
        1 + self.blocks.len() + inside.sum::<usize>()
    }
}

/// The entries of a page.
pub(super) fn entries(first_line: u64, page: &[u8], neighbours: &Neighbours, look: Look<'_>) -> Vec<Entry> {
    let session = session(page);
    let mut events = session.events();
    let mut records = Vec::new();
    let mut order = Vec::new();
    let mut things = 0;
    while things < MOST
        && let Some(event) = events.next()
    {
        order.push(match event {
            Ok(event) => {
                let said = Said::of(event, first_line);
                things += said.things();
                records.push(said);
                None
            }
            Err(torn) => {
                things += 1;
                Some(torn)
            }
        });
    }
    let left_out = events.count() as u64;
    let reading = Reading {
        pairs: Pairs::of(&records),
        records,
        before: in_neighbour(neighbours.before.as_ref(), |said| calls::calls_in(said, look.mask)),
        after: in_neighbour(neighbours.after.as_ref(), calls::results_in),
        look,
    };
    let mut known = HashSet::new();
    let mut number = 0;
    let mut entries = Vec::new();
    for torn in order {
        match torn {
            Some(torn) => entries.push(reading.torn(&torn, first_line)),
            None => {
                entries.extend(reading.entry(number, &mut known));
                number += 1;
            }
        }
    }
    if left_out > 0 {
        let line = entries.last().map_or(first_line, |last| last.line);
        entries.push(Entry::left_out(line, left_out));
    }
    entries
}

/// The first records of a line as JSON, and the pieces that are none as they stand.
pub(super) fn records(line: &[u8], mask: &Mask) -> Vec<Excerpt> {
    let mut most = Extent::Whole.most();
    let session = session(line);
    let written = session.events().take(MOST).map(|event| {
        let record = match event {
            Ok(event) => json::written(event.raw, mask, most),
            Err(torn) => mask.excerpt(&String::from_utf8_lossy(torn.bytes), most),
        };
        most = most.saturating_sub(record.text.as_str().len());
        record
    });
    written.collect()
}

fn session(text: &[u8]) -> Session<'_> {
    Session::from_bytes("", "", Timestamp::default(), text)
}

/// What a page beside the page tells: only that is kept, and not the records.
fn in_neighbour<T>(page: Option<&(u64, Vec<u8>)>, told: impl Fn(&Said<'_>) -> Vec<(String, T)>) -> HashMap<String, T> {
    let Some((first_line, text)) = page else {
        return HashMap::new();
    };
    let session = session(text);
    let events = session.events().filter_map(Result::ok).take(MOST);
    let told = events.flat_map(|event| told(&Said::of(event, *first_line)));
    told.collect()
}

/// What is known while the entries of a page are made.
struct Reading<'a, 'm> {
    records: Vec<Said<'a>>,
    pairs: Pairs,
    before: HashMap<String, CallElsewhere>,
    after: HashMap<String, ResultElsewhere>,
    look: Look<'m>,
}

impl Reading<'_, '_> {
    fn torn(&self, torn: &MalformedLine<'_>, first_line: u64) -> Entry {
        let text = String::from_utf8_lossy(torn.bytes);
        Entry {
            line: torn.line + first_line - 1,
            at: None,
            agent: None,
            speaker: match torn.ending {
                LineEnding::Complete => Speaker::Unreadable,
                LineEnding::EndOfFile => Speaker::Unfinished,
            },
            parts: vec![Part::Text(self.look.excerpt_of_record(&text))],
            response: None,
        }
    }

    /// The entry of a record; `None` if all of it is shown elsewhere.
    fn entry<'s>(&'s self, number: usize, known: &mut HashSet<&'s str>) -> Option<Entry> {
        let said = &self.records[number];
        let event = &said.event;
        let parts: Vec<Part> = (0..said.blocks.len())
            .filter_map(|place| self.part(number, place))
            .collect();
        let is_elsewhere = |place| self.pairs.is_taken((number, place));
        if !said.blocks.is_empty() && (0..said.blocks.len()).all(is_elsewhere) {
            return None;
        }
        let (speaker, parts) = match parts.is_empty() {
            true => self.record(event),
            false => (self.speaker(said), parts),
        };
        Some(Entry {
            line: said.line,
            at: event.timestamp(),
            agent: self.agent(said),
            speaker,
            parts,
            response: response(event, known),
        })
    }

    fn speaker(&self, said: &Said<'_>) -> Speaker {
        let event = &said.event;
        let fixed = |name| Speaker::Harness(Masked::fixed(name));
        let origin = event.origin.kind.as_deref().filter(|kind| *kind != "human");
        match event.kind {
            EventKind::Assistant if event.is_api_error_message => Speaker::ApiError,
            EventKind::Assistant => {
                Speaker::Model(event.message.model.as_deref().map(|model| self.look.mask.text(model)))
            }
            EventKind::System => Speaker::Harness(self.look.mask.text(event.subtype.as_deref().unwrap_or("system"))),
            _ if event.is_compact_summary => fixed("summary of what was said before"),
            _ if said.results > 0 => Speaker::Tool,
            _ if event.is_meta => fixed("added by the agent"),
            _ => match origin {
                Some(origin) => Speaker::Harness(self.look.mask.text(origin)),
                None => Speaker::Person,
            },
        }
    }

    /// A record whose blocks say nothing, or that has none.
    fn record(&self, event: &Event<'_>) -> (Speaker, Vec<Part>) {
        if let (EventKind::Summary, Some(title)) = (event.kind, text(event.raw, "summary")) {
            let title = Part::Text(self.look.excerpt(&title));
            return (Speaker::Harness(Masked::fixed("title")), vec![title]);
        }
        let written = json::written(event.raw, self.look.mask, self.look.extent.most_of_a_record());
        let kind = self.look.mask.text(&kind_of(event));
        (
            Speaker::Record(kind),
            vec![Part::Folded(Masked::fixed("record"), written)],
        )
    }

    fn agent(&self, said: &Said<'_>) -> Option<Masked> {
        let relayed_by = said.relay.as_ref().and_then(|relay| text(relay.data, "agentId"));
        let name = relayed_by.as_deref().or(said.event.agent_id.as_deref());
        match name {
            Some(name) => Some(self.look.mask.text(name)),
            None => (said.relay.is_some() || said.event.is_sidechain).then(|| Masked::fixed("subagent")),
        }
    }

    fn part(&self, number: usize, place: usize) -> Option<Part> {
        let said = &self.records[number];
        let (block, raw) = &said.blocks[place];
        let look = self.look;
        match block {
            Block::Text(text) if text.is_empty() => None,
            Block::Text(text) if text.decode().trim().is_empty() => Some(Part::Remark(Masked::fixed("a blank text"))),
            Block::Text(text) => {
                let text = look.excerpt(&text.decode());
                Some(match said.event.kind {
                    EventKind::Assistant => markdown(text, look.mask),
                    _ if said.event.is_compact_summary => markdown(text, look.mask),
                    _ if said.event.is_meta => Part::Folded(Masked::fixed("text"), text),
                    _ => Part::Text(text),
                })
            }
            // An encrypted thought is empty.
            Block::Thinking(text) if text.is_empty() => {
                Some(Part::Remark(Masked::fixed("thinking that is not recorded")))
            }
            Block::Thinking(text) => Some(thinking(look.excerpt(&text.decode()), look.mask)),
            Block::ToolUse(call) => {
                let id = call.id.as_deref();
                Some(Part::Call(Box::new(self.call(
                    calls::call(call, look),
                    id,
                    number,
                    place,
                ))))
            }
            Block::ToolResult(_) if self.pairs.is_taken((number, place)) => None,
            Block::ToolResult(result) => Some(Part::Output(Box::new(self.lone_output(said, result)))),
            _ => Some(calls::other(*raw, look)),
        }
    }

    /// A call with its result.
    fn call(&self, mut call: Call, id: Option<&str>, number: usize, place: usize) -> Call {
        let called_at = self.records[number].event.timestamp();
        let Some(result) = self.pairs.result_of((number, place)) else {
            call.answered = id.and_then(|id| self.after.get(id).copied());
            return call;
        };
        let said = &self.records[result.0];
        if let (Block::ToolResult(result), _) = &said.blocks[result.1] {
            let mut output = calls::output(said, result, self.look);
            output.took = calls::took(called_at, output.at);
            // The tool knows more of the edit than the call.
            if output.patch.is_some() {
                call.edits.clear();
            }
            call.output = Some(output);
            call.agent = calls::agent_of(&said.event);
        }
        call
    }

    fn lone_output(&self, said: &Said<'_>, result: &ToolResult<'_>) -> Output {
        let mut output = calls::output(said, result, self.look);
        let id = result.tool_use_id.as_deref();
        output.call = id.and_then(|id| self.before.get(id).cloned());
        output.took = calls::took(output.call.as_ref().and_then(|call| call.at), output.at);
        output
    }
}

/// What a record is called: its type, and the type of what it carries.
fn kind_of(event: &Event<'_>) -> String {
    let kind = text(event.raw, "type");
    let carried = ["data", "attachment", "payload"].map(|key| text(event.raw.get(key)?, "type"));
    let carried = carried.into_iter().flatten().next();
    let carried = carried
        .or_else(|| event.subtype.clone())
        .or_else(|| text(event.raw, "operation"));
    let kind = kind.as_deref().unwrap_or("a record without a type");
    match carried {
        Some(carried) => format!("{kind}: {carried}"),
        None => kind.to_owned(),
    }
}

/// The response that begins with a record.
fn response<'a>(event: &'a Event<'_>, known: &mut HashSet<&'a str>) -> Option<Response> {
    if event.kind != EventKind::Assistant {
        return None;
    }
    let message = event.message.id.as_deref();
    if let Some(message) = message
        && !known.insert(message)
    {
        return None;
    }
    let usage = &event.message.usage;
    let response = Response {
        id: message.map(|message| ResponseId::new(message, event.request_id.as_deref())),
        tokens: Tokens {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cache_read: usage.cache_read_input_tokens,
            cache_write: usage.cache_creation_input_tokens,
        },
    };
    (response.has_tokens() || response.id.is_some()).then_some(response)
}
