//! The results of runs, for people.

use super::output;
use crate::{
    amounts::grouped,
    plugins::PluginListing,
    runner::{Moved, RunResult},
};

/// Prints a row for each result.
pub(super) fn print_table(results: &[&RunResult]) -> anyhow::Result<()> {
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
    if results.is_empty() {
        return Ok(());
    }
    let mut table = output::table(header, results.iter().map(|result| row(result)));
    output::hide_idle_columns(&mut table, &["skipped", "capped"]);
    output::let_columns_give_way(&mut table, &["MB/s", "items", "skipped", "scanned"]);
    Ok(output::print(table)?)
}

/// Prints what else there is to tell. `is_lacking` says whether somebody wants the processor of a plugin to run.
pub(super) fn print_remarks(
    results: &[&RunResult],
    plugins: &[PluginListing],
    is_lacking: impl Fn(&PluginListing) -> bool,
) -> anyhow::Result<()> {
    results.iter().copied().try_for_each(tell_of_the_moved)?;
    results.iter().copied().try_for_each(tell_of_the_left_out)?;
    results.iter().copied().try_for_each(tell_of_the_unreadable)?;
    for plugin in plugins {
        let reason = plugin.reason.as_deref().unwrap_or_default();
        match (&*plugin.status, &plugin.processor) {
            ("unavailable", Some(name)) if is_lacking(plugin) => {
                output::print(format!("{name} is unavailable: {reason}"))?
            }
            ("rejected", _) => output::print(format!("{} is rejected: {reason}", plugin.file))?,
            _ => {}
        }
    }
    Ok(())
}

/// Prints how many sessions are recorded for another user now.
fn tell_of_the_moved(run: &RunResult) -> anyhow::Result<()> {
    for Moved { from, to, sessions } in &run.moved {
        let (name, sessions) = (&run.processor, grouped(*sessions));
        output::print(format!("{name} moved {sessions} sessions from `{from}` to `{to}`"))?;
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
