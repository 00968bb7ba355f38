//! The arguments of the command line.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use rustix::fs::Mode;

use super::flags::UsualFlags;
use crate::{config::ConfigFile, plugins::PluginTrust};

mod options;
mod search;

pub(super) use options::{
    CheckOptions, ConfigOptions, CopyStateOptions, ExportOptions, FailuresOptions, ForgetOptions, ListOptions,
    OpenOptions, PauseOptions, ProcessorsOptions, QueryOptions, ReportOptions, ReprocessOptions, ResumeOptions,
    RetryOptions, RunOptions, RunsOptions, ServeOptions, TableFormat,
};
pub(super) use search::SearchOptions;

/// Runs processors (from shared libraries in a directory) over coding-agent transcripts, and stores the results in DuckDB or PostgreSQL.
/// Each processor processes each version of each session exactly once.
#[derive(Debug, Parser)]
#[command(name = NAME, version, after_help = EXIT_STATUS)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// The configuration file (TOML) [default: session-host/config.toml in the user's configuration folder]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SESSION_HOST_CONFIG",
        hide_env_values = true
    )]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: UsualFlags,
    /// Load plugins that users other than this one and root may write
    #[arg(long, global = true)]
    allow_insecure_plugins: bool,
    /// The format of log lines
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "SESSION_HOST_LOG_FORMAT",
        hide_env_values = true,
        default_value = "text"
    )]
    pub(super) log_format: LogFormat,
    /// Log more: -v for info, -vv for debug; the variable takes a filter such as info,plugin=debug [env: SESSION_HOST_LOG] [default: warnings; with serve info]
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

/// The name of the command.
pub(super) const NAME: &str = "session-host";

const EXIT_STATUS: &str = "Exit status: 0 success, 1 a session or the command failed, 2 usage or configuration error, 3 the state is unusable until somebody changes something.";

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// What is logged by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usual {
    /// Warnings and errors.
    Warnings,
    /// Errors, and the warnings of plugins.
    PluginWarnings,
    /// Progress too, because nobody watches a service.
    Progress,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run each processor once; the default
    Run(RunOptions),
    /// Run processors when they are due, and serve the HTTP interface
    Serve(ServeOptions),
    /// Show the settings in force, or print a starter configuration file
    Config(ConfigOptions),
    /// Check whether this host accepts a plugin, and how the plugin behaves on sample transcripts
    Check(CheckOptions),
    /// List the files of the plugins directory and their status
    Processors(ProcessorsOptions),
    /// Show the progress of each processor
    Status(ListOptions),
    /// List failures by cause, or each failing session
    Failures(FailuresOptions),
    /// List the latest runs
    Runs(RunsOptions),
    /// List the machines that share a state in PostgreSQL: who owns what, what waits, who took over
    Cluster(ListOptions),
    /// Retry failing sessions now
    Retry(RetryOptions),
    /// Let no run of a processor begin until it is resumed
    Pause(PauseOptions),
    /// Let the runs of a paused processor begin again
    Resume(ResumeOptions),
    /// Mark sessions to be processed again, changed or not; their rows stay until then
    Reprocess(ReprocessOptions),
    /// List the reports of the processors, or run one
    Report(ReportOptions),
    /// Search the texts of transcripts: prompts, answers, tool calls and their results
    Search(SearchOptions),
    /// Run a read-only SQL query on the state
    Query(QueryOptions),
    /// Export every table as a Parquet file
    Export(ExportOptions),
    /// Copy a state from a DuckDB file to a PostgreSQL database, or back; an interrupted copy goes on
    CopyState(CopyStateOptions),
    /// Remove everything about a user or a session
    Forget(ForgetOptions),
    /// Print one line for a status bar: what today and the open block cost, and an agent's session from standard input
    Statusline,
    /// Print the token of the admin interface
    Token,
    /// Open the page of the service in a browser, signed in
    Open(OpenOptions),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write a manual page of each command into a folder
    #[command(hide = true)]
    Man {
        /// The folder, which must exist
        folder: PathBuf,
    },
    /// Run the code of a plugin for the host that started this process
    #[command(hide = true)]
    Worker {
        /// What confines the process, as JSON
        confinement: Option<String>,
    },
}

impl Arguments {
    /// Whose plugins the host loads.
    pub(super) fn trust(&self) -> PluginTrust {
        match self.allow_insecure_plugins {
            true => PluginTrust::Anyone,
            false => PluginTrust::OwnersOnly,
        }
    }

    /// The command that the user asks for, if any.
    pub(super) fn asked(&self) -> Option<&Command> {
        self.command.as_ref()
    }

    /// What confines this process, as JSON.
    pub(super) fn confinement(&self) -> Option<&str> {
        match &self.command {
            Some(Command::Worker { confinement }) => confinement.as_deref(),
            _ => None,
        }
    }

    /// Keeps the files that DuckDB creates private to this user: the state, its WAL, exports of a server. The files of
    /// `export` follow the user's umask.
    pub(super) fn make_files_private(&self) {
        if !matches!(self.command, Some(Command::Export(_))) {
            rustix::process::umask(Mode::RWXG | Mode::RWXO);
        }
    }

    /// What is logged by default.
    pub(super) fn usual_log(&self) -> Usual {
        match self.command {
            Some(Command::Serve(_)) => Usual::Progress,
            // The report says once what every pass would warn of again.
            Some(Command::Check(_)) => Usual::PluginWarnings,
            _ => Usual::Warnings,
        }
    }

    /// The configuration file's path, the settings from flags, which take precedence over it, and the command.
    pub(super) fn into_parts(self) -> (Option<PathBuf>, ConfigFile, Command) {
        // Without a subcommand, the program does what `run` does.
        let command = self.command.unwrap_or_else(|| Command::Run(RunOptions::default()));
        let given = match &command {
            Command::Run(options) => options.limits.given(),
            Command::Retry(options) => options.limits.given(),
            Command::Serve(options) => options.service.given().or(options.limits.given()),
            _ => ConfigFile::default(),
        };
        (self.config, given.or(self.settings.given()), command)
    }
}
