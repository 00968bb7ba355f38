//! What the command line takes.

use std::{net::SocketAddr, path::PathBuf};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, builder::BoolishValueParser};

use rustix::fs::Mode;

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
    /// The sessions directory: <DIR>/<username>/<session>.jsonl
    #[arg(long, global = true, value_name = "DIR")]
    sessions: Option<PathBuf>,
    /// Take transcripts in nested folders too
    #[arg(
        long,
        global = true,
        num_args = 0..=1,
        default_missing_value = "true",
        require_equals = true,
        value_parser = BoolishValueParser::new()
    )]
    recursive: Option<bool>,
    /// Record all sessions for this user: the tree is of one person's projects
    #[arg(long, global = true, value_name = "NAME")]
    username: Option<String>,
    /// The plugins directory [default: plugins/ beside the configuration]
    #[arg(long, global = true, value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// The state, a DuckDB file [default: session-host.duckdb in the data directory]
    #[arg(long, global = true, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The data directory [default: session-host in the user's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
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
    pub(super) limits: LimitOptions,
}

#[derive(Debug, Args)]
pub(super) struct ServeOptions {
    /// The address to listen on [default: 127.0.0.1:7741]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(super) limits: LimitOptions,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitOptions {
    /// Attempt at most so many sessions in a run
    #[arg(long, value_name = "N")]
    max_sessions: Option<u64>,
    /// Begin attempts for at most so many seconds in a run [default: 150]
    #[arg(long, value_name = "SECONDS")]
    time_budget: Option<u64>,
    /// Abandon an attempt after so many seconds [default: 300]
    #[arg(long, value_name = "SECONDS")]
    attempt_timeout: Option<u64>,
    /// Let attempts go on for so many seconds after SIGINT or SIGTERM [default: 30]
    #[arg(long, value_name = "SECONDS")]
    shutdown_grace: Option<u64>,
    /// Make so many attempts at once [default: the machine's cores]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Hold at most so many bytes of transcripts at once [default: 134217728]
    #[arg(long, value_name = "BYTES")]
    max_inflight_bytes: Option<u64>,
    /// Refuse transcripts of more than so many bytes [default: 1073741824]
    #[arg(long, value_name = "BYTES")]
    max_session_bytes: Option<u64>,
}

impl LimitOptions {
    /// A flag that was given, if one was.
    pub(super) fn named(&self) -> Option<&'static str> {
        let flags = [
            (self.max_sessions.is_some(), "--max-sessions"),
            (self.time_budget.is_some(), "--time-budget"),
            (self.attempt_timeout.is_some(), "--attempt-timeout"),
            (self.shutdown_grace.is_some(), "--shutdown-grace"),
            (self.workers.is_some(), "--workers"),
            (self.max_inflight_bytes.is_some(), "--max-inflight-bytes"),
            (self.max_session_bytes.is_some(), "--max-session-bytes"),
        ];
        let given = flags.into_iter().find(|(is_given, _)| *is_given);
        given.map(|(_, flag)| flag)
    }
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
    pub(super) limits: LimitOptions,
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
        let none = LimitOptions::default();
        let (limits, listen) = match &self.command {
            Command::Run(options) => (&options.limits, None),
            Command::Retry(options) => (&options.limits, None),
            Command::Serve(options) => (&options.limits, options.listen),
            _ => (&none, None),
        };
        let given = ConfigFile {
            sessions: self.sessions,
            recursive: self.recursive,
            username: self.username,
            plugins: self.plugins,
            data: self.data,
            state: self.state,
            workers: limits.workers,
            max_sessions_per_run: limits.max_sessions,
            time_budget_seconds: limits.time_budget,
            attempt_timeout_seconds: limits.attempt_timeout,
            shutdown_grace_seconds: limits.shutdown_grace,
            max_inflight_bytes: limits.max_inflight_bytes,
            max_session_bytes: limits.max_session_bytes,
            listen,
            ..ConfigFile::default()
        };
        (self.config, given, self.command)
    }
}
