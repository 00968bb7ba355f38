//! Every file of the plugins directory, and how loading it ended.
//!
//! A catalogue never changes. A reload makes the next one, and the host takes all of it or nothing. A bad file does not
//! affect the others, and a newer file that is rejected does not affect the loaded one.

use std::{
    collections::HashSet,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    claims::Claim,
    copies::{Copies, NoCopies},
    folder::Folder,
    load_options::{LoadOptions, Tables},
    loading::Loading,
    passed_trials::Trials,
    permissions::{PluginTrust, Untrusted},
    pins::{LockError, Pinning, Pins},
    plugin_file::{NewerFile, PluginFile, PluginStatus, file_name, is_named},
    plugin_files::PluginFiles,
    processor::Processor,
};
use crate::{names::ProcessorName, state::StateError};

/// A plugins directory that cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It cannot be listed.
    #[error("cannot list the plugins directory {}: {source}; name it with --plugins", folder.display())]
    Folder {
        /// The directory.
        folder: PathBuf,
        /// What the system says.
        r#source: io::Error,
    },
    /// Others may write it.
    #[error("the plugins directory is not trusted: {0}")]
    Untrusted(Untrusted),
    /// Others may write the data directory, from which plugins are loaded.
    #[error("the data directory is not trusted: {0}")]
    UntrustedData(Untrusted),
    /// The digests of the plugins cannot be read.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The processors' tables cannot be prepared, and no plugin is to blame.
    #[error("cannot prepare the processors' tables: {0}")]
    State(StateError),
}

impl From<Untrusted> for CatalogueError {
    fn from(error: Untrusted) -> Self {
        Self::Untrusted(error)
    }
}

impl From<StateError> for CatalogueError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

/// The files of the plugins directory, sorted by name, and the processors that they replaced.
#[derive(Clone, Default)]
pub struct Catalogue {
    files: Vec<PluginFile>,
}

impl Catalogue {
    /// Loads every library of the plugins directory. One that fails does not affect the others.
    ///
    /// # Errors
    /// When the directory cannot be listed or is not trusted, or the state fails.
    pub fn load(options: &LoadOptions<'_>) -> Result<Self, CatalogueError> {
        Self::load_found(
            options,
            Self::find(options.folder, options.trust, options.pinning, options.disabled),
        )
    }

    /// Finds the libraries of the plugins directory, and begins to read and check those that are not disabled. Runs no code
    /// of them, writes nothing, and logs nothing.
    ///
    /// # Errors
    /// When the directory cannot be listed or is not trusted, or the lock file cannot be used.
    pub fn find(
        folder: &Path,
        trust: PluginTrust,
        pinning: Option<&Pinning>,
        disabled: &[String],
    ) -> Result<PluginFiles, CatalogueError> {
        let folder = open_folder(folder)?;
        let candidates = candidates(&folder)?;
        folder.refuse(trust)?;
        let pins = Pins::read(pinning, trust)?;
        let wanted = candidates.iter().filter(|path| !is_named(path, disabled));
        let wanted = wanted.cloned().collect();
        Ok(PluginFiles::of(folder, trust, pins, candidates, wanted))
    }

    /// Like [`load`](Self::load), with what was found before.
    ///
    /// # Errors
    /// As above.
    pub fn load_found(
        options: &LoadOptions<'_>,
        found: Result<PluginFiles, CatalogueError>,
    ) -> Result<Self, CatalogueError> {
        let copies = copies(options)?;
        let (catalogue, _claims) = Self::default().reload_with(options, &copies, &found?)?;
        let used: HashSet<&str> = catalogue.files.iter().filter_map(|file| file.copy.as_deref()).collect();
        Trials::in_data_directory(options.data).forget_all_but(|copy| used.contains(copy));
        if let Err(error) = copies.and_then(|copies| copies.remove_all_but(&used)) {
            tracing::warn!(%error, "cannot remove unused private copies of plugins");
        }
        Ok(catalogue)
    }

    /// Rejects a data directory in which others can change what the host opens there. A missing one is created later.
    ///
    /// # Errors
    /// When others can change it, or its permissions cannot be read.
    pub fn check_data_directory(data: &Path, trust: PluginTrust) -> Result<(), CatalogueError> {
        // Any other failure is reported when something is opened there.
        let Ok(folder) = Folder::open(data) else { return Ok(()) };
        folder.refuse(trust).map_err(CatalogueError::UntrustedData)
    }

    /// Makes the catalogue of what the plugins directory holds now. Files with unchanged content stay as they are, new
    /// and changed ones are loaded, and one that fails leaves the loaded one in service. Keep the claims until the new
    /// catalogue is in force, so that no run begins meanwhile with old code and new tables.
    ///
    /// # Errors
    /// When the directory cannot be listed or is not trusted, or the state fails.
    pub fn reload(&self, options: &LoadOptions<'_>) -> Result<(Self, Vec<Claim>), CatalogueError> {
        let copies = copies(options)?;
        let files = Self::find(options.folder, options.trust, options.pinning, options.disabled)?;
        self.reload_with(options, &copies, &files)
    }

