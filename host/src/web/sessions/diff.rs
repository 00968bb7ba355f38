//! Diffs.

use maud::{Markup, html};

use super::shown::{Whole, shown};
use crate::conversation::{Change, Diff, DiffLine};

/// A diff. Signs tell removed lines from added ones, not the colour alone.
pub(super) fn shown_diff(diff: &Diff, whole: Whole<'_>) -> Markup {
    html! {
        div.diff.scroll tabindex="0" role="group" aria-label="Changed lines" {
            @for hunk in &diff.hunks {
                @if let Some((old, new)) = hunk.place {
                    div.place { "Line " (old) @if old != new { ", then " (new) } }
                }
                @for line in &hunk.lines { (shown_line(line)) }
            }
            @if diff.hunks.is_empty() && diff.left_out == 0 { div.place { "No line differs." } }
        }
        (whole.more(diff.left_out, "lines"))
    }
}

fn shown_line(line: &DiffLine) -> Markup {
    let (class, sign) = match line.change {
        Change::Same => ("same", " "),
        Change::Removed => ("removed", "-"),
        Change::Added => ("added", "+"),
    };
    html! { div class=(class) { span.sign { (sign) } (shown(&line.text)) } }
}
