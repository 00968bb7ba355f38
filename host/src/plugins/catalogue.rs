//! Every file of the plugins directory, and what came of it.

use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{
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

/// The files of the plugins directory, in the order of their names.
pub struct Catalogue {
    files: Vec<PluginFile>,
}

/// A file with the platform's library suffix.
pub struct PluginFile {
    /// Where it lies.
    pub path: PathBuf,
    /// What came of it.
    pub status: PluginStatus,
    /// What was tried, step by step.
    pub trace: Vec<String>,
}

/// What came of a plugin's file.
pub enum PluginStatus {
    /// It serves.
    Loaded(Arc<Processor>),
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
}

impl From<Refused> for PluginStatus {
    /// The reason is one line; what it takes more to explain goes into the details.
    fn from(refused: Refused) -> Self {
        let text = refused.to_string();
        let (reason, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let details = match &refused {
            Refused::Library(LibraryRefused::Layout { explanation, .. }) => Some(explanation.clone()),
            _ => (!rest.is_empty()).then(|| text.clone()),
        };
        Self::Rejected {
            reason: reason.to_owned(),
            details,
        }
    }
}

impl Catalogue {
    /// Loads every library of the plugins directory. One that fails costs no other.
    ///
    /// # Errors
    /// When the directory cannot be listed or is not trusted.
    pub fn load(options: &LoadOptions<'_>) -> Result<Self, CatalogueError> {
        let copies = Copies::in_data_directory(options.data);
        let mut catalogue = Self { files: Vec::new() };
        let mut used = HashSet::new();
        let candidates = candidates(options.folder)?;
        permissions::check(options.folder, options.trust)?;
        for path in candidates {
            let mut loading = Loading {
                options,
                copies: &copies,
                earlier: &catalogue,
                trace: Vec::new(),
            };
            let status = loading.status_of(&path, &mut used);
            let trace = loading.trace;
            report(&path, &status);
            catalogue.files.push(PluginFile { path, status, trace });
        }
        if let Err(error) = copies.remove_all_but(&used) {
            tracing::warn!(%error, "private copies of plugins that nothing uses could not be removed");
        }
        Ok(catalogue)
    }

    /// Every file, in the order of their names.
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
            Self::Unavailable { .. } => "unavailable",
            Self::Rejected { .. } => "rejected",
        }
    }

    /// The processor's name, where it got as far as telling it.
    #[must_use]
    pub fn name(&self) -> Option<&ProcessorName> {
        match self {
            Self::Loaded(processor) => Some(processor.name()),
            Self::Unavailable { name, .. } => Some(name),
            Self::Rejected { .. } => None,
        }
    }
}

struct Loading<'a> {
    options: &'a LoadOptions<'a>,
    copies: &'a Copies,
    earlier: &'a Catalogue,
    trace: Vec<String>,
}

impl Loading<'_> {
    fn status_of(&mut self, path: &Path, used: &mut HashSet<PathBuf>) -> PluginStatus {
        self.load(path, used).unwrap_or_else(|refused| {
            self.trace.push(format!("refused: {refused}"));
            refused.into()
        })
    }

    fn load(&mut self, path: &Path, used: &mut HashSet<PathBuf>) -> Result<PluginStatus, Refused> {
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
        self.note(format!("copied to {}", copy.display()));
        used.insert(copy.clone());
        let (module, handshake) = library::open(&copy)?;
        self.note(format!(
            "interface {}.{}, {}",
            handshake.api_major,
            handshake.api_minor,
            handshake.compiler()
        ));
        self.start(path, module)
    }

    fn start(
        &mut self,
        path: &Path,
        module: session_plugin_api::abi::ProcessorModule_Ref,
    ) -> Result<PluginStatus, Refused> {
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
        let name = self.checked_name(&description.descriptor)?;
        source.log_name.is_processor(name.as_str());
        self.note(format!("processor {name} {}", description.package_version));
        let tables = self.tables(&name, &migrations, description.descriptor.session_tables())?;
        if let Some(section) = self.options.configurations.get(name.as_str()) {
            source.configuration = Value::Object(section.clone()).to_string();
        }
        if let Err(fault) = instance.configure(&source.configuration) {
            let reason = describe_fault(&fault);
            return Ok(PluginStatus::Unavailable { name, reason });
        }
        let processor = Processor::new(name, description, path, tables, source, instance);
        Ok(PluginStatus::Loaded(Arc::new(processor)))
    }

    fn checked_name(&self, descriptor: &session_plugin_api::Descriptor) -> Result<ProcessorName, Refused> {
        let name: ProcessorName = descriptor.name().parse()?;
        if let Some(first) = self.earlier.file_of(&name) {
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

fn report(path: &Path, status: &PluginStatus) {
    let file = file_name(path);
    match status {
        PluginStatus::Loaded(processor) => {
            tracing::debug!(file, processor = %processor.name(), version = processor.package_version(), "loaded");
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
}
