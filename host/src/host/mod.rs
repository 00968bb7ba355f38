//! The host as a whole: its state, its processors, its sessions directory.

mod correction;
mod covered;
mod crashes;
mod members;
mod pause;
mod preview;
mod run;
mod status;
mod summary;
mod under_way;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use correction::CorrectionError;
pub use members::selection_asked;
pub use pause::{PauseError, pause_in, resume_in};
pub use run::{BegunRun, NotBegun};
pub use status::{StatusListing, Waiting};
pub use under_way::{RunListing, RunUnderWay};

use self::{members::Members, pause::PauseBoard, under_way::RunsUnderWay};
use crate::{
    cluster::ClusterError,
    config::{ConfigError, Settings},
    journal,
    metrics::Metrics,
    names::ProcessorName,
    plugins::{
        Catalogue, CatalogueError, Claims, LoadOptions, PluginFile, PluginStatus, PluginTrust, Processor, Tables,
        TriedReports, drops_return,
    },
    runner::MemoryBudget,
    sessions::Scanner,
    state::{State, StateError},
    threads,
};

/// Everything needed to run processors over sessions.
pub struct Host {
    state: Arc<State>,
    /// The other hosts, where several share the state.
    members: Option<Members>,
    catalogue: RwLock<Arc<Catalogue>>,
    reloading: Mutex<()>,
    trust: PluginTrust,
    claims: Claims,
    under_way: RunsUnderWay,
    /// Why the last run of a processor failed as a whole.
    failed_runs: Mutex<HashMap<String, String>>,
    /// How often the results may have changed.
    revision: AtomicU64,
    paused: PauseBoard,
    scanner: Scanner,
    memory: MemoryBudget,
    metrics: Metrics,
    settings: Settings,
}

/// Why the host cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its settings are incomplete.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its state cannot be opened.
    #[error(transparent)]
    State(#[from] StateError),
    /// Its plugins directory cannot be used.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// It cannot join the hosts that share its state.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl StartError {
    /// Whether the database of the state is out of reach, so that the host can start once it is back.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::State(error) | Self::Catalogue(CatalogueError::State(error)) => error.is_outage(),
            Self::Cluster(error) => error.is_outage(),
            Self::Config(_) | Self::Catalogue(_) => false,
        }
    }
}

/// A named processor that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum NoSuchProcessor {
    /// There is no processor with this name.
    #[error("there is no processor `{name}`; the known ones are: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The known processors.
        known: String,
    },
    /// It refuses its configuration.
    #[error("processor `{name}` is unavailable: {reason}")]
    Unavailable {
        /// The name.
        name: String,
        /// Why.
        reason: String,
    },
}

impl Host {
    /// Opens the state, then loads the plugins. A reload tries all reports, whatever `reports` says.
    ///
    /// # Errors
    /// When the state or the plugins directory cannot be used.
    pub fn start(settings: Settings, trust: PluginTrust, reports: TriedReports) -> Result<Self, StartError> {
        let scanner = settings.scanner()?;
        let plugins = settings.plugins()?;
        Catalogue::check_data_directory(&settings.data, trust)?;
        let found = Catalogue::find(plugins, trust, Some(&settings.pinning), &settings.disabled_plugins);
        let state = Arc::new(State::open_at(&settings.state)?);
        crashes::take_up(&settings, &state);
        let claims = Claims::default();
        let options = LoadOptions {
            folder: plugins,
            data: &settings.data,
            trust,
            pinning: Some(&settings.pinning),
            disabled: &settings.disabled_plugins,
            configurations: &settings.processors,
            isolation: &settings.isolation,
            tables: Tables::Made(&state),
            reports,
            claims: &claims,
            only: None,
            claimed: None,
        };
        let catalogue = Catalogue::load_found(&options, found)?;
        warn_of_sections_without_processor(&settings, &catalogue);
        let shared = settings.state.address().zip(state.outage());
        let members = shared
            .map(|(address, outage)| Members::join(address, &catalogue, settings.lease, outage))
            .transpose()?;
        // After the host has joined, it hears of every further pause.
        let reader = state.reader()?;
        let (failed_runs, paused) = (reader.failed_runs()?, PauseBoard::new(reader.pauses()?));
        drop(reader);
        Ok(Self {
            state,
            members,
            catalogue: RwLock::new(Arc::new(catalogue)),
            reloading: Mutex::default(),
            trust,
            claims,
            under_way: RunsUnderWay::default(),
            failed_runs: Mutex::new(failed_runs),
            revision: AtomicU64::new(0),
            paused,
            scanner,
            memory: MemoryBudget::new(settings.max_inflight_bytes),
            metrics: Metrics::default(),
            settings,
        })
    }

