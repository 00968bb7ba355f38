//! The links from page to page of a transcript.

use maud::{Markup, html};

use crate::{
    amounts::grouped,
    conversation::{Page, Pages},
    names::SessionKey,
    web::addresses,
};

/// The links beside a page.
pub(super) fn pager(session: &SessionKey, pages: &Pages, page: &Page, label: &str) -> Markup {
    let last = pages.count().saturating_sub(1);
    let link = |number: Option<usize>, label: &str, relation: Option<&str>| {
        let target = number
            .filter(|number| *number != page.number)
            .and_then(|number| pages.get(number));
        html! {
            @if let Some(target) = target {
                a.button href=(addresses::session_from(session.as_str(), target.first_line)) rel=[relation] { (label) }
            }
        }
    };
    html! {
        nav.pager aria-label=(label) {
            (link(Some(0), "First", None))
            (link(page.number.checked_sub(1), "Previous", Some("prev")))
            span.soft {
                "Lines " (grouped(page.first_line)) " to " (grouped(page.last_line)) " of " (grouped(pages.lines()))
                ", page " (page.number + 1) " of " (pages.count())
            }
            (link(Some(page.number + 1), "Next", Some("next")))
            (link(Some(last), "Last", None))
        }
    }
}
