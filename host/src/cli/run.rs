//! `session-host run` and `session-host retry`, here or through the server that holds the state.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    time::Duration,
};

use super::{
    Exit,
    arguments::{RetryOptions, RunOptions},
    complained,
    flags::LimitFlags,
    obstacles::obstacles,
    output::{self, UsageError},
    overview,
    progress::{self, Counters, RunsBar},
    run_results::{print_remarks, print_table},
    server::{Access, Server, open_or_ask, refuse_here, target},
    server_runs::{self, in_order},
    signals::{self, Hangup},
};
use crate::{
    alerts::Alerts,
    config::Settings,
    host::{BegunRun, Host, StartError},
    names::SessionKey,
    plugins::{PluginListing, PluginTrust, Processor, TriedReports},
    process,
    runner::{Progress, RunError, RunResult, Selection, StopToken},
    sessions::SessionsDirectory,
    state::{Actor, StateError},
};

/// The runs to make. A host of this process makes them at the same time, a server one after the other.
struct Runs<'a> {
    alerts: Alerts,
    /// The processors; empty for all.
    processors: &'a [String],
    selection: Selection,
    printed: Printed,
    /// The processors with a section in the configuration: the operator wants these to run.
    configured: BTreeSet<String>,
}

/// What is printed of the results.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Printed {
    /// Each as a line of JSON.
    Json,
    /// A table.
    Table,
    /// One line, and the reports that people look at first.
    Overview,
}

/// How often the progress bar of a local run is redrawn.
const REDRAW: Duration = Duration::from_millis(80);

/// How often a server is asked for the progress of its run.
const ASK_AGAIN: Duration = Duration::from_millis(250);

type Results = Vec<anyhow::Result<RunResult>>;

/// Runs processors and prints the results.
pub(super) fn run(settings: Settings, trust: PluginTrust, options: &RunOptions) -> anyhow::Result<Exit> {
    let runs = Runs {
        alerts: Alerts::new(&settings)?,
        processors: &options.processors,
        selection: Selection::All,
        printed: match (&settings.sessions, options.json) {
            (_, true) => Printed::Json,
            (SessionsDirectory::Discovered(_), false) if options.processors.is_empty() => Printed::Overview,
            _ => Printed::Table,
        },
        configured: settings.processors.keys().cloned().collect(),
    };
    match start(settings, trust)? {
        Access::Here(host) => runs.make_here(&Arc::new(host)),
        Access::Server(server) => runs.ask_for(&server, &options.limits),
    }
}

/// Retries failing sessions of a processor now.
pub(super) fn retry(settings: Settings, trust: PluginTrust, options: &RetryOptions) -> anyhow::Result<Exit> {
    let runs = Runs {
        alerts: Alerts::new(&settings)?,
        processors: std::slice::from_ref(&options.processor),
        selection: match &options.session {
            Some(session) => Selection::one_failing(session),
            None => Selection::Failing,
        },
        printed: match options.json {
            true => Printed::Json,
            false => Printed::Table,
        },
        configured: settings.processors.keys().cloned().collect(),
    };
    match start(settings, trust)? {
        Access::Here(host) => runs.make_here(&Arc::new(host)),
        Access::Server(server) => runs.ask_for(&server, &options.limits),
    }
}

fn start(settings: Settings, trust: PluginTrust) -> anyhow::Result<Access<Host>> {
    match Host::start(settings.clone(), trust, TriedReports::OfNewLibraries) {
        Ok(host) => Ok(Access::Here(host)),
        Err(StartError::State(error)) => open_or_ask(&settings, || Err(error)),
        Err(error) => Err(error.into()),
    }
}

