//! What the files of the plugins directory are known to hold, without running any of their code.
//!
//! The host remembers of each file that it has loaded the processor and its output version, by the digest of the file.

use std::path::{Path, PathBuf};

use super::{
    catalogue::{CatalogueError, candidates, open_folder},
    folder::Folder,
    passed_trials::Trials,
    permissions::PluginTrust,
    pins::{Pinning, Pins},
    plugin_file::is_named,
    reading::read,
};

/// The options for looking at the plugins directory.
pub struct LookOptions<'a> {
    /// The plugins directory.
    pub folder: &'a Path,
    /// The host's data directory.
    pub data: &'a Path,
    /// Whose files are trusted.
    pub trust: PluginTrust,
    /// Which digests the files must have.
    pub pinning: &'a Pinning,
    /// The names of the files that are not loaded.
    pub disabled: &'a [String],
}

/// A file of the plugins directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFile {
    /// Its path.
    pub path: PathBuf,
    /// What it is known to hold.
    pub holds: Holds,
}

/// What a plugin file is known to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// This processor.
    Processor {
        /// Its name.
        name: String,
        /// Its output version.
        output_version: u32,
    },
    /// It is a plugin that the host has never loaded.
    Unknown,
    /// The host rejects it.
    Rejected {
        /// Why.
        reason: String,
    },
}

/// What the files of the plugins directory are known to hold, sorted by their names. Disabled files are left out.
///
/// # Errors
/// When the directory cannot be listed or is not trusted, or the lock file cannot be used.
pub fn known_files(options: &LookOptions<'_>) -> Result<Vec<KnownFile>, CatalogueError> {
    let folder = open_folder(options.folder)?;
    folder.check(options.trust)?;
    let pins = Pins::read(Some(options.pinning), options.trust)?;
    let trials = Trials::in_data_directory(options.data);
    let files = candidates(&folder)?.into_iter();
    let files = files.filter(|path| !is_named(path, options.disabled));
    let known = files.map(|path| KnownFile {
        holds: holds(&folder, &path, options.trust, &pins, &trials),
        path,
    });
    Ok(known.collect())
}

fn holds(folder: &Folder, path: &Path, trust: PluginTrust, pins: &Pins, trials: &Trials) -> Holds {
    match read(folder, path, trust, pins) {
        Err(refused) => Holds::Rejected {
            reason: refused.to_string(),
        },
        Ok(checked) => match trials.passed(&checked.copy_name) {
            None => Holds::Unknown,
            Some(passed) => Holds::Processor {
                name: passed.processor.clone(),
                output_version: passed.output_version,
            },
        },
    }
}
