//! The small parts of which pages are made.

use maud::{Markup, html};

use super::entry::visitor::{SECRET, Visitor};
use crate::printable::Printable;

/// How good or bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// Somebody should look at it.
    Warn,
    /// Something is wrong.
    Bad,
    /// Something is going on.
    Busy,
    /// Neither.
    Plain,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "pill good",
            Self::Warn => "pill warn",
            Self::Bad => "pill bad",
            Self::Busy => "pill busy",
            Self::Plain => "pill",
        }
    }
}

/// A word about a state.
pub(super) fn pill(tone: Tone, text: &str) -> Markup {
    html! { span class=(tone.class()) { (text) } }
}

/// How a run or an action ended, in a word of the audit log.
pub(super) fn outcome(result: &str) -> Markup {
    let tone = match result {
        "ok" => Tone::Good,
        "errors" => Tone::Warn,
        "failed" => Tone::Bad,
        _ => Tone::Plain,
    };
    pill(tone, result)
}

/// Text from outside: characters that would move or reverse other text are shown as escapes.
pub(super) fn foreign(text: &str) -> Markup {
    html! { (Printable(text).to_string()) }
}

/// A button that does something, with the fields that it sends. Viewers see none.
pub(super) fn button(visitor: &Visitor, action: &str, label: &str, fields: &[(&str, &str)]) -> Markup {
    if !visitor.may_act() {
        return html! {};
    }
    html! {
        form method="post" action=(action) {
            input type="hidden" name=(SECRET) value=(visitor.secret);
            @for (name, value) in fields {
                input type="hidden" name=(name) value=(value);
            }
            button { (label) }
        }
    }
}