impl Runs<'_> {
    fn make_here(&self, host: &Arc<Host>) -> anyhow::Result<Exit> {
        let mut processors = host.processors(self.processors)?;
        let pauses = host.pauses();
        let obstacles = obstacles(&PluginListing::without_reports_of(&host.catalogue()), Some(host));
        if !obstacles.is_empty() {
            drop(processors);
            return end(host, Host::end_soon, Ok(complained_of(obstacles)));
        }
        if self.processors.is_empty() {
            processors.retain(|processor| !pauses.contains_key(processor.name().as_str()));
        }
        host.try_reports_aside();
        let stop = StopToken::default();
        signals::stop_on_signals(stop.clone(), Hangup::Ends)?;
        let results = self.make_together(host, &processors, &stop);
        drop(processors);
        let are_idle = results
            .iter()
            .all(|result| result.as_ref().is_ok_and(RunResult::is_idle));
        self.alert(host, &stop);
        let plugins = PluginListing::all(&host.catalogue(), &pauses);
        let ended = self
            .print(&results, &plugins, Some(host))
            .and_then(|()| self.exit_of(results, &plugins));
        match are_idle {
            true => end(host, Host::end_soon, ended),
            // Whoever copies the state file alone expects the rows in it.
            false => end(host, Host::end, ended),
        }
    }

    /// Evaluates and delivers the alerts. Somebody who stops the command does not wait for the webhook.
    fn alert(&self, host: &Host, stop: &StopToken) {
        if let Err(error) = self.alerts.evaluate(host) {
            tracing::error!("cannot evaluate the alerts: {error}");
        }
        if stop.stopped_at().is_none()
            && let Err(error) = self.alerts.deliver(host)
        {
            tracing::error!("cannot deliver the alerts: {error}");
        }
    }

    /// The progress bar, if there is anybody to see it; `expected` tells how many candidates each run has.
    fn bar(&self, expected: impl FnOnce() -> Vec<u64>) -> Option<RunsBar> {
        let is_seen = self.printed != Printed::Json && progress::is_seen();
        is_seen.then(|| RunsBar::new(expected()))
    }

    /// Makes the runs at the same time, so that they read each transcript once.
    fn make_together(&self, host: &Arc<Host>, processors: &[Arc<Processor>], stop: &StopToken) -> Results {
        if stop.stopped_at().is_some() {
            return Results::new();
        }
        let bar = self.bar(|| vec![expected_here(host, processors).iter().sum()]);
        let begin = |processor: &Arc<Processor>| {
            let name = processor.name().as_str();
            let begun = host.begin_run(name, Actor::Cli, self.selection.clone());
            begun.map(BegunRun::on_all_hosts)
        };
        let mut runs: Vec<_> = processors.iter().map(begin).collect();
        BegunRun::share_among(&mut runs.iter_mut().flatten().collect::<Vec<_>>());
        let progress: Vec<Arc<Progress>> = runs.iter().flatten().map(|run| Arc::clone(run.progress())).collect();
        let started = runs.into_iter().map(|run| run.map(|run| start_run(run, stop)));
        let under_way: Vec<_> = started.collect();
        let panicked = || RunError::Panicked("its thread ended without a result".to_owned());
        let result = |run: Receiver<_>| run.recv().unwrap_or_else(|_| Err(panicked()));
        let wait = || under_way.into_iter().map(|run| Ok(result(run?)?)).collect();
        let Some(mut bar) = bar else {
            return wait();
        };
        let label = match processors {
            [only] => only.name().to_string(),
            several => format!("{} processors", several.len()),
        };
        bar.watch(&label, REDRAW, || Some(Counters::of_all(&progress)), wait)
    }

    fn ask_for(&self, server: &Server, limits: &LimitFlags) -> anyhow::Result<Exit> {
        if let Some(flag) = limits.first() {
            return Err(refuse_here(&format!("--{}", flag.long)).into());
        }
        let plugins = server_runs::plugins(server)?;
        let obstacles = match self.processors {
            [] => obstacles(&plugins, None),
            _ => Vec::new(),
        };
        if !obstacles.is_empty() {
            return Ok(complained_of(obstacles));
        }
        let loaded = plugins
            .iter()
            .filter(|plugin| plugin.status == "loaded" || plugin.status == "unavailable" && plugin.version.is_some())
            .filter(|plugin| plugin.paused.is_none());
        let all: Vec<String> = loaded.filter_map(|plugin| plugin.processor.clone()).collect();
        let names = match self.processors {
            [] => &all,
            named => named,
        };
        let mut bar = self.bar(|| server_runs::expected(server, names));
        let results: Results = names
            .iter()
            .map(|name| self.ask_for_one(server, name, bar.as_mut()))
            .collect();
        drop(bar);
        let skips = self.processors.is_empty() && plugins.iter().any(|plugin| plugin.paused.is_some());
        if skips || results.iter().any(Result::is_ok) {
            self.print(&results, &plugins, None)?;
        }
        self.exit_of(results, &plugins)
    }

    fn ask_for_one(&self, server: &Server, name: &str, bar: Option<&mut RunsBar>) -> anyhow::Result<RunResult> {
        let ask = || server_runs::make(server, &self.target(name));
        let made = match bar {
            None => ask(),
            Some(bar) => bar.watch(name, ASK_AGAIN, || server_runs::counters(server, name), ask),
        };
        Ok(made?)
    }

    fn target(&self, processor: &str) -> String {
        let processor = ("processor", Some(processor));
        match &self.selection {
            Selection::All => target("/api/admin/run-session-processor", &[processor]),
            Selection::Failing => target("/api/admin/retry", &[processor]),
            // The command names one.
            Selection::These(sessions) => {
                let session = sessions.first().map(SessionKey::as_str);
                target("/api/admin/retry", &[processor, ("session", session)])
            }
        }
    }

    /// Prints the error of every run that was not made. The most severe exit status counts.
    ///
    /// If a run of all processors lacks one, it has failed: the sessions of that processor wait as after a failed run.
    fn exit_of(&self, results: Results, plugins: &[PluginListing]) -> anyhow::Result<Exit> {
        let exits = results.into_iter().map(|result| match result {
            Ok(result) if result.is_well() => Exit::Done,
            Ok(_) => Exit::Failed,
            Err(error) => complained(&error),
        });
        let of_runs = exits.max().unwrap_or(Exit::Done);
        let lacks_one = self.processors.is_empty() && plugins.iter().any(|plugin| self.lacks(plugin));
        Ok(match lacks_one {
            true => of_runs.max(Exit::Failed),
            false => of_runs,
        })
    }

    /// Whether a plugin should run but cannot. A plugin that waits for its first configuration does not count.
    fn lacks(&self, plugin: &PluginListing) -> bool {
        let is_configured = |name: &String| self.configured.contains(name);
        match &*plugin.status {
            "rejected" => true,
            // One that is in service has a version, and cannot be started.
            "unavailable" => plugin.version.is_some() || plugin.processor.as_ref().is_some_and(is_configured),
            _ => false,
        }
    }

    /// Prints the results, and what else there is to tell; a host of this process also has the reports.
    fn print(&self, results: &Results, plugins: &[PluginListing], host: Option<&Host>) -> anyhow::Result<()> {
        let results: Vec<&RunResult> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        match (self.printed, host) {
            (Printed::Json, _) => results.iter().try_for_each(output::print_json)?,
            (Printed::Overview, Some(_)) => overview::print_summary(&results)?,
            (Printed::Table | Printed::Overview, _) => print_table(&results)?,
        }
        if self.printed != Printed::Json {
            print_remarks(&results, plugins, |plugin| self.lacks(plugin))?;
        }
        if self.processors.is_empty() {
            plugins.iter().try_for_each(|plugin| self.tell_of_a_pause(plugin))?;
        }
        match (self.printed, host) {
            (Printed::Overview, Some(host)) => overview::print_reports(host, &results),
            _ => Ok(()),
        }
    }

    /// Says that a run of all processors skipped a paused one. Standard output has nothing but results as JSON.
    fn tell_of_a_pause(&self, plugin: &PluginListing) -> anyhow::Result<()> {
        let (Some(name), Some(pause)) = (&plugin.processor, &plugin.paused) else {
            return Ok(());
        };
        let skipped = format!("skipped {name}, which is {pause}; `session-host resume {name}` lets it run again");
        match self.printed {
            Printed::Json => tracing::warn!("{skipped}"),
            Printed::Table | Printed::Overview => output::print(skipped)?,
        }
        Ok(())
    }
}

