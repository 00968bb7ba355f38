//! Calls of tools, and what the tools answered.

use maud::{Markup, html};

use super::{
    diff::shown_diff,
    entries::Stage,
    relatives::link_to,
    shown::{Whole, address, shown},
};
use crate::{
    conversation::{Call, Excerpt, Field, Output, Part},
    web::{
        parts::{Tone, pill},
        texts::duration,
    },
};

/// How long a text of one line is, at most.
const SHORT: usize = 200;

/// A call with its answer, as far as that is on the page.
pub(super) fn call(stage: &Stage<'_>, line: u64, call: &Call) -> Markup {
    let whole = stage.whole(line);
    let failed = call.output.as_ref().is_some_and(|output| output.is_error);
    html! {
        section.call {
            p.head {
                strong { (shown(&call.name)) }
                @if failed { " " (pill(Tone::Bad, "failed")) }
                @if let Some(took) = call.output.as_ref().and_then(|output| output.took) {
                    " " span.soft { "took " (duration(took)) }
                }
                @if let Some(agent) = &call.agent {
                    @if let Some(key) = stage.relatives.transcript_of(agent) { " " (link_to(&key, "Subagent's transcript")) }
                }
            }
            @if !call.input.is_empty() {
                dl.input { @for field in &call.input { (input(field, whole)) } }
            }
            @for edit in &call.edits { (shown_diff(edit, whole)) }
            @match (&call.output, &call.answered) {
                (Some(answered), _) => (output(stage, answered)),
                (None, Some(elsewhere)) => {
                    p.soft {
                        "Answered on the next page, " a href=(address(stage.session, elsewhere.line)) { "line " (elsewhere.line) }
                        @if elsewhere.is_error { " " (pill(Tone::Bad, "failed")) }
                    }
                },
                (None, None) => p.soft { "No answer on this page or the next one." },
            }
        }
    }
}

/// An answer whose call is not on the page.
pub(super) fn lone_output(stage: &Stage<'_>, answered: &Output) -> Markup {
    html! {
        section.call {
            p.head {
                @match &answered.call {
                    Some(call) => {
                        strong { (shown(&call.name)) } ", called at "
                        a href=(address(stage.session, call.line)) { "line " (call.line) }
                    },
                    None => span.soft { "The call is not on this page or the one before." },
                }
                @if answered.is_error { " " (pill(Tone::Bad, "failed")) }
                @if let Some(took) = answered.took { " " span.soft { "took " (duration(took)) } }
            }
            (output(stage, answered))
        }
    }
}

fn input(field: &Field, whole: Whole<'_>) -> Markup {
    html! {
        dt { (shown(&field.name)) }
        dd {
            @if is_short(&field.value) { code { (shown(&field.value.text)) } } @else { (whole.block(&field.value)) }
        }
    }
}

fn is_short(text: &Excerpt) -> bool {
    let text = (text.left_out, text.text.as_str());
    text.0 == 0 && text.1.len() <= SHORT && !text.1.contains('\n')
}

fn output(stage: &Stage<'_>, output: &Output) -> Markup {
    let whole = stage.whole(output.line);
    html! {
        div.output id=[stage.anchor(output.line)] tabindex="-1" autofocus[stage.is_asked_for(output.line)] {
            p.soft {
                @if output.is_error { "Error, " } @else { "Output, " }
                a href=(whole.address()) { "line " (output.line) }
                @if let Some(kind) = &output.denied { ", not called: " (shown(kind)) }
            }
            @if let Some(patch) = &output.patch { (shown_diff(patch, whole)) }
            @for part in &output.parts {
                @match (part, output.is_error, output.patch.is_some()) {
                    // The diff says it already.
                    (Part::Text(text), false, true) => details { summary { "Text of the tool" } (whole.block(text)) },
                    (part, _, _) => (stage.part(output.line, part)),
                }
            }
            @if output.parts.is_empty() && output.patch.is_none() { p.soft { "It says nothing." } }
        }
    }
}
