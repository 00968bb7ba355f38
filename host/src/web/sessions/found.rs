//! Links to the lines at which something was found.

use maud::{Markup, html};

use super::shown::{address, shown};
use crate::{
    conversation::{Call, Entry, Mask, Masked, Output, Part, Speaker},
    names::SessionKey,
    state::{FoundAtLine, FoundInSession},
};

/// Where something was found.
#[derive(Debug)]
struct Place {
    line: u64,
    kind: Masked,
    text: Masked,
}

/// Where the errors and the secrets of a session are.
#[derive(Debug, Default)]
pub(super) struct Found {
    errors: Vec<Place>,
    secrets: Vec<Place>,
}

impl Found {
    /// What processors found, with its texts masked.
    pub(super) fn of(found: FoundInSession, mask: &Mask) -> Self {
        let places = |found: Vec<FoundAtLine>| {
            let places = found.into_iter().map(|found| Place {
                line: found.line,
                kind: mask.text(&found.kind),
                text: mask.text(&found.text),
            });
            places.collect()
        };
        Self {
            errors: places(found.errors),
            secrets: places(found.secrets),
        }
    }

    /// The links.
    pub(super) fn shown(&self, session: &SessionKey, entries: &[Entry]) -> Markup {
        let failed: Vec<(u64, &Masked)> = entries.iter().flat_map(failures).collect();
        html! {
            @if !self.errors.is_empty() { (list("Errors", &self.errors, session)) }
            @if !self.secrets.is_empty() { (list("Secrets", &self.secrets, session)) }
            @if !failed.is_empty() {
                details {
                    summary { "Failed on this page: " (failed.len()) }
                    ul.plain {
                        @for (line, name) in failed {
                            li { a href=(format!("#line-{line}")) { "line " (line) } " " (shown(name)) }
                        }
                    }
                }
            }
        }
    }
}

fn list(title: &str, places: &[Place], session: &SessionKey) -> Markup {
    html! {
        details {
            summary { (title) ": " (places.len()) }
            ul.plain {
                @for place in places {
                    li {
                        a href=(address(session, place.line)) { "line " (place.line) } " " (shown(&place.kind)) " "
                        span.soft { (shown(&place.text)) }
                    }
                }
            }
        }
    }
}

/// The lines of an entry that tell of a failure, and what failed.
fn failures(entry: &Entry) -> Vec<(u64, &Masked)> {
    static API: std::sync::LazyLock<Masked> = std::sync::LazyLock::new(|| Masked::fixed("the model's API"));
    static TOOL: std::sync::LazyLock<Masked> = std::sync::LazyLock::new(|| Masked::fixed("a tool"));
    let mut failed = Vec::new();
    if entry.speaker == Speaker::ApiError {
        failed.push((entry.line, &*API));
    }
    for part in &entry.parts {
        let (output, name): (&Output, &Masked) = match part {
            Part::Call(call) => match &**call {
                Call {
                    output: Some(output),
                    name,
                    ..
                } => (output, name),
                _ => continue,
            },
            Part::Output(output) => (output, output.call.as_ref().map_or(&*TOOL, |call| &call.name)),
            _ => continue,
        };
        if output.is_error {
            failed.push((output.line, name));
        }
    }
    failed
}
