//! The heartbeat of a host that shares its state with others.
//!
//! All of them keep the same schedule. Whoever first moves the recorded time of a processor's last run fires it, and asks
//! the others to run, too: each runs over the sessions that it owns. A host that takes work over runs at once, because
//! nobody may have got to it.

use std::{
    mem,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use super::{ScheduleError, Scheduler};
use crate::{
    clock,
    cluster::{Request, RequestKind},
    host::{BegunRun, Host, NotBegun, selection_asked},
    names::ProcessorName,
    runner::{Selection, StopToken},
    state::{Actor, Fired},
};

/// How often a host looks at what is asked of it, and at what it has gained.
pub(super) const BEAT: Duration = Duration::from_secs(2);

/// Whether a host has done what it was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Done,
    /// It does so at a later beat.
    Postponed,
}

/// Whether two requests ask for the same, so that one answer serves both.
fn is_the_same(one: &Request, other: &Request) -> bool {
    let what = |request: &Request| (request.asked.kind, request.asked.processor.clone());
    what(one) == what(other) && selection_asked(one) == selection_asked(other)
}

impl Scheduler {
    /// Does what was asked of all hosts, fires what is due, and runs over what this host has gained. Waits for the
    /// database.
    pub(super) fn beat(&self, host: &Arc<Host>, stop: &StopToken) {
        let mut asked = mem::take(&mut *self.postponed());
        asked.extend(host.requests());
        asked.retain(|request| self.answer(host, request, stop) == Answer::Postponed);
        let mut postponed = self.postponed();
        for request in asked {
            if !postponed.iter().any(|known| is_the_same(known, &request)) {
                postponed.push(request);
            }
        }
        drop(postponed);
        match self.follow(host) {
            Ok(()) => {}
            Err(ScheduleError::State(error)) if error.is_outage() => return,
            Err(error) => {
                tracing::error!("the schedule stays unchanged: {error}");
                return;
            }
        }
        let may_run =
            |name: &ProcessorName| !host.pauses().contains_key(name.as_str()) && host.run_under_way(name).is_none();
        let due = self.lock().due(clock::now(), |name| !may_run(name));
        let mut begun: Vec<ProcessorName> = due.into_iter().filter(|name| self.fires(host, name)).collect();
        // Asked at each beat, because the host notes with it what it owns no more.
        let mut gained = host.gained();
        if !self.lock().is_in_grace(clock::now()) {
            gained.retain(|name| may_run(name) && !begun.contains(name));
            begun.extend(gained);
        }
        self.start(host, &begun, stop);
    }

    fn fires(&self, host: &Host, processor: &ProcessorName) -> bool {
        let seen = self.lock().get(processor).and_then(|entry| entry.last_run);
        match host.fire(processor, seen, clock::now()) {
            Ok(Fired::ByThisHost) if host.owns_some_of(processor) => true,
            Ok(Fired::ByThisHost) => {
                // It may be in doubt of what it owns, and does not answer its own request.
                host.runs_again(processor);
                false
            }
            Ok(Fired::ByAnother) => false,
            Err(error) => {
                if !error.is_outage() {
                    tracing::warn!(%processor, "cannot fire the schedule: {error}");
                }
                if error.is_of_the_connection() {
                    // It may have fired, and only the answer is lost. Nobody fires again then, and a host does not answer its
                    // own request.
                    host.runs_again(processor);
                }
                false
            }
        }
    }

    fn postponed(&self) -> MutexGuard<'_, Vec<Request>> {
        self.postponed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, host: &Arc<Host>, request: &Request, stop: &StopToken) -> Answer {
        tracing::debug!(
            request = request.id.number(),
            kind = request.asked.kind.as_str(),
            "asked of all hosts"
        );
        match request.asked.kind {
            RequestKind::Run | RequestKind::Retry => {
                let selection = selection_asked(request);
                if let (Some(processor), Some(selection)) = (&request.asked.processor, selection) {
                    return self.run_as_asked(host, processor, &request.asked.actor, selection, stop);
                }
            }
            RequestKind::Pause | RequestKind::Resume => {
                if let Err(error) = host.read_pauses() {
                    if !error.is_outage() {
                        tracing::error!("cannot read the pauses: {error}");
                    }
                    return Answer::Postponed;
                }
            }
            RequestKind::Reload => return self.reload_as_asked(host),
            RequestKind::Reprocess => host.results_changed(),
            RequestKind::Forget => {
                host.results_changed();
                // Whoever forgot may not know the folder of the snapshots.
                host.state().remove_snapshots();
            }
        }
        Answer::Done
    }

    fn reload_as_asked(&self, host: &Host) -> Answer {
        match self.reload_plugins(host) {
            Ok(_) => tracing::info!("reloaded the plugins, as asked of all hosts"),
            Err(error) if error.is_of_the_connection() => {
                tracing::debug!("the plugins stay unchanged for now: {error}");
                return Answer::Postponed;
            }
            Err(error) => tracing::error!("the plugins stay unchanged: {error}"),
        }
        Answer::Done
    }

    fn run_as_asked(
        &self,
        host: &Arc<Host>,
        processor: &ProcessorName,
        actor: &str,
        selection: Selection,
        stop: &StopToken,
    ) -> Answer {
        if stop.stopped_at().is_some() {
            return Answer::Done;
        }
        if host.cluster().is_some_and(|cluster| cluster.incarnation().is_none()) {
            return Answer::Postponed;
        }
        if !host.owns_some_of(processor) {
            return Answer::Done;
        }
        match host.begin_run(processor.as_str(), Actor::named(actor), selection) {
            Ok(run) => {
                if run.advances_the_schedule() {
                    self.has_run(processor, run.started_at());
                }
                // The run logs its error, and records it in the audit log.
                BegunRun::execute_in_a_thread(run, stop.clone(), drop);
                Answer::Done
            }
            // A run that is under way may have chosen its sessions before somebody asked for them.
            Err(NotBegun::Occupied { .. }) => Answer::Postponed,
            Err(NotBegun::Paused { .. }) => Answer::Done,
            Err(error) => {
                tracing::warn!(%processor, "cannot begin a run that was asked of all hosts: {error}");
                Answer::Done
            }
        }
    }
}