    fn reload_with(
        &self,
        options: &LoadOptions<'_>,
        copies: &io::Result<Copies>,
        files: &PluginFiles,
    ) -> Result<(Self, Vec<Claim>), CatalogueError> {
        let mut catalogue = Self::default();
        files.check_folder()?;
        let candidates = files.candidates();
        warn_of_disabled_without_file(options.disabled, candidates);
        let staying: Vec<&PluginFile> = self
            .files
            .iter()
            .filter(|file| file.status.is_loaded() && candidates.contains(&file.path))
            .collect();
        let mut claims = Vec::new();
        let mut trials = Trials::in_data_directory(options.data);
        for path in candidates {
            if is_named(path, options.disabled) {
                catalogue.files.push(PluginFile::disabled(path.clone()));
                continue;
            }
            let mut loading = Loading {
                options,
                files,
                copies,
                trials: &mut trials,
                loaded: staying.iter().copied().find(|file| file.path == *path),
                others: catalogue.files.iter().chain(staying.iter().copied()).collect(),
                copy: None,
                claim: None,
                pending: Vec::new(),
                trace: Vec::new(),
            };
            let Some(file) = loading.file(path)? else { continue };
            report(&file, options);
            claims.extend(loading.claim.take());
            catalogue.files.push(file);
        }
        let retired = self.files.iter().filter_map(|file| catalogue.retired(file, options));
        let retired: Vec<PluginFile> = retired.collect();
        catalogue.files.extend(retired);
        if let Tables::Made(state) = options.tables {
            state.settle_schema();
        }
        Ok((catalogue, claims))
    }

    /// What becomes of an earlier file that is no longer in service.
    fn retired(&self, earlier: &PluginFile, options: &LoadOptions<'_>) -> Option<PluginFile> {
        let PluginStatus::Loaded(processor) = &earlier.status else {
            return None;
        };
        let is_there =
            |file: &PluginFile| matches!(&file.status, PluginStatus::Loaded(other) if Arc::ptr_eq(other, processor));
        if self.files.iter().any(is_there) {
            return None;
        }
        let status = match self.file_of(processor.name()) {
            Some(_) => PluginStatus::Replaced(Arc::clone(processor)),
            None => PluginStatus::Removed(Arc::clone(processor)),
        };
        let retired = PluginFile {
            status,
            newer: None,
            ..earlier.clone()
        };
        report(&retired, options);
        Some(retired)
    }

    /// Every file, sorted by name; then those that were replaced or removed at the last reload.
    #[must_use]
    pub fn files(&self) -> &[PluginFile] {
        &self.files
    }

    /// The processors in service, in the order of their files.
    pub fn processors(&self) -> impl Iterator<Item = &Arc<Processor>> {
        self.files.iter().filter_map(|file| match &file.status {
            PluginStatus::Loaded(processor) => Some(processor),
            _ => None,
        })
    }

    /// Whether a file waits for a run to end.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        self.files.iter().any(|file| file.newer == Some(NewerFile::Waits))
    }

    fn file_of(&self, name: &ProcessorName) -> Option<&PluginFile> {
        self.files.iter().find(|file| file.status.name() == Some(name))
    }
}

/// Opens the plugins directory.
pub(super) fn open_folder(path: &Path) -> Result<Folder, CatalogueError> {
    Folder::open(path).map_err(|source| CatalogueError::Folder {
        folder: path.to_owned(),
        source,
    })
}

/// The libraries in the plugins directory, sorted by name.
pub(super) fn candidates(folder: &Folder) -> Result<Vec<PathBuf>, CatalogueError> {
    let names = folder.names().map_err(|source| CatalogueError::Folder {
        folder: folder.path().to_owned(),
        source,
    })?;
    let is_library = |name: &OsString| name.to_string_lossy().ends_with(std::env::consts::DLL_SUFFIX);
    let libraries = names.into_iter().filter(is_library);
    let mut paths: Vec<PathBuf> = libraries.map(|name| folder.path().join(name)).collect();
    paths.sort();
    Ok(paths)
}

fn warn_of_disabled_without_file(disabled: &[String], candidates: &[PathBuf]) {
    for name in disabled {
        if !candidates.iter().any(|path| is_named(path, std::slice::from_ref(name))) {
            tracing::warn!("`disabled_plugins` names {name}, but the plugins directory has no such plugin file");
        }
    }
}

/// The folder for copies. Without one, every plugin fails to load; one that others can change fails the whole load.
fn copies(options: &LoadOptions<'_>) -> Result<io::Result<Copies>, CatalogueError> {
    match Copies::in_data_directory(options.data, options.trust) {
        Ok(copies) => Ok(Ok(copies)),
        Err(NoCopies::Io(error)) => Ok(Err(error)),
        Err(NoCopies::Untrusted(untrusted)) => Err(CatalogueError::UntrustedData(untrusted)),
    }
}

fn report(plugin: &PluginFile, options: &LoadOptions<'_>) {
    let file = file_name(&plugin.path);
    match &plugin.status {
        PluginStatus::Loaded(processor) => {
            tracing::debug!(file, processor = %processor.name(), version = processor.package_version(), "loaded");
        }
        PluginStatus::Replaced(processor) | PluginStatus::Removed(processor) => {
            let (version, what) = (processor.package_version(), plugin.status.label());
            tracing::info!(file, processor = %processor.name(), version, "{what}");
        }
        PluginStatus::Unavailable { name, reason } if !options.configurations.contains_key(name.as_str()) => {
            tracing::info!(file, processor = %name, "the processor is unavailable: {reason}");
        }
        PluginStatus::Unavailable { name, reason } => {
            tracing::warn!(file, processor = %name, "the processor is unavailable: {reason}");
        }
        PluginStatus::Disabled => tracing::debug!(file, "disabled"),
        PluginStatus::Rejected { reason, details } => {
            tracing::warn!(file, "the plugin is rejected: {reason}");
            if let Some(details) = details {
                tracing::info!(file, "{details}");
            }
        }
    }
    match &plugin.newer {
        Some(NewerFile::Refused { reason, .. }) => {
            tracing::warn!(
                file,
                "the changed file is rejected, and the loaded processor stays in service: {reason}"
            );
        }
        Some(NewerFile::Waits) => {
            tracing::info!(
                file,
                "the file has changed: the host loads it when the run under way has ended"
            );
        }
        None => {}
    }
}
