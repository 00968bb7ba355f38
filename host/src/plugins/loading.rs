//! Loads one file of the plugins directory: checks it, copies it, opens it, and prepares its tables.
//!
//! Cheap checks that run no foreign code come first. The bytes are read once, so the checked bytes are the ones that
//! are copied and opened, even if somebody writes to the file meanwhile.

mod refused;
mod tables;

use std::{io, path::Path, sync::Arc};

use serde_json::Value;
use session_plugin_api::{Descriptor, Migration};

use refused::Refused;

use super::{
    claims::{Claim, Occupation},
    copies::{Copies, Copy},
    host_log::LogName,
    instance::describe_fault,
    isolation_settings::IsolationMode,
    library::Built,
    load_options::{LoadOptions, Tables},
    opened::Opened,
    opening::{NotReady, open_here, open_in_worker, serve_here, serve_in_workers},
    passed_trials::Trials,
    plugin_file::{NewerFile, PluginFile, PluginStatus, file_name},
    plugin_files::PluginFiles,
    pool::{Pool, WorkerPlan},
    processor::{Code, Processor},
    reading::Checked,
    trial::try_in_worker,
};
use crate::{
    journal::{self, Isolated, Plugin},
    names::ProcessorName,
    state::StateError,
};

/// One file that is being loaded.
pub(super) struct Loading<'a> {
    pub(super) options: &'a LoadOptions<'a>,
    /// The plugins directory.
    pub(super) files: &'a PluginFiles,
    /// The folder for copies, or why there is none.
    pub(super) copies: &'a io::Result<Copies>,
    /// The libraries that were tried before.
    pub(super) trials: &'a mut Trials,
    /// The file in service from the same path.
    pub(super) loaded: Option<&'a PluginFile>,
    /// Files whose names are taken.
    pub(super) others: Vec<&'a PluginFile>,
    pub(super) copy: Option<String>,
    /// The claim on the processor that is put into service.
    pub(super) claim: Option<Claim>,
    /// The versions of the pending migrations, if they are not applied.
    pub(super) pending: Vec<u32>,
    pub(super) trace: Vec<String>,
}

/// How loading ended.
enum Loaded {
    /// The content is the same as that of the file in service.
    Unchanged,
    /// The processor is occupied.
    Waits,
    /// It is known to hold a processor that is not needed.
    LeftOut,
    /// It is a processor.
    Status(PluginStatus),
}

