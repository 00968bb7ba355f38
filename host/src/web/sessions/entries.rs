//! The entries of a conversation.

use std::{cell::RefCell, collections::HashSet};

use maud::{Markup, html};

use super::{
    costs::Costs,
    markdown,
    outputs::{call, lone_output},
    relatives::Relatives,
    shown::{Whole, shown},
};
use crate::{
    amounts::{counted, grouped},
    conversation::{Entry, Masked, Part, Speaker},
    names::SessionKey,
    web::{
        parts::{Tone, pill},
        texts::{Clock, size},
    },
};

/// What entries are shown with.
pub(super) struct Stage<'s> {
    /// The session.
    pub(super) session: &'s SessionKey,
    /// The line that was asked for.
    pub(super) at: Option<u64>,
    /// What responses cost.
    pub(super) costs: &'s Costs,
    /// The transcripts of its subagents.
    pub(super) relatives: &'s Relatives,
    /// The clock of those who look.
    pub(super) clock: Clock,
    /// Whether the page shows the whole of one line.
    is_of_a_line: bool,
    /// The lines that have an anchor. Several records may stand in one line.
    anchored: RefCell<HashSet<u64>>,
}

impl<'s> Stage<'s> {
    pub(super) fn new(
        session: &'s SessionKey,
        at: Option<u64>,
        costs: &'s Costs,
        relatives: &'s Relatives,
        clock: Clock,
    ) -> Self {
        Self {
            session,
            at,
            costs,
            relatives,
            clock,
            is_of_a_line: false,
            anchored: RefCell::default(),
        }
    }

    /// As above, for the page that shows the whole of one line.
    pub(super) fn of_a_line(self) -> Self {
        Self {
            is_of_a_line: true,
            ..self
        }
    }

    /// The anchor of a line, for the first element that shows it.
    pub(super) fn anchor(&self, line: u64) -> Option<String> {
        let is_first = self.anchored.borrow_mut().insert(line);
        is_first.then(|| format!("line-{line}"))
    }

    /// Whether the page was asked for this line. The browser goes there.
    pub(super) fn is_asked_for(&self, line: u64) -> bool {
        self.at == Some(line)
    }

