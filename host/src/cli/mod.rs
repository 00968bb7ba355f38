//! The command line. A command runs here, or asks the server that holds the state. The exit status says how it ended.
//!
//! # Threads
//! The command runs on a thread with a large stack, because DuckDB plans deep SQL by recursion. The main thread waits for it.

mod arguments;
mod check;
mod client;
mod cluster;
mod config;
mod copy_state;
mod dry_run;
mod flags;
mod forget;
mod inspect_state;
mod listeners;
mod lists;
mod lock;
mod log;
mod manual;
mod obstacles;
mod open;
mod output;
mod overview;
mod pause;
mod processors;
mod progress;
mod report;
mod report_table;
mod reprocess;
mod run;
mod run_results;
mod search;
mod serve;
mod server;
mod server_runs;
mod signals;
mod statusline;
mod token;
mod waiting;
mod watchdog;
mod worker;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
    thread,
};

use clap::Parser;

use arguments::{Arguments, Command};
use output::UsageError;
use server::ServerError;

use crate::{
    cluster::{ClusterError, NoStandstill},
    config::{ConfigError, Configured},
    host::{NoSuchProcessor, NotBegun, PauseError, StartError},
    plugins::{CatalogueError, LockError, drops_return},
    postgres::PostgresError,
    printable, process,
    reports::ReportError,
    runner::{ForgetError, RunError},
    scheduler::ScheduleError,
    search::SearchError,
    sessions::ScanError,
    state::{CopyError, QueryError, StateError},
    threads,
};

/// How a command ended, as the shell sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// The command succeeded.
    Done = 0,
    /// A session or the command failed; a retry may succeed.
    Failed = 1,
    /// The command or the configuration is wrong.
    Usage = 2,
    /// The state is unusable, and a retry does not help.
    Unusable = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| misfit(&error));
    let installed =
        log::install(arguments.log_format, arguments.verbose, arguments.usual_log()).map_err(anyhow::Error::from);
    // No other thread runs yet that could go on unconfined.
    let confined = installed.and_then(|()| arguments.confinement().map_or(Ok(()), worker::confine_by));
    let exit = confined
        .and_then(|()| on_a_large_stack(|| dispatch(arguments)))
        .unwrap_or_else(|error| complained(&error));
    if !drops_return() {
        // There is nowhere left to report that stdout cannot be written.
        let _ = io::stdout().flush();
        // A plugin's code may still run: exit without running destructors that it could still depend on.
        process::end_at_once(exit as i32)
    }
    exit.into()
}

/// Runs `work` on a stack that is large enough for any SQL.
fn on_a_large_stack<T: Send>(work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
    thread::scope(|scope| {
        let working = thread::Builder::new()
            .stack_size(threads::STACK)
            .spawn_scoped(scope, work)?;
        // The panic is already in the log.
        working.join().unwrap_or_else(|_| {
            Err(anyhow::anyhow!(
                "the command panicked: please report this bug in session-host"
            ))
        })
    })
}

/// Prints why the arguments are invalid, or the help that they ask for.
fn misfit(error: &clap::Error) -> ! {
    // clap prints arguments unescaped, and a file name may be among them.
    if env::args_os().all(|argument| printable::is_printable(&argument.to_string_lossy())) {
        error.exit();
    }
    output::complain(&UsageError(error.render().to_string()).into());
    std::process::exit(error.exit_code());
}

/// Prints an error; returns its exit status.
fn complained(error: &anyhow::Error) -> Exit {
    output::complain(error);
    exit_of(error)
}

fn dispatch(arguments: Arguments) -> anyhow::Result<Exit> {
    // These need no settings.
    match arguments.asked() {
        Some(Command::Worker { .. }) => return worker::work(),
        Some(Command::Completions { shell }) => return manual::completions(*shell),
        Some(Command::Man { folder }) => return manual::pages(folder),
        _ => {}
    }
    arguments.make_files_private();
    let trust = arguments.trust();
    let (file, given, command) = arguments.into_parts();
    let configured = Configured::read(file, given)?;
    if let Command::Config(options) = &command {
        return config::config(&configured, options);
    }
    let is_state_named = configured.flags.state.is_some();
    let settings = configured.settings()?;
    match command {
        // Handled above, because the settings may be incomplete.
        Command::Config(_) | Command::Worker { .. } | Command::Completions { .. } | Command::Man { .. } => {
            Ok(Exit::Done)
        }
        Command::Run(options) if options.dry_run => dry_run::dry_run(&settings, trust, &options),
        Command::Run(options) => run::run(settings, trust, &options),
        Command::Serve(_) => serve::serve(settings, trust),
        Command::Check(options) => {
            // A state that the configuration names is in use. Only who names a server for the check means it.
            let server = settings.state.address().filter(|_| is_state_named).cloned();
            check::check(settings, trust, &options, server.as_ref())
        }
        Command::Processors(options) if options.lock => lock::lock(&settings, trust, &options),
        Command::Processors(options) => processors::list(&settings, trust, &options),
        Command::Status(options) => lists::status(&settings, &options),
        Command::Failures(options) => lists::failures(&settings, &options),
        Command::Runs(options) => lists::runs(&settings, &options),
        Command::Cluster(options) => cluster::cluster(&settings, &options),
        Command::Retry(options) => run::retry(settings, trust, &options),
        Command::Reprocess(options) => reprocess::reprocess(&settings, &options),
        Command::Pause(options) => pause::pause(&settings, &options),
        Command::Resume(options) => pause::resume(&settings, &options),
        Command::Report(options) => report::report(&settings, trust, &options),
        Command::Search(options) => search::search(&settings, trust, &options),
        Command::Query(options) => inspect_state::query(&settings, &options),
        Command::Export(options) => inspect_state::export(&settings, &options),
        Command::CopyState(options) => copy_state::copy_state(&settings, options),
        Command::Forget(options) => forget::forget(&settings, trust, &options),
        Command::Token => token::token(&settings),
        Command::Open(options) => open::open(&settings, &options),
        Command::Statusline => statusline::statusline(&settings),
    }
}

