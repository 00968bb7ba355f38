//! The arguments of the command line.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use rustix::fs::Mode;
use session_plugin_api::Timestamp;

use super::flags::{LimitFlags, ServiceFlags, UsualFlags};
use crate::{config::ConfigFile, dates, plugins::PluginTrust, reports::AskedReport};

/// Runs processors (from shared libraries in a directory) over coding-agent transcripts, and stores the results in DuckDB.
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

const EXIT_STATUS: &str = "Exit status: 0 success, 1 a session or the command failed, 2 usage or configuration error, 3 the state is unusable (in use, damaged, or of a newer version).";

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
    /// Run a read-only SQL query on the state
    Query(QueryOptions),
    /// Export every table as a Parquet file
    Export(ExportOptions),
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

#[derive(Debug, Args)]
pub(super) struct OpenOptions {
    /// Only print the link, which signs in once
    #[arg(long)]
    pub(super) print: bool,
}

#[derive(Debug, Default, Args)]
pub(super) struct RunOptions {
    /// The processors to run [default: all]
    #[arg(value_name = "PROCESSOR")]
    pub(super) processors: Vec<String>,
    /// Print each run's result as a line of JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print what each run would attempt, by reason; change nothing, and run no code of a plugin
    #[arg(long)]
    pub(super) dry_run: bool,
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
    /// Print a commented configuration file that sets the defaults
    #[arg(long)]
    pub(super) defaults: bool,
}

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    /// The plugin file
    pub(super) file: PathBuf,
    /// A folder of transcripts to run it over [default: sample transcripts and malformed files]
    pub(super) transcripts: Option<PathBuf>,
    /// Print some rows of each table
    #[arg(long)]
    pub(super) rows: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ProcessorsOptions {
    /// Write the digests of the files that load now into the lock file
    #[arg(long)]
    pub(super) lock: bool,
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
    /// List only failures of this processor
    pub(super) processor: Option<String>,
    /// List each failing session instead of grouping them by cause
    #[arg(long)]
    pub(super) all: bool,
    /// The maximum number of causes or sessions to list
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) limit: u32,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunsOptions {
    /// The maximum number of runs to list
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
    /// Only sessions whose transcripts were last written on this day (UTC) or at this time, or later [default: the beginning]
    #[arg(long, value_name = "DATE", value_parser = dates::beginning_of)]
    pub(super) since: Option<Timestamp>,
    /// Only sessions whose transcripts were last written on this day (UTC) or earlier, or before this time [default: now]
    #[arg(long, value_name = "DATE", value_parser = dates::end_of)]
    pub(super) until: Option<Timestamp>,
    /// Only sessions of this user [default: every user]
    #[arg(long)]
    pub(super) user: Option<String>,
    /// Only sessions whose keys begin with this text, with or without the first folder [default: all]
    #[arg(long, value_name = "PATH_PREFIX", allow_hyphen_values = true)]
    pub(super) project: Option<String>,
    /// Print how many sessions and bytes would be marked, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct PauseOptions {
    /// The processor
    pub(super) processor: String,
    /// Why, for whoever finds it paused [default: no reason]
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ResumeOptions {
    /// The processor
    pub(super) processor: String,
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
pub(super) struct ReportOptions {
    /// The report, such as usage.daily; the processor may be omitted if only one has such a report [default: list all]
    pub(super) report: Option<String>,
    /// The first day, in the time zone of the report, or a time [default: the beginning]
    #[arg(long, value_name = "DATE", requires = "report")]
    since: Option<String>,
    /// The last day, in the time zone of the report, or a time before which the report ends [default: now]
    #[arg(long, value_name = "DATE", requires = "report")]
    until: Option<String>,
    /// The last days, weeks or months including today, such as 7d, 4w or 3m [default: all]
    #[arg(long, value_name = "SPAN", requires = "report", conflicts_with_all = ["since", "until"])]
    last: Option<String>,
    /// The time zone, such as Europe/Prague [env: SESSION_HOST_TIMEZONE] [default: the setting timezone]
    #[arg(long, value_name = "ZONE", requires = "report")]
    timezone: Option<String>,
    /// Only sessions of this user [default: every user]
    // The id is that of the flag of all commands, which has another meaning and is left out here.
    #[arg(long, id = "username", value_name = "NAME", requires = "report")]
    username: Option<String>,
    /// Only sessions of this project [default: all]
    #[arg(long, requires = "report", allow_hyphen_values = true)]
    project: Option<String>,
    /// Sort by this column; with `:desc`, the largest value first [default: the order of the report]
    #[arg(long, value_name = "COLUMN[:desc]", requires = "report")]
    order: Option<String>,
    /// The maximum number of rows; sums are of all rows [default: all, or the most that the server returns]
    #[arg(long, requires = "report")]
    limit: Option<usize>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print CSV
    #[arg(long, requires = "report", conflicts_with = "json")]
    csv: bool,
}

#[derive(Debug, Args)]
pub(super) struct QueryOptions {
    /// The query, in SQL
    #[arg(allow_hyphen_values = true)]
    pub(super) sql: String,
    /// The output format of the rows
    #[arg(long, default_value = "table")]
    pub(super) format: TableFormat,
}

/// The output format of the rows of a query or a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TableFormat {
    Table,
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct ExportOptions {
    /// The folder for the files; created if it is missing
    pub(super) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ForgetOptions {
    /// A user, or one session: USER or USER/SESSION
    #[arg(value_name = "USER[/SESSION]")]
    pub(super) subject: String,
    /// Rewrite the state file without the forgotten data, whatever its size; nothing runs meanwhile
    #[arg(long)]
    pub(super) purge: bool,
}

impl ReportOptions {
    /// What the report is asked for.
    pub(super) fn asked(&self) -> AskedReport {
        AskedReport {
            since: self.since.clone(),
            until: self.until.clone(),
            last: self.last.clone(),
            timezone: self.timezone.clone(),
            username: self.username.clone(),
            project: self.project.clone(),
            order: self.order.clone(),
            limit: self.limit,
        }
    }

    /// The output format.
    pub(super) fn format(&self) -> TableFormat {
        match (self.json, self.csv) {
            (true, _) => TableFormat::Json,
            (_, true) => TableFormat::Csv,
            _ => TableFormat::Table,
        }
    }
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
