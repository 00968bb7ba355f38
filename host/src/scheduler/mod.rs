//! The schedule: when each processor is due, and the heartbeat that starts the runs.

mod among_others;
mod cadence;
mod cron;
mod plan;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use session_plugin_api::Timestamp;

pub use cadence::{Cadence, InvalidCadence, Problem};
pub use cron::InvalidCron;
use plan::Plan;

use crate::{
    clock,
    cluster::Request,
    host::{BegunRun, Host, NotBegun},
    names::ProcessorName,
    plugins::{Catalogue, CatalogueError, Processor},
    runner::{Selection, StopToken},
    state::{Actor, StateError},
};

/// Starts the runs that are due.
pub struct Scheduler {
    plan: Mutex<Plan>,
    /// What other hosts asked for and this one has yet to do.
    postponed: Mutex<Vec<Request>>,
}

/// Why the schedule cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// A configured schedule is invalid.
    #[error("cannot read the schedule of processor {processor} in {place}: {source}")]
    Cadence {
        /// The processor.
        processor: ProcessorName,
        /// Where it is configured.
        place: String,
        /// What is wrong.
        r#source: Box<InvalidCadence>,
    },
    /// The times of the last runs cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Why the plugins could not be reloaded or scheduled.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The plugins directory cannot be used.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The schedule of a processor is invalid.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
}

impl ReloadError {
    /// Whether only the connection to a shared state failed, so that a reload may succeed later.
    #[must_use]
    pub fn is_of_the_connection(&self) -> bool {
        match self {
            Self::Catalogue(CatalogueError::State(error)) | Self::Schedule(ScheduleError::State(error)) => {
                error.is_of_the_connection()
            }
            Self::Catalogue(_) | Self::Schedule(_) => false,
        }
    }
}

/// The listed schedule of a processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScheduleListing {
    /// How often it is due, such as `every 10m`.
    pub cadence: String,
    /// When its last run began, RFC 3339 in UTC.
    pub last_run_at: Option<String>,
    /// When it is due next, RFC 3339 in UTC.
    pub next_due_at: Option<String>,
}

impl Scheduler {
    /// A schedule of the host's processors, as of now.
    ///
    /// # Errors
    /// When a configured schedule is invalid, or the state cannot be read.
    pub fn new(host: &Host) -> Result<Self, ScheduleError> {
        let plan = Plan::new(clock::now(), host.settings().service.startup_grace);
        let scheduler = Self {
            plan: Mutex::new(plan),
            postponed: Mutex::default(),
        };
        for name in host.settings().service.scheduled() {
            if let Ok(name) = name.parse() {
                configured_cadence(host, &name)?;
            }
            if host.processor(name).is_err() {
                tracing::warn!("[schedule] names {name}, but no such processor is loaded");
            }
        }
        scheduler.follow(host)?;
        Ok(scheduler)
    }

    /// Schedules the processors that the host has now.
    ///
    /// # Errors
    /// As for [`new`](Self::new); the schedule stays unchanged then.
    pub fn follow(&self, host: &Host) -> Result<(), ScheduleError> {
        let recorded = host.state().reader()?.last_runs()?;
        let catalogue = host.catalogue();
        let processors: Vec<&Arc<Processor>> = catalogue.processors().collect();
        let cadences: Vec<Cadence> = processors
            .iter()
            .map(|processor| cadence_of(host, processor))
            .collect::<Result<_, _>>()?;
        let mut plan = self.lock();
        plan.retain(|name| processors.iter().any(|processor| processor.name() == name));
        for (processor, cadence) in processors.into_iter().zip(cadences) {
            let name = processor.name();
            let known = plan.get(name).and_then(|entry| entry.last_run);
            let last_run = known.max(recorded.get(name.as_str()).copied());
            plan.set(name.clone(), cadence, last_run);
        }
        Ok(())
    }

    /// Reloads the plugins, and schedules their processors.
    ///
    /// # Errors
    /// When the plugins directory cannot be used, or the schedule of a new processor is invalid.
    pub fn reload_plugins(&self, host: &Host) -> Result<Arc<Catalogue>, ReloadError> {
        let catalogue = host.reload_plugins()?;
        self.follow(host)?;
        Ok(catalogue)
    }

    /// Records that a run has begun.
    pub fn has_run(&self, processor: &ProcessorName, at: Timestamp) {
        self.lock().has_run(processor, at);
    }

