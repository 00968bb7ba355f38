//! A file of the plugins directory, and its status.
//!
//! A loaded processor can outlive its file. If the file was replaced or removed, the processor stays listed until the
//! next reload. If a newer file is rejected, the loaded processor stays in service, and its entry says why.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{pins::FileDigest, processor::Processor};
use crate::names::ProcessorName;

/// A file with the platform's library suffix.
#[derive(Clone)]
pub struct PluginFile {
    /// Its path.
    pub path: PathBuf,
    /// Whether it is in service, and if not, why.
    pub status: PluginStatus,
    /// The newer file at this path, if it is not in service and an earlier one is.
    pub newer: Option<NewerFile>,
    /// The versions of its pending migrations, if tables were only checked.
    pub pending: Vec<u32>,
    /// The steps of loading it.
    pub trace: Vec<String>,
    /// The name of the private copy, which is the hash of its content.
    pub(super) copy: Option<String>,
}

/// A file that replaced a loaded one on the disk, but is not in service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewerFile {
    /// A run of the loaded one is under way; the file is loaded when that ends.
    Waits,
    /// It is rejected, so the loaded one stays in service.
    Refused {
        /// Why, in one line.
        reason: String,
        /// The long explanation, if there is one.
        details: Option<String>,
    },
}

/// The status of a plugin file.
#[derive(Clone)]
pub enum PluginStatus {
    /// It is in service.
    Loaded(Arc<Processor>),
    /// It was in service until a newer file replaced it.
    Replaced(Arc<Processor>),
    /// It was in service until its file was removed; its rows stay.
    Removed(Arc<Processor>),
    /// It is a processor, but rejects its configuration.
    Unavailable {
        /// The processor's name.
        name: ProcessorName,
        /// Why.
        reason: String,
    },
    /// The configuration says that it is not loaded.
    Disabled,
    /// It is not loaded.
    Rejected {
        /// Why, in one line.
        reason: String,
        /// The long explanation, if there is one.
        details: Option<String>,
    },
}

impl PluginFile {
    /// A file that is not loaded because the configuration says so.
    pub(super) fn disabled(path: PathBuf) -> Self {
        Self {
            path,
            status: PluginStatus::Disabled,
            newer: None,
            pending: Vec::new(),
            trace: Vec::new(),
            copy: None,
        }
    }

    /// The name of the file.
    #[must_use]
    pub fn name(&self) -> String {
        file_name(&self.path)
    }

    /// The digest of its content, if the host has copied it.
    #[must_use]
    pub fn digest(&self) -> Option<FileDigest> {
        let (digits, _) = self.copy.as_deref()?.split_once('.')?;
        Some(FileDigest::from_hex(digits))
    }
}

impl PluginStatus {
    /// The possible statuses, each in one word.
    pub const LABELS: [&str; 6] = ["loaded", "unavailable", "rejected", "disabled", "replaced", "removed"];

    /// The status in one word: one of [`LABELS`](Self::LABELS).
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Loaded(processor) if processor.unavailable().is_some() => "unavailable",
            Self::Loaded(_) => "loaded",
            Self::Replaced(_) => "replaced",
            Self::Removed(_) => "removed",
            Self::Unavailable { .. } => "unavailable",
            Self::Rejected { .. } => "rejected",
            Self::Disabled => "disabled",
        }
    }

    /// Why the processor is in service and cannot run; `None` if it can.
    #[must_use]
    pub fn cannot_start(&self) -> Option<String> {
        match self {
            Self::Loaded(processor) => processor.unavailable(),
            _ => None,
        }
    }

    /// The name of its processor, if that is in service or unavailable.
    #[must_use]
    pub fn name(&self) -> Option<&ProcessorName> {
        match self {
            Self::Loaded(processor) => Some(processor.name()),
            Self::Unavailable { name, .. } => Some(name),
            Self::Replaced(_) | Self::Removed(_) | Self::Rejected { .. } | Self::Disabled => None,
        }
    }

    /// The processor, whether or not it is still in service.
    #[must_use]
    pub fn processor(&self) -> Option<&Arc<Processor>> {
        match self {
            Self::Loaded(processor) | Self::Replaced(processor) | Self::Removed(processor) => Some(processor),
            Self::Unavailable { .. } | Self::Rejected { .. } | Self::Disabled => None,
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

/// Whether a file has one of these names.
pub(super) fn is_named(path: &Path, names: &[String]) -> bool {
    let name = path.file_name().and_then(OsStr::to_str);
    name.is_some_and(|name| names.iter().any(|known| known == name))
}