impl Loading<'_> {
    /// Loads the file; `None` if it holds a processor that is not needed.
    ///
    /// # Errors
    /// When the state fails, which is not a fault of the file.
    pub(super) fn file(&mut self, path: &Path) -> Result<Option<PluginFile>, StateError> {
        let loaded = match self.load(path) {
            Ok(Loaded::LeftOut) => return Ok(None),
            Err(Refused::Schema(refused)) => Err(Refused::Schema(match refused.into_fatal() {
                Ok(error) => return Err(error),
                Err(refused) => refused,
            })),
            loaded => loaded,
        };
        Ok(Some(self.outcome(path, loaded)))
    }

    fn outcome(&mut self, path: &Path, loaded: Result<Loaded, Refused>) -> PluginFile {
        if let Err(refused) = &loaded {
            self.note(format!("rejected: {refused}"));
        }
        let newer = match (loaded, self.loaded) {
            (Ok(Loaded::Status(status)), _) => return self.entry(path, status),
            (Ok(Loaded::Unchanged | Loaded::LeftOut), _) => None,
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
            pending: std::mem::take(&mut self.pending),
            trace: std::mem::take(&mut self.trace),
            copy: self.copy.take(),
        }
    }

    fn load(&mut self, path: &Path) -> Result<Loaded, Refused> {
        let Checked {
            bytes,
            copy_name,
            handshake,
        } = self.files.take(path)?;
        self.note(format!(
            "a complete shared library of {} bytes with a processor module",
            bytes.len()
        ));
        self.note(format!(
            "interface {}.{}, {}",
            handshake.api_major,
            handshake.api_minor,
            handshake.compiler()
        ));
        if self.is_left_out(&copy_name) {
            return Ok(Loaded::LeftOut);
        }
        let copies = self
            .copies
            .as_ref()
            .map_err(|error| Refused::NoCopies(error.to_string()))?;
        let copy = copies.keep(copy_name, &bytes).map_err(Refused::Copy)?;
        if let Some(loaded) = self.loaded.filter(|loaded| loaded.copy.as_ref() == Some(&copy.name)) {
            loaded
                .status
                .processor()
                .into_iter()
                .for_each(|processor| processor.try_again());
            return Ok(Loaded::Unchanged);
        }
        self.note(format!("copied to {}", copy.path.display()));
        self.copy = Some(copy.name.clone());
        self.start(path, copy, Built::from(&handshake))
    }

    /// Whether a library is known to hold another processor than the only one that is needed.
    fn is_left_out(&self, copy: &str) -> bool {
        self.options.only.is_some_and(|needed| {
            let passed = self.trials.passed(copy);
            passed.is_some_and(|passed| passed.processor != needed)
        })
    }

    /// Tries a new library in a worker, opens it where its code is to run, and prepares its tables.
    fn start(&mut self, path: &Path, copy: Copy, built: Built) -> Result<Loaded, Refused> {
        let plugin = Plugin::new(path, copy.digest());
        let digest = Arc::clone(&plugin.digest);
        // A library on trial has not told the name of its processor, whose section may say otherwise.
        let isolation = self.options.isolation.of_trial();
        let mut plan = WorkerPlan {
            plugin,
            copy: Arc::new(copy),
            built,
            log_name: LogName::of_file(&file_name(path)),
            configuration: String::new(),
            limits: isolation.limits,
            confinement: isolation.confinement,
            distrust: None,
        };
        let told = self.name_in(&plan)?;
        let isolation = self.options.isolation.of(&told);
        (plan.limits, plan.confinement) = (isolation.limits, isolation.confinement);
        plan.configuration = self.configuration_of(&told);
        let distrust = self.distrust(&plan.plugin);
        let loaded = self.open(path, plan, distrust, isolation.mode);
        // If the host is killed meanwhile, the next one has the suspect too.
        journal::suspects().clear_loading(&digest);
        loaded
    }

    /// Opens a library where its code is to run, and prepares its tables.
    fn open(
        &mut self,
        path: &Path,
        mut plan: WorkerPlan,
        distrust: Option<String>,
        configured: IsolationMode,
    ) -> Result<Loaded, Refused> {
        if let Some(reason) = &distrust {
            self.note(format!("runs in worker processes, because {reason}"));
        }
        plan.distrust = distrust;
        let mode = match plan.distrust {
            Some(_) => IsolationMode::Process,
            None => configured,
        };
        match mode {
            IsolationMode::InProcess => {
                let (opened, source) = open_here(&plan)?;
                self.load_opened(path, opened, &plan, |opened, pool| match opened {
                    Opened::Here(here) => serve_here(here, source, pool),
                    Opened::InWorker(_) => None,
                })
            }
            IsolationMode::Process => {
                let opened = Opened::InWorker(Box::new(open_in_worker(&plan)?));
                self.load_opened(path, opened, &plan, |opened, pool| match opened {
                    Opened::InWorker(worker) => Some(serve_in_workers(*worker, pool)),
                    Opened::Here(_) => None,
                })
            }
        }
    }

    /// Why the code of a plugin must run in worker processes, whatever is configured.
    fn distrust(&self, plugin: &Plugin) -> Option<String> {
        if let Some(reason) = Isolated::read(self.options.data).reason_for(&plugin.digest) {
            return Some(reason.to_owned());
        }
        let is_suspect = journal::suspects().has_loading(&plugin.digest);
        is_suspect.then(|| "the last host ended while the plugin was loaded or dropped".to_owned())
    }

    /// The name that the processor of a library tells. One that is not known is tried in a worker.
    fn name_in(&mut self, plan: &WorkerPlan) -> Result<String, NotReady> {
        if let Some(passed) = self.trials.passed(&plan.copy.name) {
            return Ok(passed.processor.clone());
        }
        let passed = try_in_worker(plan, |name| self.configuration_of(name))?;
        self.note("opened, described and configured in a worker process".to_owned());
        let name = passed.processor.clone();
        if let Tables::Made(_) = self.options.tables {
            self.trials.remember(&plan.copy.name, passed);
        }
        Ok(name)
    }

    /// The processor's section of the configuration, as JSON.
    fn configuration_of(&self, processor: &str) -> String {
        let section = self.options.configurations.get(processor).cloned();
        Value::Object(section.unwrap_or_default()).to_string()
    }

    /// Describes and configures an open plugin, prepares its tables, and puts it into service.
    fn load_opened(
        &mut self,
        path: &Path,
        mut opened: Opened,
        plan: &WorkerPlan,
        into_service: impl FnOnce(Opened, Pool) -> Option<Code>,
    ) -> Result<Loaded, Refused> {
        let limit = plan.limits.load_timeout;
        let (description, migrations) = opened
            .describe(limit)
            .map_err(|fault| NotReady::Descriptor(describe_fault(&fault)))?;
        let name = self.checked_name(path, &description.descriptor)?;
        plan.log_name.is_processor(name.as_str());
        self.note(format!("processor {name} {}", description.package_version));
        let configured = opened.configure(&plan.configuration, limit)?;
        self.claim = match self.claim(&name) {
            Ok(claim) => claim,
            Err(_) => return Ok(Loaded::Waits),
        };
        let descriptor = &description.descriptor;
        match configured {
            Err(fault) if self.loaded.is_some() => Err(Refused::Configuration(describe_fault(&fault))),
            Err(fault) => {
                self.tables(&name, &migrations, descriptor.session_tables(), None)?;
                let reason = describe_fault(&fault);
                Ok(Loaded::Status(PluginStatus::Unavailable { name, reason }))
            }
            Ok(()) => {
                let reference = match self.options.tables {
                    Tables::Compared(_) => None,
                    Tables::Made(_) | Tables::LookedAt { .. } => Some(
                        opened
                            .reference_rows(descriptor.reference_tables(), limit)
                            .map_err(|fault| Refused::ReferenceRows(describe_fault(&fault)))?,
                    ),
                };
                let tables = self.tables(&name, &migrations, descriptor.session_tables(), reference)?;
                let pool = Pool::new(plan.clone(), &tables);
                let code = into_service(opened, pool).ok_or(Refused::Gone)?;
                let digest = plan.plugin.digest.to_string();
                let reports = self.reports(&name, descriptor, migrations.len(), &plan.copy.name);
                let processor = Processor::new(name, description, path, digest, tables, code)
                    .with_reports(reports)
                    .with_tables_at(migrations.last().map_or(0, Migration::version))
                    .distrusted(plan.distrust.clone());
                Ok(Loaded::Status(PluginStatus::Loaded(Arc::new(processor))))
            }
        }
    }

    /// Claims the processor, so that its tables change while none of its runs is under way. The caller's own claim
    /// suffices.
    fn claim(&self, name: &ProcessorName) -> Result<Option<Claim>, Occupation> {
        match self.options.claimed == Some(name) {
            true => Ok(None),
            false => self.options.claims.claim(name, Occupation::Replacement).map(Some),
        }
    }

    fn checked_name(&self, path: &Path, descriptor: &Descriptor) -> Result<ProcessorName, Refused> {
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

    fn note(&mut self, step: String) {
        tracing::debug!("{step}");
        self.trace.push(step);
    }
}

/// The status of a new file whose processor is occupied: an earlier file of it was removed while a run is under way.
fn rejected_for_now() -> PluginStatus {
    PluginStatus::Rejected {
        reason: "a run of this processor is under way: the host loads this file when it has ended".to_owned(),
        details: None,
    }
}
