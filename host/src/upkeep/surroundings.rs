//! What concerns the whole service: its folders, its disk, its state, its plugins.

use crate::{
    health::{Warning, WarningKind},
    host::Host,
    plugins::{Catalogue, NewerFile, PluginListing, PluginStatus},
    sessions::{Scan, ScanError},
    state::{ProcessorStatus, StateError, StateFiles},
};

/// Warnings of what is around the processors.
pub(super) fn warnings(host: &Host, scan: &Result<Scan, ScanError>, files: Option<&StateFiles>) -> Vec<Warning> {
    let of_sessions = missing(host).or_else(|| unreadable(scan));
    let of_state = files
        .into_iter()
        .flat_map(|files| [disk(host, files), unwritable(files)]);
    let found = of_sessions.into_iter().chain(of_state.flatten()).chain(purge(host));
    found.chain(rejected(&host.catalogue())).collect()
}

/// A state that gives no answer.
pub(super) fn unanswering(error: &StateError) -> Warning {
    Warning::new(
        WarningKind::State,
        format!("the state cannot be read: {error}; see the log, and restart the service when its disk is well"),
    )
}

fn missing(host: &Host) -> Option<Warning> {
    let folder = host.scanner().folder();
    let is_missing = folder.try_exists().is_ok_and(|exists| !exists);
    is_missing.then(|| {
        let message = format!(
            "the sessions directory {} is not there: mount or make it, or correct the setting `sessions`",
            folder.display()
        );
        Warning::new(WarningKind::Missing, message)
    })
}

/// A sessions directory that is there and empty, as that of a mount that is lost, although sessions were processed from it.
pub(super) fn emptied(host: &Host, scan: &Scan, statuses: &[ProcessorStatus]) -> Option<Warning> {
    let processed = statuses.iter().map(|status| status.sessions).max().unwrap_or(0);
    // What cannot be read has a warning already, and may hold them.
    let is_emptied = scan.transcripts.is_empty() && scan.unreadable.is_empty() && processed > 0;
    is_emptied.then(|| {
        let message = format!(
            "the sessions directory {} holds no transcript, though {processed} sessions were processed from it: mount it, or correct the setting `sessions`",
            host.scanner().folder().display()
        );
        Warning::new(WarningKind::Missing, message)
    })
}

fn unreadable(scan: &Result<Scan, ScanError>) -> Option<Warning> {
    let message = match scan {
        Ok(scan) if scan.unreadable.is_empty() => return None,
        Ok(scan) => format!(
            "{} files or folders below the sessions directory cannot be read, and what is in them is not processed: {}; let the service's user read them",
            scan.unreadable.len(),
            scan.named_unreadable()
        ),
        Err(error) => format!("no transcript can be read: {error}"),
    };
    Some(Warning::new(WarningKind::Unreadable, message))
}

fn disk(host: &Host, files: &StateFiles) -> Option<Warning> {
    const MEGABYTE: u64 = 1_000_000;
    let least = host.settings().service.min_free_bytes;
    (files.free_bytes < least).then(|| {
        let message = format!(
            "{} MB are free on the disk of the state {}, less than min_free_bytes ({} MB): make room",
            files.free_bytes / MEGABYTE,
            host.state().path().display(),
            least / MEGABYTE
        );
        Warning::new(WarningKind::Disk, message)
    })
}

fn unwritable(files: &StateFiles) -> Option<Warning> {
    let obstacle = files.obstacle.as_ref()?;
    let message = format!(
        "the state cannot be written: {}: {}; let the service's user write it, or mount its file system for writing",
        obstacle.path.display(),
        obstacle.reason
    );
    Some(Warning::new(WarningKind::State, message))
}

fn purge(host: &Host) -> Option<Warning> {
    let why = host.state().purge_waits()?;
    let message = format!(
        "what was forgotten is still in the state file: {why}; `session-host forget --purge SUBJECT` removes it, and so does a restart"
    );
    Some(Warning::new(WarningKind::Purge, message))
}

/// Files that are not taken, also where an earlier one stays in service in their place.
fn rejected(catalogue: &Catalogue) -> Vec<Warning> {
    let refused = catalogue
        .files()
        .iter()
        .filter(|file| match (&file.status, &file.newer) {
            (PluginStatus::Rejected { .. }, _) => true,
            (_, newer) => matches!(newer, Some(NewerFile::Refused { .. })),
        });
    let listings = refused.map(PluginListing::from);
    let told = listings.map(|file| {
        let reason = file.reason.unwrap_or_default();
        Warning::new(
            WarningKind::Rejected,
            format!("the plugin {} is not taken: {reason}", file.file),
        )
    });
    told.collect()
}