    /// Where the whole of a line is.
    pub(super) fn whole(&self, line: u64) -> Whole<'_> {
        Whole {
            session: self.session,
            line,
            is_here: self.is_of_a_line,
        }
    }

    fn holds_asked_line(&self, entries: &[Entry]) -> bool {
        let [Some(first), Some(last)] = [entries.first(), entries.last()] else {
            return false;
        };
        self.at.is_some_and(|at| (first.line..=last.line).contains(&at))
    }

    /// All entries of a page: those of a subagent together, and those that are not said.
    pub(super) fn conversation(&self, entries: &[Entry]) -> Markup {
        let same = |one: &Entry, other: &Entry| self.subagent(one) == self.subagent(other);
        html! {
            @for group in entries.chunk_by(same) {
                @match group.first().and_then(|first| self.subagent(first)) {
                    Some(agent) => (self.of_subagent(agent, group)),
                    None => (self.in_order(group)),
                }
            }
        }
    }

    /// The subagent that an entry belongs to. In the transcript of a subagent, nobody else says anything.
    fn subagent<'e>(&self, entry: &'e Entry) -> Option<&'e Masked> {
        entry.agent.as_ref().filter(|_| !self.relatives.is_of_a_subagent())
    }

    fn of_subagent(&self, agent: &Masked, entries: &[Entry]) -> Markup {
        html! {
            details.subagent open {
                summary { "Subagent " (shown(agent)) ": " (counted(entries.len() as u64, "line")) }
                (self.in_order(entries))
            }
        }
    }

    fn in_order(&self, entries: &[Entry]) -> Markup {
        html! {
            @for group in entries.chunk_by(|one, other| one.is_said() == other.is_said()) {
                @if group.first().is_some_and(Entry::is_said) {
                    @for entry in group { (self.entry(entry)) }
                } @else {
                    (self.records(group))
                }
            }
        }
    }

    /// Records that are no part of the conversation, folded: how many of which kind, then each.
    fn records(&self, entries: &[Entry]) -> Markup {
        let mut kinds: Vec<(&Masked, usize)> = Vec::new();
        for entry in entries {
            let Speaker::Record(kind) = &entry.speaker else {
                continue;
            };
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((kind, 1)),
            }
        }
        html! {
            details.records data-entry open[self.holds_asked_line(entries)] {
                summary {
                    @for (place, (kind, count)) in kinds.iter().enumerate() {
                        @if place > 0 { ", " }
                        (count) " × " (shown(kind))
                    }
                }
                @for entry in entries {
                    div.record id=[self.anchor(entry.line)] tabindex="-1" autofocus[self.is_asked_for(entry.line)] {
                        (self.line_and_time(entry))
                        @for part in &entry.parts {
                            @if let Part::Folded(_, text) = part { (self.whole(entry.line).block(text)) }
                        }
                        @if let Some(response) = &entry.response { (self.costs.shown(response)) }
                    }
                }
            }
        }
    }

    fn entry(&self, entry: &Entry) -> Markup {
        let class = format!("entry {}", class(&entry.speaker));
        html! {
            article class=(class) id=[self.anchor(entry.line)] data-entry tabindex="-1" autofocus[self.is_asked_for(entry.line)] {
                header {
                    (speaker(&entry.speaker))
                    (self.line_and_time(entry))
                }
                @for part in &entry.parts { (self.part(entry.line, part)) }
                @if let Some(response) = &entry.response { (self.costs.shown(response)) }
            }
        }
    }

    fn line_and_time(&self, entry: &Entry) -> Markup {
        html! {
            span.soft {
                @if let Some(at) = entry.at { (self.clock.moment(at)) " " }
                a href=(self.whole(entry.line).address()) { "line " (entry.line) }
            }
        }
    }

    /// A part of an entry.
    pub(super) fn part(&self, line: u64, part: &Part) -> Markup {
        let whole = self.whole(line);
        html! {
            @match part {
                Part::Text(text) => (whole.block(text)),
                Part::Markdown(text) => {
                    div.markdown { (markdown::rendered(&text.text)) }
                    (whole.rest(text.left_out))
                },
                Part::Thinking(text) => {
                    details.thinking {
                        summary { "Thinking" }
                        div.markdown { (markdown::rendered(&text.text)) }
                        (whole.rest(text.left_out))
                    }
                },
                Part::Call(called) => (call(self, line, called)),
                Part::Output(output) => (lone_output(self, output)),
                Part::Folded(title, text) => {
                    details { summary { (shown(title)) } (whole.block(text)) }
                },
                Part::Remark(remark) => p.soft { (shown(remark)) },
            }
        }
    }
}

fn class(speaker: &Speaker) -> &'static str {
    match speaker {
        Speaker::Person => "person",
        Speaker::Model(_) => "model",
        Speaker::Tool => "tool",
        Speaker::Harness(_) | Speaker::Record(_) => "harness",
        Speaker::ApiError | Speaker::Unreadable | Speaker::Unfinished | Speaker::TooLong(_) | Speaker::LeftOut(_) => {
            "bad"
        }
    }
}

fn speaker(speaker: &Speaker) -> Markup {
    html! {
        span.who {
            @match speaker {
                Speaker::Person => "Prompt",
                Speaker::Model(None) => "Answer",
                Speaker::Model(Some(model)) => { "Answer " span.soft { (shown(model)) } },
                Speaker::ApiError => { "Answer " (pill(Tone::Bad, "error of the API")) },
                Speaker::Tool => "Tool",
                Speaker::Harness(kind) | Speaker::Record(kind) => { "Agent " span.soft { (shown(kind)) } },
                Speaker::Unreadable => { (pill(Tone::Bad, "unreadable")) " This is no record." },
                Speaker::Unfinished => { (pill(Tone::Warn, "unfinished")) " The file ends within this record." },
                Speaker::TooLong(bytes) => {
                    (pill(Tone::Bad, "not read")) " This line has " (size(*bytes)) ", which is more than the page reads."
                },
                Speaker::LeftOut(records) => {
                    (pill(Tone::Bad, "not shown")) " From here to the end of the page, "
                    (grouped(*records)) " more records: a page shows no more of so many."
                },
            }
        }
    }
}
