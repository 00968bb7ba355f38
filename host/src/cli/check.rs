//! `session-host check`: whether this host accepts a plugin, and how the plugin behaves.

mod samples;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use serde::Serialize;
use tempfile::TempDir;

use super::{
    Exit,
    arguments::CheckOptions,
    output::{self, UsageError, grouped},
};
use crate::{
    config::Settings,
    host::Host,
    names::ProcessorName,
    plugins::{PluginListing, PluginStatus, PluginTrust, Processor},
    process,
    runner::{RunResult, Selection, StopToken},
    state::{Actor, StateError, TableContents},
};

/// How long an attempt may take here: a plugin's author waits for the result.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// The findings about a plugin.
#[derive(Serialize)]
struct Report {
    plugin: PluginListing,
    /// How it behaved; `None` if the host rejects it.
    behaviour: Option<Behaviour>,
}

/// How a plugin behaved on the transcripts.
#[derive(Serialize)]
struct Behaviour {
    first_pass: RunResult,
    /// The rows of its session tables after the first pass.
    tables: Vec<TableRows>,
    /// The same transcripts processed again; `None` if an attempt of the first pass did not return.
    second_pass: Option<RunResult>,
    /// The session tables whose rows differed then.
    unsteady_tables: Vec<String>,
}

/// The contents of a table.
#[derive(Clone, PartialEq, Eq, Serialize)]
struct TableRows {
    table: String,
    rows: u64,
    /// The same for the same rows, in any order.
    #[serde(skip)]
    digest: String,
}

/// Loads a plugin as the service would, runs it over transcripts with a state of its own, and reports the findings.
pub(super) fn check(settings: Settings, trust: PluginTrust, options: &CheckOptions) -> anyhow::Result<Exit> {
    let scratch = tempfile::tempdir().context("cannot create a folder for the check")?;
    let host = Arc::new(Host::start(laid_out(settings, &scratch, options)?, trust)?);
    let report = look_into(&host)?;
    match options.json {
        true => output::print_json(&report)?,
        false => print(&report)?,
    }
    io::stdout().flush()?;
    host.let_plugins_go();
    if let Err(error) = scratch.close() {
        tracing::warn!(%error, "cannot remove the folder of the check");
    }
    // A thread may hang in the plugin: exit without running destructors that it could still depend on.
    process::end_at_once(report.exit() as i32)
}

/// The settings in force, but with the check's own folders.
fn laid_out(settings: Settings, scratch: &TempDir, options: &CheckOptions) -> anyhow::Result<Settings> {
    let plugins = scratch.path().join("plugins");
    fs::create_dir(&plugins)?;
    copy_plugin(&options.file, &plugins)?;
    let sessions = match &options.transcripts {
        Some(folder) if folder.is_dir() => folder.clone(),
        Some(folder) => return Err(UsageError(format!("the folder {} does not exist", folder.display())).into()),
        None => samples::write(scratch.path()).context("cannot write the sample transcripts")?,
    };
    let mut limits = settings.limits.clone();
    limits.attempt_timeout = limits.attempt_timeout.min(ATTEMPT_TIMEOUT);
    Ok(Settings {
        sessions: Some(sessions),
        recursive: true,
        plugins,
        data: scratch.path().join("data"),
        state: scratch.path().join("data").join("check.duckdb"),
        limits,
        ..settings
    })
}

fn copy_plugin(file: &Path, plugins: &Path) -> Result<(), UsageError> {
    let refused = |reason: String| UsageError(format!("cannot check {}: {reason}", file.display()));
    if file.extension() != Some(std::env::consts::DLL_EXTENSION.as_ref()) {
        let suffix = std::env::consts::DLL_SUFFIX;
        return Err(refused(format!(
            "the name of a plugin file ends in `{suffix}` on this system"
        )));
    }
    let name = file
        .file_name()
        .ok_or_else(|| refused("the path has no file name".to_owned()))?;
    fs::copy(file, plugins.join(name)).map_err(|error| refused(error.to_string()))?;
    Ok(())
}

