//! Every file of the plugins directory, and what came of it.

use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{
    claims::{Claim, Claims, Occupation},
    copies::Copies,
    host_log::LogName,
    inspect::{NotAPlugin, inspect},
    library::{self, LibraryRefused},
    permissions::{self, PluginTrust, Untrusted},
    processor::{InstanceSource, Processor, describe_fault},
};
use crate::{
    names::{InvalidProcessorName, ProcessorName},
    state::{SchemaRefused, SessionTable, State, prepare_processor},
};

/// What plugins are loaded with.
pub struct LoadOptions<'a> {
    /// The plugins directory.
    pub folder: &'a Path,
    /// The host's data directory, which takes the private copies.
    pub data: &'a Path,
    /// Whose files are taken.
    pub trust: PluginTrust,
    /// The processors' sections of the configuration.
    pub configurations: &'a BTreeMap<String, Map<String, Value>>,
    /// The state in which their tables are made; `None` to look at the plugins alone.
    pub state: Option<&'a State>,
    /// Which processors are occupied: those are not replaced.
    pub claims: &'a Claims,
    /// The processor that the caller has claimed already.
    pub claimed: Option<&'a ProcessorName>,
}

/// A plugins directory that cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It cannot be listed.
    #[error("list the plugins directory {}: {source}; name it with --plugins", folder.display())]
    Folder {
        /// The directory.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others may write it.
    #[error("the plugins directory is not trusted: {0}")]
    Untrusted(#[from] Untrusted),
}

/// The files of the plugins directory, in the order of their names, and what they replaced.
#[derive(Clone, Default)]
pub struct Catalogue {
    files: Vec<PluginFile>,
}

/// A file with the platform's library suffix.
#[derive(Clone)]
pub struct PluginFile {
    /// Where it lies.
    pub path: PathBuf,
    /// What came of it.
    pub status: PluginStatus,
    /// The file that lies there now, where it does not serve and an earlier one does.
    pub newer: Option<NewerFile>,
    /// What was tried, step by step.
    pub trace: Vec<String>,
    /// The private copy, whose name tells the content.
    copy: Option<PathBuf>,
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

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("read it: {0}")]
    Read(#[source] io::Error),
    #[error("copy it into the data directory: {0}")]
    Copy(#[source] io::Error),
    #[error("it is no regular file")]
    NoFile,
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    #[error(transparent)]
    NotAPlugin(#[from] NotAPlugin),
    #[error(transparent)]
    Library(#[from] LibraryRefused),
    #[error("its constructor failed: {0}")]
    Constructor(String),
    #[error("its descriptor failed: {0}")]
    Descriptor(String),
    #[error(transparent)]
    Name(#[from] InvalidProcessorName),
    #[error("the name `{name}` is taken by {first}: rename or remove one of the files")]
    NameTaken { name: ProcessorName, first: String },
    #[error("its cadence is 0 minutes: it must be at least 1")]
    Cadence,
    #[error("its tables: {0}")]
    Schema(#[from] SchemaRefused),
    #[error("it does not take its configuration: {0}")]
    Configuration(String),
}

impl Refused {
    /// The reason is one line; what it takes more to explain goes into the details.
    fn into_parts(self) -> (String, Option<String>) {
        let text = self.to_string();
        let (reason, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let details = match &self {
            Self::Library(LibraryRefused::Layout { explanation, .. }) => Some(explanation.clone()),
            _ => (!rest.is_empty()).then(|| text.clone()),
        };
        (reason.to_owned(), details)
    }
}

impl Catalogue {
    /// Loads every library of the plugins directory. One that fails costs no other.
    ///
    /// # Errors
    /// When the directory cannot be listed or is not trusted.
    pub fn load(options: &LoadOptions<'_>) -> Result<Self, CatalogueError> {
        let catalogue = Self::default().reload(options)?;
        let used: HashSet<&Path> = catalogue.files.iter().filter_map(|file| file.copy.as_deref()).collect();
        if let Err(error) = Copies::in_data_directory(options.data).remove_all_but(&used) {
            tracing::warn!(%error, "private copies of plugins that nothing uses could not be removed");
        }
        Ok(catalogue)
    }

    /// What the plugins directory holds now: files of unchanged content stay as they are, new and changed ones are
    /// loaded, and one that fails leaves the loaded one in service.
    ///
    /// # Errors
    /// When the directory cannot be listed or is not trusted.
    pub fn reload(&self, options: &LoadOptions<'_>) -> Result<Self, CatalogueError> {
        let copies = Copies::in_data_directory(options.data);
        let mut catalogue = Self::default();
        let candidates = candidates(options.folder)?;
        permissions::check(options.folder, options.trust)?;
        let staying: Vec<&PluginFile> = self
            .files
            .iter()
            .filter(|file| file.status.is_loaded() && candidates.contains(&file.path))
            .collect();
        for path in &candidates {
            let mut loading = Loading {
                options,
                copies: &copies,
                loaded: staying.iter().copied().find(|file| file.path == *path),
                others: catalogue.files.iter().chain(staying.iter().copied()).collect(),
                copy: None,
                trace: Vec::new(),
            };
            let file = loading.file(path);
            report(&file);
            catalogue.files.push(file);
        }
        let retired = self.files.iter().filter_map(|file| catalogue.retired(file));
        let retired: Vec<PluginFile> = retired.collect();
        catalogue.files.extend(retired);
        Ok(catalogue)
    }

    /// What becomes of an earlier file that serves no longer.
    fn retired(&self, earlier: &PluginFile) -> Option<PluginFile> {
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
        report(&retired);
        Some(retired)
    }

    /// Every file, in the order of their names; then those that were replaced or removed at the last reload.
    #[must_use]
    pub fn files(&self) -> &[PluginFile] {
        &self.files
    }

    /// The processors that serve, in the order of their files.
    pub fn processors(&self) -> impl Iterator<Item = &Arc<Processor>> {
        self.files.iter().filter_map(|file| match &file.status {
            PluginStatus::Loaded(processor) => Some(processor),
            _ => None,
        })
    }

    /// Whether a file waits for the end of a run.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        self.files.iter().any(|file| file.newer == Some(NewerFile::Waits))
    }

    fn file_of(&self, name: &ProcessorName) -> Option<&PluginFile> {
        self.files.iter().find(|file| file.status.name() == Some(name))
    }
}

impl PluginStatus {
    /// The status in one word.
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

    fn is_loaded(&self) -> bool {
        matches!(self, Self::Loaded(_))
    }
}

/// One file on its way in.
struct Loading<'a> {
    options: &'a LoadOptions<'a>,
    copies: &'a Copies,
    /// What serves from the same path.
    loaded: Option<&'a PluginFile>,
    /// Files whose names are taken.
    others: Vec<&'a PluginFile>,
    copy: Option<PathBuf>,
    trace: Vec<String>,
}

/// What came of loading.
enum Loaded {
    /// The content is that of the file that serves.
    Unchanged,
    /// The processor is occupied.
    Waits,
    /// It is a processor.
    Status(PluginStatus),
}

impl Loading<'_> {
    fn file(&mut self, path: &Path) -> PluginFile {
        let loaded = self.load(path);
        if let Err(refused) = &loaded {
            self.note(format!("refused: {refused}"));
        }
        let newer = match (loaded, self.loaded) {
            (Ok(Loaded::Status(status)), _) => return self.entry(path, status),
            (Ok(Loaded::Unchanged), _) => None,
            (Ok(Loaded::Waits), _) => Some(NewerFile::Waits),
            (Err(refused), Some(_)) => {
                let (reason, details) = refused.into_parts();
                Some(NewerFile::Refused { reason, details })
            }
            (Err(refused), None) => {
                let (reason, details) = refused.into_parts();
                return self.entry(path, PluginStatus::Rejected { reason, details });
            }
        };
        match self.loaded {
            Some(loaded) => PluginFile {
                newer,
                ..loaded.clone()
            },
            None => PluginFile {
                newer,
                ..self.entry(path, rejected_for_now())
            },
        }
    }

    fn entry(&mut self, path: &Path, status: PluginStatus) -> PluginFile {
        PluginFile {
            path: path.to_owned(),
            status,
            newer: None,
            trace: std::mem::take(&mut self.trace),
            copy: self.copy.take(),
        }
    }

    fn load(&mut self, path: &Path) -> Result<Loaded, Refused> {
        permissions::check(path, self.options.trust)?;
        if !path.is_file() {
            return Err(Refused::NoFile);
        }
        let bytes = fs::read(path).map_err(Refused::Read)?;
        inspect(&bytes)?;
        self.note(format!(
            "a complete shared library of {} bytes with a processor module",
            bytes.len()
        ));
        let copy = self.copies.keep(&bytes).map_err(Refused::Copy)?;
        if self.loaded.is_some_and(|loaded| loaded.copy.as_ref() == Some(&copy)) {
            return Ok(Loaded::Unchanged);
        }
        self.note(format!("copied to {}", copy.display()));
        self.copy = Some(copy.clone());
        let (module, handshake) = library::open(&copy)?;
        self.note(format!(
            "interface {}.{}, {}",
            handshake.api_major,
            handshake.api_minor,
            handshake.compiler()
        ));
        self.start(path, module)
    }

    fn start(&mut self, path: &Path, module: session_plugin_api::abi::ProcessorModule_Ref) -> Result<Loaded, Refused> {
        let log_name = LogName::of_file(&file_name(path));
        let mut source = InstanceSource {
            module,
            log_name,
            configuration: "{}".to_owned(),
        };
        let mut instance = source
            .construct()
            .map_err(|fault| Refused::Constructor(describe_fault(&fault)))?;
        let (description, migrations) = instance
            .describe()
            .map_err(|fault| Refused::Descriptor(describe_fault(&fault)))?;
        let name = self.checked_name(path, &description.descriptor)?;
        source.log_name.is_processor(name.as_str());
        self.note(format!("processor {name} {}", description.package_version));
        if let Some(section) = self.options.configurations.get(name.as_str()) {
            source.configuration = Value::Object(section.clone()).to_string();
        }
        let configured = instance.configure(&source.configuration);
        let Ok(_claim) = self.claim(&name) else {
            return Ok(Loaded::Waits);
        };
        match configured {
            Err(fault) if self.loaded.is_some() => Err(Refused::Configuration(describe_fault(&fault))),
            Err(fault) => {
                self.tables(&name, &migrations, description.descriptor.session_tables())?;
                let reason = describe_fault(&fault);
                Ok(Loaded::Status(PluginStatus::Unavailable { name, reason }))
            }
            Ok(()) => {
                let tables = self.tables(&name, &migrations, description.descriptor.session_tables())?;
                let processor = Processor::new(name, description, path, tables, source, instance);
                Ok(Loaded::Status(PluginStatus::Loaded(Arc::new(processor))))
            }
        }
    }

    /// Its tables may change while nothing runs on them. The caller's own claim is as good.
    fn claim(&self, name: &ProcessorName) -> Result<Option<Claim>, Occupation> {
        match self.options.claimed == Some(name) {
            true => Ok(None),
            false => self.options.claims.claim(name, Occupation::Replacement).map(Some),
        }
    }

    fn checked_name(&self, path: &Path, descriptor: &session_plugin_api::Descriptor) -> Result<ProcessorName, Refused> {
        let name: ProcessorName = descriptor.name().parse()?;
        let has_name = |file: &&&PluginFile| file.path != path && file.status.name() == Some(&name);
        if let Some(first) = self.others.iter().find(has_name) {
            let first = file_name(&first.path);
            return Err(Refused::NameTaken { name, first });
        }
        match descriptor.cadence() {
            0 => Err(Refused::Cadence),
            _ => Ok(name),
        }
    }

    fn tables(
        &mut self,
        name: &ProcessorName,
        migrations: &[session_plugin_api::Migration],
        session_tables: &[String],
    ) -> Result<Vec<Arc<SessionTable>>, Refused> {
        let Some(state) = self.options.state else {
            return Ok(Vec::new());
        };
        let tables = prepare_processor(state, name, migrations, session_tables)?;
        self.note(format!(
            "{} migrations, {} session tables",
            migrations.len(),
            tables.len()
        ));
        Ok(tables)
    }

    fn note(&mut self, step: String) {
        tracing::debug!("{step}");
        self.trace.push(step);
    }
}

/// A processor of a new file is occupied: an earlier file of it was removed while a run goes on.
fn rejected_for_now() -> PluginStatus {
    PluginStatus::Rejected {
        reason: "a run of this processor goes on: it is taken when that has ended".to_owned(),
        details: None,
    }
}

fn candidates(folder: &Path) -> Result<Vec<PathBuf>, CatalogueError> {
    let failed = |source| CatalogueError::Folder {
        folder: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_library = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().ends_with(std::env::consts::DLL_SUFFIX));
        if is_library {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

fn report(plugin: &PluginFile) {
    let file = file_name(&plugin.path);
    match &plugin.status {
        PluginStatus::Loaded(processor) => {
            tracing::debug!(file, processor = %processor.name(), version = processor.package_version(), "loaded");
        }
        PluginStatus::Replaced(processor) | PluginStatus::Removed(processor) => {
            let (version, what) = (processor.package_version(), plugin.status.label());
            tracing::info!(file, processor = %processor.name(), version, "{what}");
        }
        PluginStatus::Unavailable { name, reason } => {
            tracing::warn!(file, processor = %name, "the processor is unavailable: {reason}");
        }
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
                "the file has changed and is refused, what was loaded stays in service: {reason}"
            );
        }
        Some(NewerFile::Waits) => {
            tracing::info!(
                file,
                "the file has changed: it is taken when the run that goes on has ended"
            );
        }
        None => {}
    }
}
