//! Plugins as the command line and HTTP list them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    catalogue::Catalogue,
    plugin_file::{NewerFile, PluginFile, PluginStatus},
    reports::RejectedReport,
};
use crate::state::{Pause, Pauses};

/// A plugin file as it is listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PluginListing {
    /// The path of the file.
    pub file: String,
    /// `loaded`, `unavailable`, `rejected`, `disabled`, `replaced` or `removed`.
    pub status: Cow<'static, str>,
    /// The processor's name, if the plugin got as far as reporting it.
    pub processor: Option<String>,
    /// The version of the plugin's package.
    pub version: Option<String>,
    /// The cadence that the plugin declares.
    pub cadence_minutes: Option<u32>,
    /// Where its code runs, and what confines it there.
    pub isolation: Option<String>,
    /// Its session tables.
    pub session_tables: Vec<String>,
    /// Its reports that cannot be run.
    #[serde(default)]
    pub rejected_reports: Vec<RejectedReport>,
    /// Since when, by whom and why its processor is paused.
    #[serde(default)]
    pub paused: Option<Pause>,
    /// Why it is not in service, or why a newer file in its place is not.
    pub reason: Option<String>,
    /// The long explanation, if there is one.
    pub details: Option<String>,
    /// The steps of loading it.
    pub trace: Vec<String>,
}

impl From<&PluginFile> for PluginListing {
    fn from(file: &PluginFile) -> Self {
        let processor = file.status.processor();
        Self {
            rejected_reports: processor.map_or_else(Vec::new, |processor| processor.reports().rejected()),
            ..Self::without_reports(file)
        }
    }
}

impl PluginListing {
    fn without_reports(file: &PluginFile) -> Self {
        let processor = file.status.processor();
        let (reason, details) = explanation(file);
        Self {
            file: file.path.display().to_string(),
            status: Cow::Borrowed(file.status.label()),
            processor: match &file.status {
                PluginStatus::Unavailable { name, .. } => Some(name.to_string()),
                _ => processor.map(|processor| processor.name().to_string()),
            },
            version: processor.map(|processor| processor.package_version().to_owned()),
            cadence_minutes: processor.map(|processor| processor.descriptor().cadence()),
            isolation: processor.map(|processor| processor.runs_in().to_string()),
            session_tables: processor
                .map_or_else(Vec::new, |processor| processor.descriptor().session_tables().to_vec()),
            rejected_reports: Vec::new(),
            paused: None,
            reason,
            details,
            trace: file.trace.clone(),
        }
    }

    /// Every file, without pauses and rejected reports, which are not known before the reports were tried.
    #[must_use]
    pub fn without_reports_of(catalogue: &Catalogue) -> Vec<Self> {
        catalogue.files().iter().map(Self::without_reports).collect()
    }

    /// Every file, with the pauses of the processors in service.
    #[must_use]
    pub fn all(catalogue: &Catalogue, pauses: &Pauses) -> Vec<Self> {
        let files = catalogue.files().iter();
        files.map(|file| Self::with_pause(file, pauses)).collect()
    }

    /// A file, with the pause of its processor.
    #[must_use]
    pub fn with_pause(file: &PluginFile, pauses: &Pauses) -> Self {
        let name = file.status.name();
        Self {
            paused: name.and_then(|name| pauses.get(name.as_str()).cloned()),
            ..Self::from(file)
        }
    }
}

fn explanation(file: &PluginFile) -> (Option<String>, Option<String>) {
    if let Some(reason) = file.status.cannot_start() {
        return (Some(format!("its code cannot be started: {reason}")), None);
    }
    match (&file.status, &file.newer) {
        (PluginStatus::Unavailable { reason, .. }, _) => (Some(reason.clone()), None),
        (PluginStatus::Rejected { reason, details }, _) => (Some(reason.clone()), details.clone()),
        (PluginStatus::Disabled, _) => (
            Some("`disabled_plugins` in the configuration names it".to_owned()),
            None,
        ),
        (_, Some(NewerFile::Refused { reason, details })) => {
            let reason = format!("the changed file is rejected, and the loaded processor stays in service: {reason}");
            (Some(reason), details.clone())
        }
        (_, Some(NewerFile::Waits)) => {
            let reason = "the file has changed: the host loads it when the run under way has ended";
            (Some(reason.to_owned()), None)
        }
        (_, None) if !file.pending.is_empty() => {
            let versions: Vec<String> = file.pending.iter().map(u32::to_string).collect();
            let reason = format!(
                "pending migrations: {}; the next run, or the start of a server, applies them",
                versions.join(", ")
            );
            (Some(reason), None)
        }
        (_, None) => (None, None),
    }
}
