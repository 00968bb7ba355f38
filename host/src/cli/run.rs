//! `session-host run` and `session-host retry`, here or through the server that holds the state.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;

use super::{
    Exit,
    arguments::{RetryOptions, RunOptions},
    complained,
    flags::LimitFlags,
    output::{self, grouped},
    progress::{self, Counters, watched},
    server::{Access, Server, open_or_ask, refuse_here, target},
    signals::{self, Hangup},
};
use crate::{
    config::Settings,
    host::{Host, RunListing, StartError},
    names::SessionKey,
    plugins::{PluginListing, PluginTrust, Processor, TriedReports},
    process,
    runner::{RunResult, Selection, StopToken},
    state::Actor,
};

/// The runs to make, one after the other.
struct Runs<'a> {
    /// The processors; empty for all.
    processors: &'a [String],
    selection: Selection,
    as_json: bool,
    /// The processors with a section in the configuration: the operator wants these to run.
    configured: BTreeSet<String>,
}

/// How often the progress bar of a local run is redrawn.
const REDRAW: Duration = Duration::from_millis(80);

/// How often a server is asked for the progress of its run.
const ASK_AGAIN: Duration = Duration::from_millis(250);

type Results = Vec<anyhow::Result<RunResult>>;

/// Runs processors and prints the results.
pub(super) fn run(settings: Settings, trust: PluginTrust, options: &RunOptions) -> anyhow::Result<Exit> {
    let runs = Runs {
        processors: &options.processors,
        selection: Selection::All,
        as_json: options.json,
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
        processors: std::slice::from_ref(&options.processor),
        selection: match &options.session {
            Some(session) => Selection::OneFailing(SessionKey::new(session)),
            None => Selection::Failing,
        },
        as_json: options.json,
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
        if processors.is_empty() {
            let plugins = host.settings().plugins.display();
            tracing::warn!(%plugins, "no processor to run: the plugins directory has none");
        }
        let pauses = host.pauses();
        if self.processors.is_empty() {
            processors.retain(|processor| !pauses.contains_key(processor.name().as_str()));
        }
        let stop = StopToken::default();
        signals::stop_on_signals(stop.clone(), Hangup::Ends)?;
        let mut results = Results::new();
        for processor in &processors {
            if stop.stopped_at().is_none() {
                results.push(self.watch(host, processor, &stop));
            }
        }
        drop(processors);
        let plugins = PluginListing::all(&host.catalogue(), &pauses);
        let ended = self
            .print(&results, &plugins)
            .and_then(|()| self.exit_of(results, &plugins));
        end(host, ended)
    }

    fn watch(&self, host: &Arc<Host>, processor: &Processor, stop: &StopToken) -> anyhow::Result<RunResult> {
        let run = host.begin_run(processor.name().as_str(), Actor::Cli, self.selection.clone())?;
        if self.as_json || !progress::is_seen() {
            return Ok(run.execute(stop)?);
        }
        let counters = Arc::clone(run.progress());
        let look = || {
            Some(Counters {
                scanned: counters.scanned(),
                ended: counters.ended(),
                bytes_read: counters.bytes_read(),
            })
        };
        let name = processor.name().as_str();
        Ok(watched(name, REDRAW, look, || run.execute(stop))?)
    }

    fn ask_for(&self, server: &Server, limits: &LimitFlags) -> anyhow::Result<Exit> {
        if let Some(flag) = limits.first() {
            return Err(refuse_here(&format!("--{}", flag.long)).into());
        }
        let plugins = server.get::<Plugins>("/api/admin/processors")?.processors;
        let loaded = plugins
            .iter()
            .filter(|plugin| plugin.status == "loaded" || plugin.status == "unavailable" && plugin.version.is_some())
            .filter(|plugin| plugin.paused.is_none());
        let all: Vec<String> = loaded.filter_map(|plugin| plugin.processor.clone()).collect();
        let names = match self.processors {
            [] => &all,
            named => named,
        };
        let results: Results = names.iter().map(|name| self.ask_for_one(server, name)).collect();
        let skips = self.processors.is_empty() && plugins.iter().any(|plugin| plugin.paused.is_some());
        if skips || results.iter().any(Result::is_ok) {
            self.print(&results, &plugins)?;
        }
        self.exit_of(results, &plugins)
    }

    fn ask_for_one(&self, server: &Server, name: &str) -> anyhow::Result<RunResult> {
        let ask = || server.post::<Made>(&self.target(name), String::new());
        let made = match self.as_json || !progress::is_seen() {
            true => ask(),
            false => watched(name, ASK_AGAIN, || counters_of(server, name), ask),
        };
        Ok(made?.details)
    }

    fn target(&self, processor: &str) -> String {
        let processor = ("processor", Some(processor));
        match &self.selection {
            Selection::All => target("/api/admin/run-session-processor", &[processor]),
            Selection::Failing => target("/api/admin/retry", &[processor]),
            Selection::OneFailing(session) => {
                target("/api/admin/retry", &[processor, ("session", Some(session.as_str()))])
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

    fn print(&self, results: &Results, plugins: &[PluginListing]) -> anyhow::Result<()> {
        let results = results.iter().filter_map(|result| result.as_ref().ok());
        match self.as_json {
            true => results.into_iter().try_for_each(output::print_json)?,
            false => print_table(results, plugins)?,
        }
        match self.processors {
            [] => plugins.iter().try_for_each(|plugin| self.tell_of_a_pause(plugin)),
            _ => Ok(()),
        }
    }

    /// Says that a run of all processors skipped a paused one. Standard output has nothing but results as JSON.
    fn tell_of_a_pause(&self, plugin: &PluginListing) -> anyhow::Result<()> {
        let (Some(name), Some(pause)) = (&plugin.processor, &plugin.paused) else {
            return Ok(());
        };
        let skipped = format!("skipped {name}, which is {pause}; `session-host resume {name}` lets it run again");
        match self.as_json {
            true => tracing::warn!("{skipped}"),
            false => output::print(skipped)?,
        }
        Ok(())
    }
}

/// What a server answers of its plugins.
#[derive(Deserialize)]
struct Plugins {
    processors: Vec<PluginListing>,
}

/// A server's answer to a run.
#[derive(Deserialize)]
struct Made {
    details: RunResult,
}

/// The progress of a server's run, read from its health, because health calls leave no trace in the audit log.
fn counters_of(server: &Server, processor: &str) -> Option<Counters> {
    let health: Watched = server.get("/api/health").ok()?;
    let run = health.processors.get(processor)?.run.as_ref()?;
    Some(Counters {
        scanned: run.scanned,
        ended: run.settled,
        bytes_read: run.bytes_read,
    })
}

/// The runs in a server's health.
#[derive(Deserialize)]
struct Watched {
    processors: BTreeMap<String, WatchedProcessor>,
}

#[derive(Deserialize)]
struct WatchedProcessor {
    run: Option<RunListing>,
}

/// Ends the process; returns only if that fails.
fn end(host: &Host, ended: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    let ended = match host.end() {
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

fn print_table<'a>(results: impl Iterator<Item = &'a RunResult>, plugins: &[PluginListing]) -> anyhow::Result<()> {
    let header = [
        "processor",
        "scanned",
        "processed",
        "skipped",
        "capped",
        "errors",
        "items",
        "MB/s",
        "seconds",
    ];
    let results: Vec<&RunResult> = results.collect();
    if !results.is_empty() {
        output::print(output::table(header, results.iter().map(|result| row(result))))?;
    }
    results.iter().copied().try_for_each(tell_of_the_left_out)?;
    results.iter().copied().try_for_each(tell_of_the_unreadable)?;
    for plugin in plugins {
        let reason = plugin.reason.as_deref().unwrap_or_default();
        match (&*plugin.status, &plugin.processor) {
            ("unavailable", Some(name)) => output::print(format!("{name} is unavailable: {reason}"))?,
            ("rejected", _) => output::print(format!("{} is rejected: {reason}", plugin.file))?,
            _ => {}
        }
    }
    Ok(())
}

/// Prints how many failing sessions the run did not attempt.
fn tell_of_the_left_out(run: &RunResult) -> anyhow::Result<()> {
    let name = &run.processor;
    for (count, why) in [
        (run.waiting, "their next attempt is not due yet"),
        (run.quarantined, "they are in quarantine"),
    ] {
        if count > 0 {
            let count = grouped(count);
            output::print(format!(
                "{name} did not attempt {count} failing sessions, because {why}: `session-host retry {name}` attempts them now"
            ))?;
        }
    }
    Ok(())
}

/// Prints what the run could not read.
fn tell_of_the_unreadable(run: &RunResult) -> anyhow::Result<()> {
    let (name, lines) = (&run.processor, run.unreadable_lines);
    for (count, doing, what) in [
        (run.unreadable, "could not read", "files or folders: the log names them"),
        (
            run.unrecognised,
            "found no known record in",
            "transcripts: the log names the first",
        ),
        (
            lines,
            "could not read",
            "lines of transcripts: the log names the first of each",
        ),
    ] {
        if count > 0 {
            output::print(format!("{name} {doing} {} {what}", grouped(count)))?;
        }
    }
    Ok(())
}

fn row(run: &RunResult) -> [String; 9] {
    let seconds = run.duration_ms as f64 / 1000.0;
    let speed = match run.duration_ms {
        0 => 0.0,
        _ => run.bytes_read as f64 / 1_000_000.0 / seconds,
    };
    [
        run.processor.clone(),
        grouped(run.scanned),
        grouped(run.processed),
        grouped(run.skipped),
        grouped(run.capped),
        grouped(run.errors),
        grouped(run.items_extracted),
        format!("{speed:.1}"),
        format!("{seconds:.2}"),
    ]
}
