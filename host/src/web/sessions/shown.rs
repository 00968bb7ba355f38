//! Shows masked text. The conversation gives no other text, so nothing else of a transcript reaches a page.

use maud::{Markup, html};

use crate::{
    amounts::grouped,
    conversation::{Excerpt, Masked},
    names::SessionKey,
    printable,
    web::addresses,
};

/// A text of more bytes scrolls in its block.
const LONG: usize = 1_500;

/// A masked text. Line breaks stay; characters that would move or reverse other text are shown as escapes.
pub(super) fn shown(text: &Masked) -> Markup {
    html! { (printable::lines(text.as_str())) }
}

/// Where the whole of a cut text is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole<'k> {
    /// The session.
    pub(super) session: &'k SessionKey,
    /// The line.
    pub(super) line: u64,
    /// Whether the page shows the whole of the line already, as far as any page does.
    pub(super) is_here: bool,
}

impl Whole<'_> {
    /// The address of the page of the line.
    pub(super) fn address(self) -> String {
        addresses::session_line(self.session.as_str(), self.line)
    }

    /// Tells how many bytes are cut off, if any are.
    pub(super) fn rest(self, left_out: u64) -> Markup {
        self.more(left_out, "bytes")
    }

    /// Tells how many of these things are cut off, if any are.
    pub(super) fn more(self, left_out: u64, things: &str) -> Markup {
        html! {
            @if left_out > 0 {
                p.cut {
                    @if self.is_here {
                        (grouped(left_out)) " more " (things) ", which the page does not show"
                    } @else {
                        a href=(self.address()) { (grouped(left_out)) " more " (things) ": show all of it" }
                    }
                }
            }
        }
    }

    /// A text as it stands, in a block.
    pub(super) fn block(self, excerpt: &Excerpt) -> Markup {
        html! {
            @if excerpt.text.as_str().len() > LONG {
                // People reach what scrolls with the keyboard too.
                pre.said.long tabindex="0" { (shown(&excerpt.text)) }
            } @else {
                pre.said { (shown(&excerpt.text)) }
            }
            (self.rest(excerpt.left_out))
        }
    }
}

/// The address of a line of a session.
pub(super) fn address(session: &SessionKey, line: u64) -> String {
    format!("{}#line-{line}", addresses::session_at(session.as_str(), line))
}
