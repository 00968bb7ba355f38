//! What each processor has stored of a session.

use maud::{Markup, html};

use super::{entries::counted, shown::shown};
use crate::{
    amounts::grouped,
    conversation::{Mask, Masked},
    names::SessionKey,
    state::{ProcessedVersion, StoredByProcessor},
    web::{
        addresses,
        parts::{Tone, foreign, pill},
        texts::{Clock, size},
    },
};

/// What is stored, with the texts of failures masked.
#[derive(Debug, Default)]
pub(super) struct Stored {
    processors: Vec<(StoredByProcessor, Option<Masked>)>,
}

impl Stored {
    pub(super) fn of(processors: Vec<StoredByProcessor>, mask: &Mask) -> Self {
        let masked = processors.into_iter().map(|stored| {
            let error = stored.failure.as_ref().map(|failure| mask.text(&failure.error));
            (stored, error)
        });
        Self {
            processors: masked.collect(),
        }
    }

    /// Whether the state knows nothing of the session.
    pub(super) fn is_empty(&self) -> bool {
        self.processors.is_empty()
    }

    /// The user that the session is recorded for.
    pub(super) fn username(&self) -> Option<&str> {
        let processed = self
            .processors
            .iter()
            .filter_map(|(stored, _)| stored.processed.as_ref());
        processed.filter_map(|processed| processed.username.as_deref()).next()
    }

    /// A table of it.
    pub(super) fn shown(&self, session: &SessionKey, clock: &Clock) -> Markup {
        html! {
            @if self.is_empty() { p.soft { "No processor has stored anything of this session." } } @else {
                div.scroll tabindex="0" {
                    table {
                        thead {
                            tr {
                                th { "Processor" } th { "Processed" } th { "Version" } th.number { "Items" } th { "Failure" }
                                th { "Tables" }
                            }
                        }
                        tbody {
                            @for (stored, error) in &self.processors { (line(stored, error.as_ref(), session, clock)) }
                        }
                    }
                }
            }
        }
    }
}

fn line(stored: &StoredByProcessor, error: Option<&Masked>, session: &SessionKey, clock: &Clock) -> Markup {
    html! {
        tr {
            td { a href=(addresses::processor(&stored.processor)) { (foreign(&stored.processor)) } }
            @match &stored.processed {
                Some(processed) => {
                    td { (clock.time(&processed.at)) }
                    td { (version(processed)) }
                    td.number { (grouped(u64::try_from(processed.items).unwrap_or(0))) }
                },
                None => { td { "-" } td { "-" } td.number { "-" } },
            }
            td.long {
                @match (&stored.failure, error) {
                    (Some(failure), Some(error)) => {
                        (pill(Tone::Bad, &failure.kind)) " " (failure.attempts) " attempts, the last "
                        (clock.time(&failure.last_failed_at)) ": " (shown(error))
                    },
                    _ => "-",
                }
            }
            td {
                @for (table, rows) in &stored.tables {
                    div {
                        code { (foreign(table)) } ": "
                        @if *rows > 0 { a href=(addresses::session_rows(session.as_str(), table)) { (grouped(*rows)) @if *rows == 1 { " row" } @else { " rows" } } } @else { "no row" }
                    }
                }
            }
        }
    }
}

fn version(processed: &ProcessedVersion) -> Markup {
    let bytes = processed.size.and_then(|size| u64::try_from(size).ok());
    html! {
        @match processed.output_version {
            Some(version) if version >= 0 => { "output " (version) },
            Some(_) => (pill(Tone::Warn, "to be processed again")),
            None => "-",
        }
        @if let Some(bytes) = bytes { div.soft { (size(bytes)) } }
        @if let Some(lines) = processed.unreadable_lines.and_then(|lines| usize::try_from(lines).ok()).filter(|lines| *lines > 0) {
            div { (pill(Tone::Warn, &format!("{} unreadable", counted(lines, "line")))) }
        }
    }
}
