//! Warnings that concern the whole service: its folders, its disk, its state, its plugins.

use crate::{
    health::{Warning, WarningKind},
    host::Host,
    plugins::{Catalogue, NewerFile, PluginListing, PluginStatus},
    sessions::{Scan, ScanError},
    state::{ProcessorStatus, StateError, StateFiles},
};

/// The warnings of the service's surroundings.
pub(super) fn warnings(host: &Host, scan: &Result<Scan, ScanError>, files: Option<&StateFiles>) -> Vec<Warning> {
    let of_sessions = missing(host).or_else(|| unreadable(scan));
    let of_state = files
        .into_iter()
        .flat_map(|files| [disk(host, files), unwritable(files)]);
    let found = of_sessions.into_iter().chain(of_state.flatten()).chain(purge(host));
    let catalogue = host.catalogue();
    let of_plugins = rejected(&catalogue).into_iter().chain(crashed(&catalogue));
    found.chain(of_plugins).chain(empty(host, &catalogue)).collect()
}

/// The warning of a state that does not answer.
pub(super) fn unanswering(host: &Host, error: &StateError) -> Warning {
    let remedy = match host.cluster() {
        Some(_) => "the service goes on by itself once PostgreSQL answers",
        None => "see the log, and restart the service once its disk works",
    };
    Warning::new(
        WarningKind::State,
        format!("the state cannot be read: {error}; {remedy}"),
    )
}

fn missing(host: &Host) -> Option<Warning> {
    let folder = host.scanner().missing().into_iter().next()?;
    let message = format!(
        "the sessions directory {} does not exist: mount or create it, or correct the setting `sessions`",
        folder.display()
    );
    Some(Warning::new(WarningKind::Missing, message))
}

/// The warning of an empty sessions directory, as a lost mount leaves it, although sessions were processed from it.
pub(super) fn emptied(host: &Host, scan: &Scan, statuses: &[ProcessorStatus]) -> Option<Warning> {
    let processed = statuses.iter().map(|status| status.sessions).max().unwrap_or(0);
    // Unreadable folders already have a warning, and may hold the transcripts.
    let is_emptied = scan.transcripts.is_empty() && scan.unreadable.is_empty() && processed > 0;
    is_emptied.then(|| {
        let message = format!(
            "the sessions directory {} holds no transcript, though {processed} sessions were processed from it: mount it, or correct the setting `sessions`",
            host.scanner().named_folders()
        );
        Warning::new(WarningKind::Missing, message)
    })
}

fn unreadable(scan: &Result<Scan, ScanError>) -> Option<Warning> {
    let message = match scan {
        Ok(scan) if scan.unreadable.is_empty() => return None,
        Ok(scan) => format!(
            "{} files or folders below the sessions directory cannot be read, so their transcripts are not processed: {}; let the service's user read them",
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
            host.state().place(),
            least / MEGABYTE
        );
        Warning::new(WarningKind::Disk, message)
    })
}

fn unwritable(files: &StateFiles) -> Option<Warning> {
    let obstacle = files.obstacle.as_ref()?;
    let message = format!(
        "the state cannot be written: {}: {}; let the service's user write it, or mount its file system read-write",
        obstacle.path.display(),
        obstacle.reason
    );
    Some(Warning::new(WarningKind::State, message))
}

fn purge(host: &Host) -> Option<Warning> {
    let why = host.state().purge_waits()?;
    let message = format!(
        "forgotten data is still in the state file: {why}; `session-host forget --purge SUBJECT` or a restart removes it"
    );
    Some(Warning::new(WarningKind::Purge, message))
}

/// The warning of a plugins directory without a plugin.
fn empty(host: &Host, catalogue: &Catalogue) -> Option<Warning> {
    catalogue.files().is_empty().then(|| {
        let message = format!(
            "the plugins directory {} has no plugin: copy plugins into it and reload, or correct the setting `plugins`",
            host.settings().plugins.path().display()
        );
        Warning::new(WarningKind::Empty, message)
    })
}

/// Plugins that ended an earlier host, or hung in it, and therefore run in worker processes.
fn crashed(catalogue: &Catalogue) -> Vec<Warning> {
    let crashed = catalogue.processors().filter_map(|processor| {
        let message = format!(
            "the plugin {} runs in worker processes: {}; replace the file, and report the fault to the plugin's author",
            processor.file().display(),
            processor.distrust()?
        );
        Some(Warning::new(WarningKind::Crashed, message))
    });
    crashed.collect()
}

/// Rejected files, including those in whose place an earlier file stays in service.
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
            format!("the plugin {} is rejected: {reason}", file.file),
        )
    });
    told.collect()
}
