//! `session-host run`.

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Exit,
    arguments::RunOptions,
    log::BARS,
    output::{self, grouped},
    signals::{self, Hangup},
};
use crate::{
    config::Settings,
    host::Host,
    plugins::{PluginStatus, PluginTrust, Processor},
    process,
    runner::{Progress, RunResult, Selection, StopToken},
    state::Actor,
};

/// Runs processors, one after the other, and prints what came of it.
pub(super) fn run(settings: Settings, trust: PluginTrust, options: &RunOptions) -> anyhow::Result<Exit> {
    let plugins = settings.plugins.clone();
    let host = Arc::new(Host::start(settings, trust)?);
    let processors = host.processors(&options.processors)?;
    if processors.is_empty() {
        tracing::warn!(plugins = %plugins.display(), "there is no processor to run");
    }
    let stop = StopToken::default();
    signals::stop_on_signals(stop.clone(), Hangup::Ends)?;
    let mut runs = Vec::new();
    for processor in &processors {
        if stop.stopped_at().is_none() {
            runs.push((processor, watched(&host, processor, &stop, options.json)));
        }
    }
    let printed = print_runs(&host, &runs, options.json);
    let exit = exit_of(runs.into_iter().map(|(_, run)| run));
    let is_wedged = host.is_wedged();
    drop(processors);
    if let Err(error) = host.end() {
        tracing::warn!(%error, "no checkpoint: what is committed is safe in the log of changes beside the state file");
    }
    if is_wedged {
        // Threads that hang in a plugin must not meet the end of what they use.
        let exit = exit.unwrap_or_else(|error| {
            output::complain(&error);
            Exit::Failed
        });
        io::stdout().flush()?;
        process::end_at_once(exit as i32);
    }
    printed.and(exit)
}

fn print_runs(host: &Host, runs: &[(&Arc<Processor>, anyhow::Result<RunResult>)], as_json: bool) -> anyhow::Result<()> {
    if !as_json {
        return print_table(host, runs);
    }
    let results = runs.iter().filter_map(|(_, run)| run.as_ref().ok());
    results.into_iter().try_for_each(output::print_json)
}

fn exit_of(runs: impl Iterator<Item = anyhow::Result<RunResult>>) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    for run in runs {
        if run?.errors > 0 {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

fn watched(host: &Arc<Host>, processor: &Processor, stop: &StopToken, quiet: bool) -> anyhow::Result<RunResult> {
    let run = host.begin_run(processor.name().as_str(), Actor::Cli, Selection::All)?;
    if quiet || !io::stderr().is_terminal() {
        return Ok(run.execute(stop)?);
    }
    let progress = Arc::clone(run.progress());
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let drawing = scope.spawn(|| draw(processor.name().as_str(), &progress, &ended));
        let _ending = Ending {
            ended: &ended,
            drawing: drawing.thread().clone(),
        };
        Ok(run.execute(stop)?)
    })
}

/// Ends the drawing, however the run ends.
struct Ending<'a> {
    ended: &'a AtomicBool,
    drawing: thread::Thread,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        self.drawing.unpark();
    }
}

fn draw(name: &str, progress: &Progress, ended: &AtomicBool) {
    const REDRAW: Duration = Duration::from_millis(80);
    let bar = BARS.add(ProgressBar::new(0));
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} sessions {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    while !ended.load(Ordering::Acquire) {
        bar.set_length(progress.scanned());
        bar.set_position(progress.settled());
        bar.set_message(format!("{} MB", progress.bytes_read() / 1_000_000));
        thread::park_timeout(REDRAW);
    }
    bar.finish_and_clear();
}

fn print_table(host: &Host, runs: &[(&Arc<Processor>, anyhow::Result<RunResult>)]) -> anyhow::Result<()> {
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
    let rows = runs.iter().filter_map(|(_, run)| run.as_ref().ok()).map(row);
    output::print(output::table(header, rows))?;
    for file in host.catalogue().files() {
        if let PluginStatus::Unavailable { name, reason } = &file.status {
            output::print(format!("{name} is unavailable: {reason}"))?;
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
