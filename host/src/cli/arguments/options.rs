//! The arguments of each command.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use session_plugin_api::Timestamp;

use crate::{
    cli::flags::{LimitFlags, ServiceFlags},
    dates,
    reports::AskedReport,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct OpenOptions {
    /// Only print the link, which signs in once
    #[arg(long)]
    pub(in crate::cli) print: bool,
}

#[derive(Debug, Default, Args)]
pub(in crate::cli) struct RunOptions {
    /// The processors to run [default: all]
    #[arg(value_name = "PROCESSOR")]
    pub(in crate::cli) processors: Vec<String>,
    /// Print each run's result as a line of JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// Print what each run would attempt, by reason; change nothing, and run no code of a plugin
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    #[command(flatten)]
    pub(in crate::cli) limits: LimitFlags,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ServeOptions {
    #[command(flatten)]
    pub(super) service: ServiceFlags,
    #[command(flatten)]
    pub(super) limits: LimitFlags,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ConfigOptions {
    /// Print a commented configuration file that sets the defaults
    #[arg(long)]
    pub(in crate::cli) defaults: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckOptions {
    /// The plugin file
    pub(in crate::cli) file: PathBuf,
    /// A folder of transcripts to run it over [default: sample transcripts and malformed files]
    pub(in crate::cli) transcripts: Option<PathBuf>,
    /// Print some rows of each table
    #[arg(long)]
    pub(in crate::cli) rows: bool,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ProcessorsOptions {
    /// Write the digests of the files that load now into the lock file
    #[arg(long)]
    pub(in crate::cli) lock: bool,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ListOptions {
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FailuresOptions {
    /// List only failures of this processor
    pub(in crate::cli) processor: Option<String>,
    /// List each failing session instead of grouping them by cause
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// The maximum number of causes or sessions to list
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(in crate::cli) limit: u32,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RunsOptions {
    /// The maximum number of runs to list
    #[arg(long, default_value_t = 20)]
    pub(in crate::cli) limit: u32,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ReprocessOptions {
    /// The processor
    pub(in crate::cli) processor: String,
    /// One session, such as alice/3f2c.jsonl [default: all]
    pub(in crate::cli) session: Option<String>,
    /// Only sessions whose transcripts were last written on this day (UTC) or at this time, or later [default: the beginning]
    #[arg(long, value_name = "DATE", value_parser = dates::beginning_of)]
    pub(in crate::cli) since: Option<Timestamp>,
    /// Only sessions whose transcripts were last written on this day (UTC) or earlier, or before this time [default: now]
    #[arg(long, value_name = "DATE", value_parser = dates::end_of)]
    pub(in crate::cli) until: Option<Timestamp>,
    /// Only sessions of this user [default: every user]
    #[arg(long)]
    pub(in crate::cli) user: Option<String>,
    /// Only sessions whose keys begin with this text, with or without the first folder [default: all]
    #[arg(long, value_name = "PATH_PREFIX", allow_hyphen_values = true)]
    pub(in crate::cli) project: Option<String>,
    /// Print how many sessions and bytes would be marked, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PauseOptions {
    /// The processor
    pub(in crate::cli) processor: String,
    /// Why, for whoever finds it paused [default: no reason]
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ResumeOptions {
    /// The processor
    pub(in crate::cli) processor: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RetryOptions {
    /// The processor
    pub(in crate::cli) processor: String,
    /// One session, such as alice/3f2c.jsonl [default: all whose last attempt failed]
    pub(in crate::cli) session: Option<String>,
    /// Print the result as a line of JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) limits: LimitFlags,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ReportOptions {
    /// The report, such as usage.daily; the processor may be omitted if only one has such a report [default: list all]
    pub(in crate::cli) report: Option<String>,
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
    pub(in crate::cli) json: bool,
    /// Print CSV
    #[arg(long, requires = "report", conflicts_with = "json")]
    csv: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct QueryOptions {
    /// The query, in SQL
    #[arg(allow_hyphen_values = true)]
    pub(in crate::cli) sql: String,
    /// The output format of the rows
    #[arg(long, default_value = "table")]
    pub(in crate::cli) format: TableFormat,
}

/// The output format of the rows of a query or a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TableFormat {
    Table,
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportOptions {
    /// The folder for the files; created if it is missing
    pub(in crate::cli) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CopyStateOptions {
    /// The state to copy, which nobody may use meanwhile: a path or an address, as the setting `state` takes it
    pub(in crate::cli) from: PathBuf,
    /// Where the copy goes: a file that does not exist, or a database without a state
    pub(in crate::cli) to: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ForgetOptions {
    /// A user, or one session: USER or USER/SESSION
    #[arg(value_name = "USER[/SESSION]")]
    pub(in crate::cli) subject: String,
    /// Rewrite the state file without the forgotten data, whatever its size; nothing runs meanwhile
    #[arg(long)]
    pub(in crate::cli) purge: bool,
}

impl ReportOptions {
    /// What the report is asked for.
    pub(in crate::cli) fn asked(&self) -> AskedReport {
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
    pub(in crate::cli) fn format(&self) -> TableFormat {
        match (self.json, self.csv) {
            (true, _) => TableFormat::Json,
            (_, true) => TableFormat::Csv,
            _ => TableFormat::Table,
        }
    }
}
