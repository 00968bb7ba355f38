//! The host as a whole: its state, its processors, its sessions directory.

use std::{sync::Arc, time::Instant};

use crate::{
    clock,
    config::{ConfigError, Settings},
    plugins::{Catalogue, CatalogueError, LoadOptions, PluginStatus, PluginTrust, Processor},
    runner::{MemoryBudget, Progress, Run, RunError, RunResult, StopToken},
    sessions::{Depth, Scanner, Users},
    state::{AuditedRun, Outcome, State, StateError},
};

/// Everything that is needed to run processors over sessions.
pub struct Host {
    state: Arc<State>,
    catalogue: Catalogue,
    scanner: Scanner,
    memory: MemoryBudget,
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
}

/// A processor that was named and cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum NoSuchProcessor {
    /// There is none of this name.
    #[error("there is no processor `{name}`; the known ones are: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The processors that there are.
        known: String,
    },
    /// It does not take its configuration.
    #[error("processor `{name}` is unavailable: {reason}")]
    Unavailable {
        /// The name.
        name: String,
        /// Why.
        reason: String,
    },
}

impl Host {
    /// Opens the state, then loads the plugins.
    ///
    /// # Errors
    /// When the state or the plugins directory cannot be used.
    pub fn start(settings: Settings, trust: PluginTrust) -> Result<Self, StartError> {
        let users = match &settings.username {
            Some(name) => Users::Person(name.clone()),
            None => Users::Folders(settings.users.clone()),
        };
        let depth = if settings.recursive {
            Depth::Recursive
        } else {
            Depth::Flat
        };
        let scanner = Scanner::new(settings.sessions()?.to_owned(), depth, users);
        let state = State::open(&settings.state)?;
        let catalogue = Catalogue::load(&LoadOptions {
            folder: &settings.plugins,
            data: &settings.data,
            trust,
            configurations: &settings.processors,
            state: Some(&state),
        })?;
        for section in settings.processors.keys() {
            if catalogue
                .files()
                .iter()
                .all(|file| file.status.name().is_none_or(|name| name.as_str() != section))
            {
                tracing::warn!(
                    "the configuration has a section [processors.{section}], but no such processor is loaded"
                );
            }
        }
        Ok(Self {
            state: Arc::new(state),
            catalogue,
            scanner,
            memory: MemoryBudget::new(settings.max_inflight_bytes),
            settings,
        })
    }

    /// The plugins directory's files.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The processors of these names; all that are loaded where none is named.
    ///
    /// # Errors
    /// When one is unknown or unavailable.
    pub fn processors(&self, names: &[String]) -> Result<Vec<Arc<Processor>>, NoSuchProcessor> {
        match names {
            [] => Ok(self.catalogue.processors().map(Arc::clone).collect()),
            names => {
                let mut processors: Vec<Arc<Processor>> = Vec::new();
                for name in names {
                    let processor = self.processor(name)?;
                    if processors.iter().all(|known| known.name() != processor.name()) {
                        processors.push(processor);
                    }
                }
                Ok(processors)
            }
        }
    }

    fn processor(&self, name: &str) -> Result<Arc<Processor>, NoSuchProcessor> {
        let named = |status: &&PluginStatus| status.name().is_some_and(|known| known.as_str() == name);
        match self.catalogue.files().iter().map(|file| &file.status).find(named) {
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
        let names = self.catalogue.files().iter().filter_map(|file| file.status.name());
        let names: Vec<&str> = names.map(|name| name.as_str()).collect();
        match names.as_slice() {
            [] => format!("none, {} holds no processor", self.settings.plugins.display()),
            names => names.join(", "),
        }
    }

    /// Makes one run of a processor and writes it into the audit log, whatever came of it.
    ///
    /// # Errors
    /// When the run as a whole fails.
    pub fn run(
        &self,
        processor: &Arc<Processor>,
        actor: &str,
        stop: &StopToken,
        progress: &Arc<Progress>,
    ) -> Result<RunResult, RunError> {
        let started_at = clock::now();
        let began = Instant::now();
        let run = Run {
            processor,
            state: &self.state,
            scanner: &self.scanner,
            limits: self.settings.limits.clone(),
            memory: self.memory.clone(),
            stop: stop.clone(),
            progress: Arc::clone(progress),
        };
        let result = run.execute();
        let (outcome, details) = match &result {
            Ok(result) if result.errors == 0 => (Outcome::Success, serde_json::json!(result)),
            Ok(result) => (Outcome::SessionErrors, serde_json::json!(result)),
            Err(error) => (Outcome::Failed, serde_json::json!({"detail": error.to_string()})),
        };
        let audited = self.state.audit_run(&AuditedRun {
            processor: processor.name(),
            actor,
            started_at,
            duration: began.elapsed(),
            outcome,
            details: details.to_string(),
        });
        match (result, audited) {
            (Ok(_), Err(error)) => Err(error.into()),
            (result, _) => result,
        }
    }

    /// Ends the host: what is committed is written into the state file proper.
    ///
    /// # Errors
    /// When the checkpoint fails; what is committed is safe in the log of changes all the same.
    pub fn end(self) -> Result<(), StateError> {
        self.state.checkpoint()
    }
}
