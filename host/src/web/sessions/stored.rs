//! What each processor has stored of a session.

use maud::{Markup, html};

use super::shown::shown;
use crate::{
    amounts::{counted, grouped},
    conversation::{Mask, Masked},
    names::SessionKey,
    state::{OutputVersion, ProcessedVersion, StoredByProcessor},
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
            let error = stored.attempts.failed.as_ref().map(|failed| mask.text(&failed.error));
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
            .filter_map(|(stored, _)| stored.attempts.processed.as_ref());
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
    let StoredByProcessor { attempts, tables } = stored;
    html! {
        tr {
            td { a href=(addresses::processor(&attempts.processor)) { (foreign(&attempts.processor)) } }
            @match &attempts.processed {
                Some(processed) => {
                    td { (clock.time(&processed.at)) }
                    td { (version(processed)) }
                    td.number { (grouped(processed.items)) }
                },
                None => { td { "-" } td { "-" } td.number { "-" } },
            }
            td.long {
                @match (&attempts.failed, error) {
                    (Some(failed), Some(error)) => {
                        (pill(Tone::Bad, &failed.kind)) " " (failed.attempts) " attempts, the last "
                        (clock.moment(failed.last_failed_at)) ": " (shown(error))
                    },
                    _ => "-",
                }
            }
            td {
                @for (table, rows) in tables {
                    div {
                        code { (foreign(table)) } ": "
                        @if *rows > 0 { a href=(addresses::session_rows(session.as_str(), table)) { (counted(*rows, "row")) } } @else { "no row" }
                    }
                }
            }
        }
    }
}

fn version(processed: &ProcessedVersion) -> Markup {
    html! {
        @match processed.output {
            Some(OutputVersion::Of(version)) => { "output " (version) },
            Some(OutputVersion::Marked) => (pill(Tone::Warn, "to be processed again")),
            None => "-",
        }
        @if let Some(bytes) = processed.size { div.soft { (size(bytes)) } }
        @if processed.unreadable_lines > 0 {
            div { (pill(Tone::Warn, &format!("{} unreadable", counted(processed.unreadable_lines, "line")))) }
        }
    }
}
