//! What the command line takes.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use rustix::fs::Mode;

use super::flags::{LimitFlags, ServiceFlags, UsualFlags};
use crate::{config::ConfigFile, plugins::PluginTrust};

/// Runs processors (shared libraries in a directory) over coding-agent transcripts, each over each version of each
/// session exactly once, and keeps what they find in DuckDB.
#[derive(Debug, Parser)]
#[command(name = "session-host", version, after_help = EXIT_STATUS)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// The configuration file (TOML) [default: session-host/config.toml in the user's configuration folder]
    #[arg(long, global = true, value_name = "FILE", env = "SESSION_HOST_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: UsualFlags,
    /// Take plugins that others than this user and root may write
    #[arg(long, global = true)]
    allow_insecure_plugins: bool,
    /// How log lines are written
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "SESSION_HOST_LOG_FORMAT",
        default_value = "text"
    )]
    pub(super) log_format: LogFormat,
    /// Log more: -v what is done, -vv how; the SESSION_HOST_LOG variable takes a filter such as `info,plugin=debug`
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

const EXIT_STATUS: &str = "Exit status: 0 done, 1 some session or the command failed, 2 usage or configuration, 3 the state cannot be used: in use, damaged, or of a newer version.";

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// What is logged where nobody asks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usual {
    /// What may be amiss.
    Warnings,
    /// What is done too: nobody sits before a service.
    Progress,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make one run of each processor
    Run(RunOptions),
    /// Run processors when they are due, and serve the HTTP interface
    Serve(ServeOptions),
    /// Show the settings in force, or a configuration file to begin with
    Config(ConfigOptions),
    /// Tell whether this host takes a plugin, and how it behaves on sample transcripts
    Check(CheckOptions),
    /// List what the plugins directory holds, and what came of it
    Processors(ListOptions),
    /// Show how far each processor is
    Status(ListOptions),
    /// List what sessions fail of, or each that fails
    Failures(FailuresOptions),
    /// List the latest runs
    Runs(RunsOptions),
    /// Attempt failing sessions again, now
    Retry(RetryOptions),
    /// Process sessions again, changed or not; their rows stay until then
    Reprocess(ReprocessOptions),
    /// Run read-only SQL on the state
    Query(QueryOptions),
    /// Write every table as a Parquet file
    Export(ExportOptions),
    /// Remove everything about a user or a session
    Forget(ForgetOptions),
    /// Print the token of the admin interface
    Token,
}

#[derive(Debug, Args)]
pub(super) struct RunOptions {
    /// The processors to run [default: all]
    #[arg(value_name = "PROCESSOR")]
    pub(super) processors: Vec<String>,
    /// Print each run's result as a line of JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) limits: LimitFlags,
}

#[derive(Debug, Args)]
pub(super) struct ServeOptions {
    #[command(flatten)]
    service: ServiceFlags,
    #[command(flatten)]
    limits: LimitFlags,
}

#[derive(Debug, Args)]
pub(super) struct ConfigOptions {
    /// Print a commented configuration file with the defaults
    #[arg(long)]
    pub(super) defaults: bool,
}

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    /// The plugin
    pub(super) file: PathBuf,
    /// A folder of transcripts to run it over [default: samples, and odd files]
    pub(super) transcripts: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ListOptions {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct FailuresOptions {
    /// Only those of this processor
    pub(super) processor: Option<String>,
    /// List each session, not what they have in common
    #[arg(long)]
    pub(super) all: bool,
    /// How many causes, or sessions
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) limit: u32,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunsOptions {
    /// How many
    #[arg(long, default_value_t = 20)]
    pub(super) limit: u32,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReprocessOptions {
    /// The processor
    pub(super) processor: String,
    /// One session, such as alice/3f2c.jsonl [default: all]
    pub(super) session: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct RetryOptions {
    /// The processor
    pub(super) processor: String,
    /// One session, such as alice/3f2c.jsonl [default: all whose last attempt failed]
    pub(super) session: Option<String>,
    /// Print the result as a line of JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) limits: LimitFlags,
}

#[derive(Debug, Args)]
pub(super) struct QueryOptions {
    /// One SELECT
    #[arg(allow_hyphen_values = true)]
    pub(super) sql: String,
    /// How the rows are written
    #[arg(long, default_value = "table")]
    pub(super) format: QueryFormat,
}

/// How the rows of a query are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum QueryFormat {
    Table,
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct ExportOptions {
    /// The folder for the files; made where there is none
    pub(super) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ForgetOptions {
    /// A user, or one session: USER or USER/SESSION
    #[arg(value_name = "USER[/SESSION]")]
    pub(super) subject: String,
    /// Write the state file anew without what was forgotten, however large it is; nothing runs meanwhile
    #[arg(long)]
    pub(super) purge: bool,
}

impl Arguments {
    /// Whose plugins are taken.
    pub(super) fn trust(&self) -> PluginTrust {
        match self.allow_insecure_plugins {
            true => PluginTrust::Anyone,
            false => PluginTrust::OwnersOnly,
        }
    }

    /// Lets what DuckDB makes be this user's alone: the state, its log of changes, exports of a server. The files of
    /// `export` are whose the user wants them to be.
    pub(super) fn make_files_private(&self) {
        if !matches!(self.command, Command::Export(_)) {
            rustix::process::umask(Mode::RWXG | Mode::RWXO);
        }
    }

    /// What is logged where nobody asks for more.
    pub(super) fn usual_log(&self) -> Usual {
        match self.command {
            Command::Serve(_) => Usual::Progress,
            _ => Usual::Warnings,
        }
    }

    /// The configuration file's path, the settings that stand before it, and the command.
    pub(super) fn into_parts(self) -> (Option<PathBuf>, ConfigFile, Command) {
        let given = match &self.command {
            Command::Run(options) => options.limits.given(),
            Command::Retry(options) => options.limits.given(),
            Command::Serve(options) => options.service.given().or(options.limits.given()),
            _ => ConfigFile::default(),
        };
        (self.config, given.or(self.settings.given()), self.command)
    }
}
