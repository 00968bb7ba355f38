//! Runs as lists show them.

use maud::{Markup, html};

use super::{
    addresses,
    parts::{foreign, outcome},
    texts::{Clock, milliseconds, size},
};
use crate::{
    amounts::grouped,
    runner::RunResult,
    state::{AuditEntry, RUN},
};

/// The processor of a run.
pub(super) fn processor_of(run: &AuditEntry) -> &str {
    let name = run.action.strip_prefix(RUN);
    name.and_then(|name| name.strip_prefix(':')).unwrap_or(&run.action)
}

/// A table of runs.
pub(super) fn runs_table<'a>(runs: impl Iterator<Item = &'a AuditEntry>, clock: &Clock) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead {
                    tr {
                        th { "Began" } th { "Processor" } th { "By" } th { "Result" } th.number { "Processed" }
                        th.number { "Errors" } th.number { "Items" } th.number { "Read" } th.number { "Took" } th.number { "Per second" }
                    }
                }
                tbody { @for run in runs { (row(run, clock)) } }
            }
        }
    }
}

fn row(run: &AuditEntry, clock: &Clock) -> Markup {
    let result = serde_json::from_value::<RunResult>(run.params.clone()).ok();
    let detail = run.params.get("detail").and_then(serde_json::Value::as_str);
    let processor = processor_of(run);
    html! {
        tr {
            td { (clock.time(&run.timestamp)) }
            td { a href=(addresses::processor(processor)) { (processor) } }
            td { (run.actor) }
            td {
                (outcome(&run.result))
                @if let Some(detail) = detail { div.soft { (foreign(detail)) } }
            }
            @match &result {
                Some(result) => {
                    td.number { (grouped(result.processed)) }
                    td.number { (grouped(result.errors)) }
                    td.number { (grouped(result.items_extracted)) }
                    td.number { (size(result.bytes_read)) }
                }
                None => @for _ in 0..4 { td.number { "-" } },
            }
            td.number { (milliseconds(run.duration_ms)) }
            td.number { (throughput(result.as_ref())) }
        }
    }
}

/// How many bytes a run read and how many items it extracted in a second.
fn throughput(result: Option<&RunResult>) -> Markup {
    let ran = result.filter(|result| result.bytes_read > 0 && result.duration_ms > 0);
    let Some(result) = ran else {
        return html! { "-" };
    };
    let in_a_second = |amount: u64| (amount as f64 * 1000.0 / result.duration_ms as f64) as u64;
    html! {
        (size(in_a_second(result.bytes_read)))
        @if result.items_extracted > 0 { div.soft { (grouped(in_a_second(result.items_extracted))) " items" } }
    }
}