/// Makes a run in a thread of its own, and sends its result.
fn start_run(run: BegunRun, stop: &StopToken) -> Receiver<Result<RunResult, RunError>> {
    let (ended, end) = sync_channel(1);
    run.execute_in_a_thread(stop.clone(), move |result| {
        // The command waits for each run.
        let _ = ended.send(result);
    });
    end
}

/// How many candidates the runs of these processors have; nothing is known if that cannot be told.
fn expected_here(host: &Host, processors: &[Arc<Processor>]) -> Vec<u64> {
    in_order(
        host.preview(processors).unwrap_or_default(),
        processors.iter().map(|processor| processor.name().as_str()),
    )
}

/// Complains of everything that keeps the runs from being made.
fn complained_of(obstacles: Vec<UsageError>) -> Exit {
    let exits = obstacles.into_iter().map(|obstacle| complained(&obstacle.into()));
    exits.max().unwrap_or(Exit::Done)
}

/// How a host ends.
type Ending = fn(&Host) -> Result<(), StateError>;

/// Ends the process; returns only if that fails.
fn end(host: &Host, ending: Ending, ended: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    let ended = match ending(host) {
        // An error of the run itself takes precedence.
        Err(error) if error.is_fatal() => ended.and(Err(error.into())),
        Err(error) => {
            tracing::warn!(%error, "the checkpoint failed; committed data is safe in the WAL beside the state file");
            ended
        }
        Ok(()) => ended,
    };
    host.let_plugins_go();
    let exit = ended.unwrap_or_else(|error| complained(&error));
    io::stdout().flush()?;
    // Threads may hang in a plugin: exit without running destructors that they could still depend on. All work is done.
    process::end_at_once(exit as i32)
}
