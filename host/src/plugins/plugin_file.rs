//! A file of the plugins directory, and what came of it.
//!
//! A loaded processor can outlive its file. If the file was replaced or removed, the processor stays listed until the next
//! reload. If a newer file is rejected, the loaded processor stays in service, and its entry says why.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::processor::Processor;
use crate::names::ProcessorName;

/// A file with the platform's library suffix.
#[derive(Clone)]
pub struct PluginFile {
    /// Where it lies.
    pub path: PathBuf,
    /// What came of it.
    pub status: PluginStatus,
    /// The file that lies there now, where it does not serve and an earlier one does.
    pub newer: Option<NewerFile>,
    /// The versions of its migrations that a look found to be outstanding.
    pub pending: Vec<u32>,
    /// What was tried, step by step.
    pub trace: Vec<String>,
    /// The private copy, whose name tells the content.
    pub(super) copy: Option<String>,
}

/// A file that lies in the place of a loaded one and does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewerFile {
    /// A run goes on on the loaded one: it is replaced when that ends.
    Waits,
    /// It is not taken, so the loaded one stays in service.
    Refused {
        /// Why, in one line.
        reason: String,
        /// The long explanation, where there is one.
        details: Option<String>,
    },
}

/// What came of a plugin's file.
#[derive(Clone)]
pub enum PluginStatus {
    /// It serves.
    Loaded(Arc<Processor>),
    /// It served until a newer file took its place.
    Replaced(Arc<Processor>),
    /// It served until its file was removed; its rows stay.
    Removed(Arc<Processor>),
    /// It is a processor, but does not take its configuration.
    Unavailable {
        /// The processor's name.
        name: ProcessorName,
        /// Why.
        reason: String,
    },
    /// It is not taken.
    Rejected {
        /// Why, in one line.
        reason: String,
        /// The long explanation, where there is one.
        details: Option<String>,
    },
}

impl PluginStatus {
    /// What a status can be in one word.
    pub const LABELS: [&str; 5] = ["loaded", "unavailable", "rejected", "replaced", "removed"];

    /// The status in one word: one of [`LABELS`](Self::LABELS).
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Loaded(_) => "loaded",
            Self::Replaced(_) => "replaced",
            Self::Removed(_) => "removed",
            Self::Unavailable { .. } => "unavailable",
            Self::Rejected { .. } => "rejected",
        }
    }

    /// The name of the processor that it is, for as long as it is in service or might be.
    #[must_use]
    pub fn name(&self) -> Option<&ProcessorName> {
        match self {
            Self::Loaded(processor) => Some(processor.name()),
            Self::Unavailable { name, .. } => Some(name),
            Self::Replaced(_) | Self::Removed(_) | Self::Rejected { .. } => None,
        }
    }

    /// The processor, in service or not any more.
    #[must_use]
    pub fn processor(&self) -> Option<&Arc<Processor>> {
        match self {
            Self::Loaded(processor) | Self::Replaced(processor) | Self::Removed(processor) => Some(processor),
            Self::Unavailable { .. } | Self::Rejected { .. } => None,
        }
    }

    pub(super) fn is_loaded(&self) -> bool {
        matches!(self, Self::Loaded(_))
    }
}

/// A file's name, for people.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