/// The exit status of an error.
fn exit_of(error: &anyhow::Error) -> Exit {
    if let Some(state) = state_error(error) {
        return match state {
            StateError::Missing { .. } | StateError::MissingShared { .. } => Exit::Usage,
            state if state.is_lasting() => Exit::Unusable,
            _ => Exit::Failed,
        };
    }
    if let Some(postgres) = postgres_error(error) {
        return match postgres.is_lasting() {
            true => Exit::Unusable,
            false => Exit::Failed,
        };
    }
    if error.downcast_ref().is_some_and(CopyError::is_in_use) {
        return Exit::Unusable;
    }
    // A disk that is full now may have space at the next start.
    let may_mend = matches!(error.downcast_ref(), Some(ConfigError::MakeToken { .. }));
    let is_usage = error.is::<ConfigError>() && !may_mend
        || error.is::<ScheduleError>()
        || error
            .downcast_ref()
            .is_some_and(|error| !matches!(error, StartError::Cluster(_)))
        || error.is::<CatalogueError>()
        || error.is::<LockError>()
        || error.is::<ScanError>()
        || error.is::<NoSuchProcessor>()
        || error.is::<UsageError>()
        || error.downcast_ref().is_some_and(CopyError::is_of_usage)
        || error.downcast_ref().is_some_and(ReportError::is_of_usage)
        || error.downcast_ref().is_some_and(SearchError::is_of_usage)
        || matches!(error.downcast_ref(), Some(NotBegun::NoSuchProcessor(_)))
        || matches!(
            error.downcast_ref(),
            Some(PauseError::Unknown(_) | PauseError::NotPaused(_))
        )
        || matches!(error.downcast_ref(), Some(ServerError::Refused(_)))
        || matches!(error.downcast_ref(), Some(RunError::Scan(_)));
    if is_usage { Exit::Usage } else { Exit::Failed }
}

/// The error of PostgreSQL inside an error, if it is one.
fn postgres_error(error: &anyhow::Error) -> Option<&PostgresError> {
    if let Some(ClusterError::Postgres(postgres)) = error.downcast_ref() {
        return Some(postgres);
    }
    if let Some(StartError::Cluster(ClusterError::Postgres(postgres))) = error.downcast_ref() {
        return Some(postgres);
    }
    if let Some(CopyError::Postgres(postgres) | CopyError::NoStandstill(NoStandstill::Postgres(postgres))) =
        error.downcast_ref()
    {
        return Some(postgres);
    }
    error.downcast_ref()
}

/// The state error inside an error, if it is one.
fn state_error(error: &anyhow::Error) -> Option<&StateError> {
    if let Some(StartError::State(state) | StartError::Catalogue(CatalogueError::State(state))) = error.downcast_ref() {
        return Some(state);
    }
    if let Some(ScheduleError::State(state)) = error.downcast_ref() {
        return Some(state);
    }
    if let Some(PauseError::State(state)) = error.downcast_ref() {
        return Some(state);
    }
    if let Some(RunError::State(state)) = error.downcast_ref() {
        return Some(state);
    }
    if let Some(ForgetError::State(state)) = error.downcast_ref() {
        return Some(state);
    }
    if let Some(CopyError::State(state)) = error.downcast_ref() {
        return Some(state);
    }
    if let Some(CatalogueError::State(state)) = error.downcast_ref() {
        return Some(state);
    }
    if let Some(QueryError::State(state)) = error.downcast_ref() {
        return Some(state);
    }
    if let Some(ReportError::Query(QueryError::State(state))) = error.downcast_ref() {
        return Some(state);
    }
    if let Some(SearchError::Query(QueryError::State(state))) = error.downcast_ref() {
        return Some(state);
    }
    error.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exit status of an error of PostgreSQL, however a command meets it.
    fn exits_of(postgres: fn() -> PostgresError) -> [Exit; 6] {
        let errors: [anyhow::Error; 6] = [
            postgres().into(),
            StateError::NotAdmitted(Box::new(postgres())).into(),
            ClusterError::from(postgres()).into(),
            StartError::Cluster(postgres().into()).into(),
            CopyError::from(postgres()).into(),
            CopyError::from(NoStandstill::from(postgres())).into(),
        ];
        errors.map(|error| exit_of(&error))
    }

    #[test]
    fn a_database_that_somebody_must_mend_is_unusable_and_an_outage_is_not() {
        let missing = || PostgresError::NoDatabase {
            place: "database sessions".to_owned(),
        };
        assert_eq!(exits_of(missing), [Exit::Unusable; 6]);
        let unreachable = || PostgresError::Unreachable {
            place: "database sessions".to_owned(),
            reason: "connection refused".to_owned(),
        };
        assert_eq!(exits_of(unreachable), [Exit::Failed; 6]);
    }
}