    /// A processor's schedule; `None` if it is not scheduled.
    #[must_use]
    pub fn listing(&self, processor: &ProcessorName) -> Option<ScheduleListing> {
        let plan = self.lock();
        let scheduled = plan.get(processor)?;
        Some(ScheduleListing {
            cadence: scheduled.cadence.to_string(),
            last_run_at: scheduled.last_run.map(clock::text_of),
            next_due_at: plan.next_due(processor).map(clock::text_of),
        })
    }

    /// How often a processor is due; `None` if it is not scheduled.
    #[must_use]
    pub fn cadence(&self, processor: &ProcessorName) -> Option<Cadence> {
        Some(self.lock().get(processor)?.cadence.clone())
    }

    /// Starts the due runs at every tick, until shutdown.
    pub async fn keep(self: &Arc<Self>, host: &Arc<Host>, stop: &StopToken) {
        match host.cluster() {
            None => self.keep_alone(host, stop).await,
            Some(_) => self.keep_among_others(host, stop).await,
        }
    }

    async fn keep_among_others(self: &Arc<Self>, host: &Arc<Host>, stop: &StopToken) {
        while stop.stopped_at().is_none() {
            let (scheduler, host, ending) = (Arc::clone(self), Arc::clone(host), stop.clone());
            // A database that does not answer must not delay anybody else, nor shutdown.
            let beating = tokio::task::spawn_blocking(move || scheduler.beat(&host, &ending));
            tokio::select! {
                beaten = beating => {
                    if let Err(panic) = beaten {
                        tracing::error!("the schedule panicked: {panic}; please report this bug in session-host");
                    }
                }
                () = stop.stopped() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(among_others::BEAT) => {}
                () = stop.stopped() => {}
            }
        }
    }

    async fn keep_alone(&self, host: &Arc<Host>, stop: &StopToken) {
        let wanted = host.settings().service.tick;
        let mut followed = host.catalogue();
        while stop.stopped_at().is_none() {
            let catalogue = host.catalogue();
            if !Arc::ptr_eq(&catalogue, &followed) {
                match self.follow(host) {
                    Ok(()) => followed = catalogue,
                    Err(error) => tracing::error!("the schedule stays unchanged: {error}"),
                }
            }
            let due = self.lock().due(clock::now(), |name| host.run_under_way(name).is_some());
            self.start(host, &due, stop);
            let tick = self.lock().tick(wanted);
            tokio::select! {
                () = tokio::time::sleep(tick) => {}
                () = stop.stopped() => {}
            }
        }
    }

    /// Starts the runs of these processors together.
    fn start(&self, host: &Arc<Host>, due: &[ProcessorName], stop: &StopToken) {
        let mut runs: Vec<BegunRun> = due.iter().filter_map(|processor| self.begin(host, processor)).collect();
        BegunRun::share_among(&mut runs.iter_mut().collect::<Vec<_>>());
        for run in runs {
            // The run logs its error, and records it in the audit log.
            run.execute_in_a_thread(stop.clone(), drop);
        }
    }

    fn begin(&self, host: &Arc<Host>, processor: &ProcessorName) -> Option<BegunRun> {
        match host.begin_run(processor.as_str(), Actor::Scheduler, Selection::All) {
            Ok(run) => {
                self.has_run(processor, run.started_at());
                Some(run)
            }
            // It is due again at the next tick, or when someone resumes it. Among hosts, the schedule has fired already, so this
            // host makes up for it.
            Err(NotBegun::Occupied { .. } | NotBegun::Paused { .. }) => {
                host.runs_again(processor);
                None
            }
            Err(error) => {
                tracing::warn!(%processor, "cannot begin a due run: {error}");
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cadence_of(host: &Host, processor: &Processor) -> Result<Cadence, ScheduleError> {
    let configured = configured_cadence(host, processor.name())?;
    Ok(configured.unwrap_or_else(|| Cadence::every_minutes(processor.descriptor().cadence())))
}

/// The configured schedule of a processor, loaded or not.
fn configured_cadence(host: &Host, processor: &ProcessorName) -> Result<Option<Cadence>, ScheduleError> {
    let configured = host.settings().service.schedule_of(processor);
    let cadence = configured.map(|(text, place)| {
        text.parse().map_err(|source: InvalidCadence| ScheduleError::Cadence {
            processor: processor.clone(),
            place,
            source: Box::new(source),
        })
    });
    cadence.transpose()
}
