//! When a host writes the snapshots that reports of large installations come from.

use std::{sync::Arc, time::Instant};

use tokio::task::{JoinHandle, spawn_blocking};

use crate::{clock, host::Host, reports};

/// The snapshots of a service.
#[derive(Default)]
pub(super) struct Snapshots {
    /// When the last one began.
    began: Option<Instant>,
    writing: Option<JoinHandle<()>>,
}

impl Snapshots {
    /// Begins to write one, if one is due, this host does what one host does for all, and none is being written.
    pub(super) fn take_if_due(&mut self, host: &Arc<Host>) {
        let interval = host.settings().service.snapshot_interval;
        let is_due = self.began.is_none_or(|began| began.elapsed() >= interval);
        let is_idle = self.writing.as_ref().is_none_or(JoinHandle::is_finished);
        if is_due && is_idle && host.does_chores() {
            self.began = Some(Instant::now());
            let host = Arc::clone(host);
            self.writing = Some(spawn_blocking(move || take(&host)));
        }
    }
}

fn take(host: &Host) {
    let began = Instant::now();
    let reports = reports::selects(&host.catalogue());
    match host.state().take_snapshot(&reports) {
        Ok(None) => {}
        Ok(Some(taken_at)) => {
            let duration_ms = began.elapsed().as_millis() as u64;
            host.results_changed();
            tracing::info!(
                as_of = clock::text_of(taken_at),
                duration_ms,
                "wrote a snapshot for the reports"
            );
        }
        Err(error) => tracing::error!("reports stay as of the last snapshot: {error}"),
    }
}