fn look_into(host: &Arc<Host>) -> anyhow::Result<Report> {
    let catalogue = host.catalogue();
    let file = catalogue.files().first().context("the copied plugin has disappeared")?;
    let behaviour = match &file.status {
        PluginStatus::Loaded(processor) => Some(behaviour(host, processor)?),
        _ => None,
    };
    Ok(Report {
        plugin: PluginListing::from(file),
        behaviour,
    })
}

fn behaviour(host: &Arc<Host>, processor: &Processor) -> anyhow::Result<Behaviour> {
    let name = processor.name();
    let first_pass = run(host, name)?;
    let tables = tables(host, processor)?;
    let second_pass = match processor.wedged_by() {
        Some(_) => None,
        None => {
            host.reprocess(name, None)?;
            Some(run(host, name)?)
        }
    };
    let again = self::tables(host, processor)?;
    let changed = tables.iter().zip(&again).filter(|(before, after)| before != after);
    Ok(Behaviour {
        unsteady_tables: changed.map(|(before, _)| before.table.clone()).collect(),
        first_pass,
        tables,
        second_pass,
    })
}

fn run(host: &Arc<Host>, name: &ProcessorName) -> anyhow::Result<RunResult> {
    let run = host.begin_run(name.as_str(), Actor::Cli, Selection::All)?;
    Ok(run.execute(&StopToken::default())?)
}

fn tables(host: &Host, processor: &Processor) -> Result<Vec<TableRows>, StateError> {
    let reader = host.state().reader()?;
    let tables = processor.descriptor().session_tables().iter();
    let rows = tables.map(|table| {
        let TableContents { rows, digest } = reader.contents(table)?;
        Ok(TableRows {
            table: table.clone(),
            rows,
            digest,
        })
    });
    rows.collect()
}

impl Report {
    fn exit(&self) -> Exit {
        match &self.behaviour {
            None => Exit::Usage,
            Some(behaviour) if behaviour.is_good() => Exit::Done,
            Some(_) => Exit::Failed,
        }
    }
}

impl Behaviour {
    fn is_good(&self) -> bool {
        let has_failed = |pass: &RunResult| pass.errors > 0;
        !has_failed(&self.first_pass)
            && !self.second_pass.as_ref().is_some_and(has_failed)
            && self.unsteady_tables.is_empty()
    }
}

fn print(report: &Report) -> anyhow::Result<()> {
    let plugin = &report.plugin;
    let file = PathBuf::from(&plugin.file);
    let file = file.file_name().unwrap_or_default().to_string_lossy();
    let name = plugin.processor.as_deref().unwrap_or("no processor");
    let version = plugin.version.as_deref().unwrap_or_default();
    match &plugin.reason {
        None => output::print(format!("{file}: loaded as the processor {name} {version}"))?,
        Some(reason) => output::print(format!("{file}: {}: {reason}", plugin.status))?,
    }
    for step in &plugin.trace {
        output::print(format!("  {step}"))?;
    }
    if let Some(details) = &plugin.details {
        details.lines().try_for_each(output::print)?;
    }
    match &report.behaviour {
        Some(behaviour) => print_behaviour(behaviour),
        None => Ok(()),
    }
}

fn print_behaviour(behaviour: &Behaviour) -> anyhow::Result<()> {
    let second = behaviour.second_pass.iter().map(|pass| ("second pass", pass));
    for (title, pass) in std::iter::once(("first pass", &behaviour.first_pass)).chain(second) {
        output::print(format!(
            "{title}: {} processed, {} unrecognised, {} failed, {} items, {} ms",
            grouped(pass.processed),
            grouped(pass.unrecognised),
            grouped(pass.errors),
            grouped(pass.items_extracted),
            grouped(pass.duration_ms),
        ))?;
        for failed in &pass.errors_detail {
            output::print(format!("  {}: {}", failed.session, failed.error))?;
        }
    }
    for table in &behaviour.tables {
        let steadiness = match behaviour.unsteady_tables.contains(&table.table) {
            true => {
                "different in the second pass: rows must depend on the transcript alone, not on the clock or on chance"
            }
            false => "the same in the second pass",
        };
        output::print(format!("{}: {} rows, {steadiness}", table.table, grouped(table.rows)))?;
    }
    Ok(())
}
