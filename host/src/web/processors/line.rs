//! What the service knows of each processor without asking the state, for the lists that are live.

use std::{collections::BTreeMap, time::Duration};

use maud::{Markup, html};

use crate::{
    amounts::grouped,
    clock,
    health::ProcessorHealth,
    host::RunListing,
    http::observation::current,
    plugins::PluginStatus,
    scheduler::ScheduleListing,
    web::{
        addresses,
        parts::{Tone, pill},
        state::Web,
        texts::{Clock, duration, moment, size},
    },
};

/// A processor as lists show it.
#[derive(Clone, Debug)]
pub(in crate::web) struct ProcessorLine {
    /// The name.
    pub(in crate::web) name: String,
    /// Whether its plugin is in service, in one word.
    pub(in crate::web) status: &'static str,
    /// Its health; `None` until it has been observed.
    pub(in crate::web) health: Option<ProcessorHealth>,
    /// Its schedule, if it has one.
    pub(in crate::web) schedule: Option<ScheduleListing>,
    /// Its run under way.
    pub(in crate::web) run: Option<RunListing>,
    /// Whether it is paused.
    pub(in crate::web) paused: bool,
}

impl ProcessorLine {
    /// Every processor that has a name.
    pub(in crate::web) fn all(web: &Web) -> Vec<Self> {
        let service = &web.service;
        let mut health = current(service).processors;
        let (mut runs, pauses) = (service.host.runs_under_way(), service.host.pauses());
        let catalogue = service.host.catalogue();
        let mut lines = BTreeMap::new();
        for file in catalogue.files() {
            let Some(name) = file.status.name() else { continue };
            let is_in_service = matches!(file.status, PluginStatus::Loaded(_));
            // A file that another one has replaced says nothing of the processor.
            if lines.contains_key(name.as_str()) && !is_in_service {
                continue;
            }
            let line = Self {
                name: name.to_string(),
                status: file.status.label(),
                health: health.remove(name.as_str()),
                schedule: service.scheduler.listing(name),
                run: runs.remove(name.as_str()),
                paused: pauses.contains_key(name.as_str()),
            };
            lines.insert(name.to_string(), line);
        }
        lines.into_values().collect()
    }

    /// Its state in one word.
    pub(in crate::web) fn state(&self) -> Markup {
        let warns = self.health.as_ref().is_some_and(|health| !health.warnings.is_empty());
        match (self.status, &self.run) {
            (_, Some(_)) => pill(Tone::Busy, "running"),
            (_, None) if self.paused => pill(Tone::Warn, "paused"),
            ("loaded", None) if warns => pill(Tone::Warn, "warning"),
            ("loaded", None) => pill(Tone::Good, "ok"),
            (status, None) => pill(Tone::Bad, status),
        }
    }

    /// A number of its health.
    pub(in crate::web) fn count(&self, count: impl Fn(&ProcessorHealth) -> u64) -> String {
        self.health
            .as_ref()
            .map_or_else(|| "-".to_owned(), |health| grouped(count(health)))
    }
}

/// The progress of a run.
pub(in crate::web) fn progress(run: &RunListing) -> Markup {
    let elapsed = moment(&run.started_at).map_or(Duration::ZERO, |began| {
        let micros = clock::now().as_micros().saturating_sub(began.as_microsecond());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    });
    if run.scanned == 0 {
        return html! { "looks for sessions, for " (duration(elapsed)) };
    }
    let rate = run.settled as f64 / elapsed.as_secs_f64().max(0.001);
    let left = run.scanned.saturating_sub(run.settled);
    html! {
        progress value=(run.settled) max=(run.scanned) aria-label="Progress" {}
        " " (grouped(run.settled)) " of " (grouped(run.scanned)) " sessions, " (size(run.bytes_read)) ", "
        (format!("{rate:.1}")) " sessions/s"
        @if run.settled > 0 && left > 0 {
            ", " (duration(Duration::from_secs_f64((left as f64 / rate).min(1e9)))) " left"
        }
    }
}

/// The table of all processors.
pub(in crate::web) fn table(lines: &[ProcessorLine], clock: &Clock) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead {
                    tr {
                        th { "Processor" } th { "State" } th { "Last run" } th { "Next run" }
                        th.number { "Backlog" } th.number { "Failing" } th.number { "Quarantined" }
                    }
                }
                tbody {
                    @for line in lines {
                        tr {
                            td { a href=(addresses::processor(&line.name)) { (line.name) } }
                            td {
                                (line.state())
                                @if let Some(run) = &line.run { div { (progress(run)) } }
                            }
                            td { (last_run(line, clock)) }
                            td { (clock.time_or_dash(line.schedule.as_ref().and_then(|one| one.next_due_at.as_deref()))) }
                            td.number { (line.count(|health| health.backlog)) }
                            td.number { (line.count(|health| health.failing)) }
                            td.number { (line.count(|health| health.quarantined)) }
                        }
                    }
                }
            }
        }
    }
}

/// When its last run began, as far as the schedule or health know.
pub(in crate::web) fn last_run(line: &ProcessorLine, clock: &Clock) -> Markup {
    let scheduled = line.schedule.as_ref().and_then(|one| one.last_run_at.as_deref());
    let observed = line.health.as_ref().and_then(|one| one.last_run_at.as_deref());
    clock.time_or_dash(scheduled.or(observed))
}
