//! Records how plugins ended an earlier host, then begins the journal of this one.
//!
//! Nothing here keeps the host from starting: what cannot be recorded is logged.

use session_plugin_api::abi::capped;

use crate::{
    config::Settings,
    journal::{self, Crash, Isolated, Journal, LeftAttempt},
    state::{Before, Destination, Encounters, FailureKind, FailureRecord, FileLook, PluginVersion, State},
};

/// Takes the journal up. The state must be open: its lock keeps other hosts away.
pub(super) fn take_up(settings: &Settings, state: &State) {
    if journal::has_begun() {
        // An earlier attempt to start has begun it.
        return;
    }
    let journal = match Journal::open(&settings.data) {
        Ok(journal) => journal,
        Err(error) => {
            tracing::warn!("the host does not record crashes of plugins: {error}");
            return;
        }
    };
    let mut isolated = Isolated::read(&settings.data);
    for crash in journal.crashes() {
        record(crash, &mut isolated, state);
    }
    for remark in journal.remarks() {
        tracing::warn!("{remark}");
    }
    if let Err(error) = journal.begin() {
        tracing::warn!("the host does not record crashes of plugins: {error}");
    }
}

fn record(crash: &Crash, isolated: &mut Isolated, state: &State) {
    let (file, reason) = (&*crash.plugin.file, crash.reason());
    match &crash.attempt {
        Some(LeftAttempt { processor, session, .. }) => {
            tracing::warn!(file, %processor, %session, "a plugin ended the last host: {reason}");
        }
        None => tracing::warn!(file, "a plugin ended the last host: {reason}"),
    }
    if let Err(error) = isolated.add(crash) {
        tracing::error!(
            file,
            "cannot note that the plugin ended the host, so it may do so again: {error}"
        );
    }
    let Some(attempt) = &crash.attempt else { return };
    let failure = FailureRecord {
        session: attempt.session.clone(),
        username: attempt.username.clone(),
        hash: Some(attempt.hash.clone()),
        // What the file looked like is not known, so that the next run attempts the session in any case.
        file: FileLook {
            size: 0,
            modified: crash.at,
        },
        failed_at: crash.at,
        kind: FailureKind::Crash,
        error: capped(reason),
    };
    let destination = Destination {
        processor: attempt.processor.clone(),
        plugin: PluginVersion {
            output: 0,
            digest: crash.plugin.digest.to_string(),
        },
        tables: Vec::new(),
        before: Before::unknown(),
        encounters: Encounters::default(),
        guard: None,
    };
    let recorded = state.write(|writer| writer.record_failures(&destination, &[failure]));
    if let Err(error) = recorded {
        tracing::error!(
            file,
            "cannot record the failure of the attempt that ended the host: {error}"
        );
    }
}
