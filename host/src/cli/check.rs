//! `session-host check`: whether this host accepts a plugin, and how the plugin behaves.
//!
//! The plugin runs over copies of transcripts, with a state of its own. [`passes`](self::passes) makes it process them
//! again, shortened, whole, and forgets them. [`answers`](self::answers) asks for reports over their rows.
//! [`calls`](self::calls) cancels attempts, makes many, and makes several at the same time. [`rules`](self::rules) says what
//! the results mean. The code of the plugin runs in other processes, so that the check survives it.
//!
//! With `--state ADDRESS`, the passes run with a state in PostgreSQL, in a [`database`](self::database) of its own.

mod answers;
mod beside;
mod calls;
mod configuration;
mod crowd;
mod database;
mod endurance;
mod passes;
mod printing;
mod rules;
mod samples;
mod stopping;
mod transcripts;

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use serde::Serialize;
use tempfile::TempDir;

use self::{
    calls::Calls,
    configuration::Misconfigured,
    database::Database,
    passes::{Behaviour, Passes},
    rules::{Tried, try_all},
    transcripts::Transcripts,
};
use super::{
    Exit,
    arguments::CheckOptions,
    output::{self, UsageError},
};
use crate::{
    config::{PluginsDirectory, Settings},
    host::Host,
    plugins::{LockFile, Pinning, PluginListing, PluginStatus, PluginTrust, TriedReports, Unpinned},
    postgres::PostgresAddress,
    process,
    sessions::SessionsDirectory,
    state_place::StatePlace,
};

/// How long an attempt may take here: a plugin's author waits for the result.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// The findings about a plugin.
#[derive(Serialize)]
struct Report {
    plugin: PluginListing,
    /// The server in whose database the passes ran, if it was PostgreSQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    /// What of the configuration the plugin refuses, and where it stands.
    configuration: Option<Misconfigured>,
    /// How it behaved; `None` if the host rejects it.
    behaviour: Option<Behaviour>,
    /// Every rule, with its verdict.
    rules: Vec<Tried>,
}

/// Loads a plugin as the service would, runs it over transcripts with a state of its own, and reports the findings. The state
/// is in a database on `server`, or else in a file.
pub(super) fn check(
    settings: Settings,
    trust: PluginTrust,
    options: &CheckOptions,
    server: Option<&PostgresAddress>,
) -> anyhow::Result<Exit> {
    let scratch = tempfile::tempdir().context("cannot create a folder for the check")?;
    let transcripts = Transcripts::copy(options.transcripts.as_deref(), scratch.path())?;
    let mut settings = laid_out(settings, &scratch, &transcripts, options)?;
    // Declared before the host, so that it is dropped after it where something fails.
    let database = server.map(Database::create).transpose()?;
    if let Some(database) = &database {
        settings.state = database.state(&settings.data);
    }
    let host = Arc::new(Host::start(settings, trust, TriedReports::All)?);
    let mut report = look_into(&host, trust, &transcripts, scratch.path())?;
    if database.is_some() {
        report.server = server.map(PostgresAddress::server);
        if let Err(error) = host.end() {
            tracing::warn!(%error, "cannot end the host of the check");
        }
    }
    drop(database);
    match options.json {
        true => output::print_json(&report)?,
        false => printing::print(&report, options.rows)?,
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
fn laid_out(
    settings: Settings,
    scratch: &TempDir,
    transcripts: &Transcripts,
    options: &CheckOptions,
) -> anyhow::Result<Settings> {
    let plugins = scratch.path().join("plugins");
    fs::create_dir(&plugins)?;
    copy_plugin(&options.file, &plugins)?;
    let mut limits = settings.limits.clone();
    limits.attempt_timeout = limits.attempt_timeout.min(ATTEMPT_TIMEOUT);
    Ok(Settings {
        sessions: SessionsDirectory::Configured(transcripts.folder().to_owned()),
        recursive: true,
        plugins: PluginsDirectory::Configured(plugins),
        data: scratch.path().join("data"),
        state: StatePlace::File(scratch.path().join("data").join("check.duckdb")),
        limits,
        isolation: settings.isolation.clone().in_processes(),
        // The check is about the plugin, not about what this host may load.
        pinning: Pinning {
            lock: LockFile::Usual(scratch.path().join("plugins.lock")),
            unpinned: Unpinned::Loaded,
        },
        disabled_plugins: Vec::new(),
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

fn look_into(
    host: &Arc<Host>,
    trust: PluginTrust,
    transcripts: &Transcripts,
    scratch: &Path,
) -> anyhow::Result<Report> {
    let catalogue = host.catalogue();
    let file = catalogue.files().first().context("the copied plugin has disappeared")?;
    let behaviour = match &file.status {
        PluginStatus::Loaded(processor) => {
            let mut behaviour = Passes::new(host, processor, transcripts).make()?;
            let settings = host.settings();
            let calls = Calls {
                settings,
                trust,
                scratch,
                processor,
            };
            calls.make(&mut behaviour)?;
            Some(behaviour)
        }
        _ => None,
    };
    let plugin = PluginListing::from(file);
    let configuration = configuration::find(host.settings(), &plugin);
    Ok(Report {
        rules: try_all(&plugin, configuration.as_ref(), behaviour.as_ref()),
        plugin,
        server: None,
        configuration,
        behaviour,
    })
}

impl Report {
    fn exit(&self) -> Exit {
        match &self.behaviour {
            None => Exit::Usage,
            Some(_) if self.rules.iter().any(Tried::has_failed) => Exit::Failed,
            Some(_) => Exit::Done,
        }
    }
}
