//! The machines that share the state: who owns what, what waits, who took over.

use axum::{extract::State, response::Response};
use maud::{Markup, html};

use super::{
    addresses,
    content::{Content, Scripts, Section},
    entry::visitor::Visitor,
    parts::{Tone, foreign, pill},
    shell::page,
    state::Web,
    texts::{Clock, duration},
};
use crate::{
    amounts::grouped,
    cluster::{ClusterListing, LagListing, MachineListing, ProcessorListing, TakeOverListing},
    http::{answer::Refusal, cluster::machines},
};

/// How many digits of a digest are shown.
const DIGITS: usize = 12;

/// `GET /cluster`
pub(super) async fn show(State(web): State<Web>, visitor: Visitor) -> Response {
    let content = content(&web).await;
    page(&web, &visitor, content)
}

async fn content(web: &Web) -> Result<Content, Refusal> {
    let listed = machines(&web.service).await?;
    let clock = web.clock();
    Ok(Content {
        title: "Machines".to_owned(),
        section: Section::Cluster,
        scripts: Scripts::Usual,
        body: html! {
            h1 { "Machines" }
            @if listed.shared { (shared(&listed, &clock)) } @else {
                p.soft { "This state is in a file: no other host shares it." }
            }
        },
    })
}

fn shared(listed: &ClusterListing, clock: &Clock) -> Markup {
    html! {
        section.card { (machines_table(&listed.machines, clock)) }
        section.card {
            h2 { "Who does what" }
            @if listed.processors.is_empty() { p.soft { "Nobody owns anything." } } @else {
                (processors_table(&listed.processors, clock))
            }
        }
        @let lags = listed.longest_waiting();
        @if !lags.is_empty() {
            section.card {
                h2 { "Buckets that have waited longest" }
                (lags_table(&lags, clock))
            }
        }
        section.card {
            h2 { "Last take-overs" }
            @if listed.take_overs.is_empty() { p.soft { "No machine was taken over in the last month." } } @else {
                (take_overs_table(&listed.take_overs, clock))
            }
        }
    }
}

fn machines_table(machines: &[MachineListing], clock: &Clock) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { th { "Machine" } th.number { "Incarnation" } th { "Version" } th { "Renewed" } th.number { "Ago" } th.number { "Lease" } } }
                tbody {
                    @for machine in machines {
                        tr {
                            td { (foreign(&machine.name)) }
                            td.number { (machine.incarnation) }
                            td { (foreign(&machine.version)) }
                            td { (clock.time(&machine.renewed_at)) }
                            td.number { (measured(machine.renewed_seconds_ago)) }
                            td.number { (measured(machine.lease_seconds)) }
                        }
                    }
                }
            }
        }
    }
}

/// A time that PostgreSQL has measured, such as the age of a renewal. Its clock may have been set back meanwhile.
fn measured(seconds: f64) -> String {
    duration(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn processors_table(processors: &[ProcessorListing], clock: &Clock) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead {
                    tr {
                        th { "Processor" } th { "Machine" } th.number { "Buckets" } th.number { "Backlog" } th { "Oldest waiting" }
                        th { "Runs since" } th { "Plugin" } th.number { "Output version" } th { "Digest" }
                    }
                }
                tbody { @for listed in processors { (processor_row(listed, clock)) } }
            }
        }
    }
}

fn processor_row(listed: &ProcessorListing, clock: &Clock) -> Markup {
    let digest: String = listed
        .digest
        .iter()
        .flat_map(|digest| digest.chars())
        .take(DIGITS)
        .collect();
    html! {
        tr {
            td {
                // What one machine does for all has no page.
                @match listed.plugin_version {
                    Some(_) => a href=(addresses::processor(&listed.processor)) { (foreign(&listed.processor)) },
                    None => (foreign(&listed.processor)),
                }
            }
            td {
                @match &listed.machine {
                    Some(machine) => (foreign(machine)),
                    None => (pill(Tone::Warn, "nobody")),
                }
            }
            td.number { (listed.buckets) }
            td.number { @match listed.backlog { Some(backlog) => (grouped(backlog)), None => "-" } }
            td { (clock.time_or_dash(listed.oldest.as_deref())) }
            td { (clock.time_or_dash(listed.running_since.as_deref())) }
            td { (foreign(listed.plugin_version.as_deref().unwrap_or("-"))) }
            td.number { @match listed.output_version { Some(version) => (version), None => "-" } }
            td { code { (foreign(&digest)) } }
        }
    }
}

fn lags_table(lags: &[(&ProcessorListing, &LagListing)], clock: &Clock) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead {
                    tr {
                        th { "Processor" } th.number { "Bucket" } th { "Machine" } th.number { "Backlog" }
                        th { "Oldest waiting" }
                    }
                }
                tbody {
                    @for (processor, lag) in lags {
                        tr {
                            td { a href=(addresses::processor(&processor.processor)) { (foreign(&processor.processor)) } }
                            td.number { (lag.bucket) }
                            td { (foreign(processor.machine.as_deref().unwrap_or("-"))) }
                            td.number { (grouped(lag.backlog)) }
                            td { (clock.time(&lag.oldest)) }
                        }
                    }
                }
            }
        }
    }
}

fn take_overs_table(take_overs: &[TakeOverListing], clock: &Clock) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { th { "When" } th { "Machine" } th.number { "Incarnation" } th.number { "By incarnation" } } }
                tbody {
                    @for take_over in take_overs {
                        tr {
                            td { (clock.time(&take_over.at)) }
                            td { (foreign(&take_over.dead)) }
                            td.number { (take_over.dead_incarnation) }
                            td.number { (take_over.by_incarnation) }
                        }
                    }
                }
            }
        }
    }
}