    /// The files of the plugins directory, as last loaded.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// The metrics.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Tries the reports of new libraries on a thread of its own. Whoever asks for reports meanwhile waits for it.
    pub fn try_reports_aside(&self) {
        let catalogue = self.catalogue();
        let try_all = move || {
            for processor in catalogue.processors() {
                let _ = processor.reports();
            }
        };
        // Without the thread, whoever first asks for reports tries them.
        let _ = threads::start("report-trial", try_all);
    }

    /// A number that grows whenever the results of the processors may have changed: after a run, a correction or a reload,
    /// which may bring other reports.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Notes that the results of the processors may have changed.
    pub fn results_changed(&self) {
        self.revision.fetch_add(1, Ordering::AcqRel);
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The sessions directory.
    #[must_use]
    pub fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    /// Reloads the plugins directory: new, changed and removed files. A run under way ends on the code with which it began;
    /// a new file of its processor is loaded when the run has ended.
    ///
    /// # Errors
    /// When the plugins directory cannot be listed or is not trusted; nothing changes then.
    pub fn reload_plugins(&self) -> Result<Arc<Catalogue>, CatalogueError> {
        self.reload(None)
    }

    fn reload(&self, claimed: Option<&ProcessorName>) -> Result<Arc<Catalogue>, CatalogueError> {
        let _one_at_a_time = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let (reloaded, _claims) = self.catalogue().reload(&LoadOptions {
            folder: self.settings.plugins.path(),
            data: &self.settings.data,
            trust: self.trust,
            pinning: Some(&self.settings.pinning),
            disabled: &self.settings.disabled_plugins,
            configurations: &self.settings.processors,
            isolation: &self.settings.isolation,
            tables: Tables::Made(&self.state),
            reports: TriedReports::All,
            claims: &self.claims,
            only: None,
            claimed,
        })?;
        let reloaded = Arc::new(reloaded);
        *self.catalogue.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&reloaded);
        self.results_changed();
        if let Some(members) = &self.members {
            members.has_processors_of(&reloaded);
        }
        Ok(reloaded)
    }

    /// The processors with these names, or all that are loaded if `names` is empty.
    ///
    /// # Errors
    /// When one is unknown or unavailable.
    pub fn processors(&self, names: &[String]) -> Result<Vec<Arc<Processor>>, NoSuchProcessor> {
        if names.is_empty() {
            return Ok(self.catalogue().processors().map(Arc::clone).collect());
        }
        let mut processors: Vec<Arc<Processor>> = Vec::new();
        for name in names {
            let processor = self.processor(name)?;
            if processors.iter().all(|known| known.name() != processor.name()) {
                processors.push(processor);
            }
        }
        Ok(processors)
    }

    /// The processor with this name.
    ///
    /// # Errors
    /// When it is unknown or unavailable.
    pub fn processor(&self, name: &str) -> Result<Arc<Processor>, NoSuchProcessor> {
        let catalogue = self.catalogue();
        let named = |status: &&PluginStatus| status.name().is_some_and(|known| known.as_str() == name);
        match catalogue.files().iter().map(|file| &file.status).find(named) {
            Some(PluginStatus::Loaded(processor)) => Ok(Arc::clone(processor)),
            Some(PluginStatus::Unavailable { reason, .. }) => Err(NoSuchProcessor::Unavailable {
                name: name.to_owned(),
                reason: reason.clone(),
            }),
            _ => Err(NoSuchProcessor::Unknown {
                name: name.to_owned(),
                known: self.known_names(),
            }),
        }
    }

    fn known_names(&self) -> String {
        let catalogue = self.catalogue();
        let names = catalogue.files().iter().filter_map(|file| file.status.name());
        let names: Vec<&str> = names.map(|name| name.as_str()).collect();
        let known = match names.as_slice() {
            [] => format!(
                "none, because {} holds no processor",
                self.settings.plugins.path().display()
            ),
            names => names.join(", "),
        };
        let files = catalogue.files().iter();
        let disabled = files.filter(|file| matches!(file.status, PluginStatus::Disabled));
        let disabled: Vec<String> = disabled.map(PluginFile::name).collect();
        match disabled.as_slice() {
            [] => known,
            disabled => format!("{known}; disabled files: {}", disabled.join(", ")),
        }
    }

    /// Exports every table as a Parquet file into a new folder; returns the folder and the tables' names.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn export(&self) -> Result<(PathBuf, Vec<String>), StateError> {
        let folder = self.state.new_export_folder()?;
        let tables = self.state.reader()?.export(&folder)?;
        Ok((folder, tables))
    }

    /// Waits until no run is under way, for at most `patience`; returns whether that is so.
    #[must_use]
    pub fn waits_for_runs(&self, patience: Duration) -> bool {
        self.under_way.wait(patience)
    }

    /// Ends the host: a checkpoint writes all committed data into the state file.
    ///
    /// # Errors
    /// When the checkpoint fails; committed data is still safe in the WAL.
    pub fn end(&self) -> Result<(), StateError> {
        journal::close();
        self.leave_the_others();
        self.state.mend();
        self.state.checkpoint()
    }

    /// Ends the host of a command whose runs had nothing to do, and for which somebody waits: a WAL that holds little stays
    /// beside the state file.
    ///
    /// # Errors
    /// As above.
    pub fn end_soon(&self) -> Result<(), StateError> {
        journal::close();
        self.leave_the_others();
        self.state.mend();
        self.state.checkpoint_unless_small()
    }

    fn leave_the_others(&self) {
        if let Some(members) = &self.members {
            members.leave();
        }
    }

    /// Drops the plugins' instances, and waits a few seconds for their `Drop` code; no run begins afterwards.
    pub fn let_plugins_go(&self) {
        *self.catalogue.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        // `drops_return` logs a `Drop` that does not return.
        let _ = drops_return();
    }
}

fn warn_of_sections_without_processor(settings: &Settings, catalogue: &Catalogue) {
    let configured = settings.processors.keys().map(|name| ("processors", name.as_str()));
    let isolated = settings.isolation.sections().map(|name| ("isolation", name));
    for (table, section) in configured.chain(isolated) {
        let is_named = |name: &ProcessorName| name.as_str() == section;
        let is_of = |file: &PluginFile| match &file.status {
            // What has not been loaded tells no name but that of its file.
            PluginStatus::Disabled => is_file_of(&file.name(), section),
            status => status.name().is_some_and(is_named),
        };
        if !catalogue.files().iter().any(is_of) {
            tracing::warn!("the configuration has a section [{table}.{section}], but no such processor is loaded");
        }
    }
}

/// Whether a plugin file has the usual name of a file of this processor: `NAME.so`, or `libNAME.so` as Cargo builds it.
fn is_file_of(file: &str, processor: &str) -> bool {
    let stem = file.strip_suffix(std::env::consts::DLL_SUFFIX).unwrap_or(file);
    let stem = stem.strip_prefix(std::env::consts::DLL_PREFIX).unwrap_or(stem);
    stem.replace('-', "_") == processor.replace('-', "_")
}
