//! `session-host forget`, here or through the server that holds the state.

use std::sync::Arc;

use super::{
    Exit,
    arguments::ForgetOptions,
    inspect_state::existing,
    output::{self, UsageError},
    server::{Access, target},
};
use crate::{
    config::Settings,
    plugins::{Catalogue, CatalogueError, Claims, LoadOptions, PluginTrust, Processor, Tables, TriedReports},
    runner::Forgetter,
    state::{Forgotten, PurgeWish, State},
    summary::Summary,
};

/// Removes everything about a user or a session.
pub(super) fn forget(settings: &Settings, trust: PluginTrust, options: &ForgetOptions) -> anyhow::Result<Exit> {
    let wish = if options.purge {
        PurgeWish::Now
    } else {
        PurgeWish::WhereSmall
    };
    let forgotten = match existing(settings)? {
        Access::Here(state) => {
            let state = Arc::new(state);
            let forgetter = Forgetter {
                processors: &processors(settings, trust, &state)?,
                state: &state,
                timeout: settings.limits.attempt_timeout,
            };
            let forgotten = forgetter.forget(&options.subject, wish)?;
            Summary::remove(&settings.data)?;
            forgotten
        }
        Access::Server(server) => {
            let purge = options.purge.then_some("true");
            let asked = [("subject", Some(options.subject.as_str())), ("purge", purge)];
            server.post::<Forgotten>(&target("/api/admin/forget", &asked), String::new())?
        }
    };
    if forgotten.is_nothing() && !options.purge {
        return Err(UsageError(forgotten.unknown(&options.subject)).into());
    }
    tell_what_was_forgotten(&options.subject, &forgotten)?;
    match (options.purge, &forgotten.purge_waits) {
        (true, Some(_)) => Ok(Exit::Failed),
        _ => Ok(Exit::Done),
    }
}

/// The processors, for their hooks. Where the plugins directory cannot be used there are none.
fn processors(
    settings: &Settings,
    trust: PluginTrust,
    state: &Arc<State>,
) -> Result<Vec<Arc<Processor>>, CatalogueError> {
    let loaded = Catalogue::load(&LoadOptions {
        folder: settings.plugins.path(),
        data: &settings.data,
        trust,
        pinning: Some(&settings.pinning),
        disabled: &settings.disabled_plugins,
        configurations: &settings.processors,
        isolation: &settings.isolation,
        tables: Tables::Made(state),
        reports: TriedReports::None,
        claims: &Claims::default(),
        only: None,
        claimed: None,
    });
    match loaded {
        Ok(catalogue) => Ok(catalogue.processors().map(Arc::clone).collect()),
        Err(error @ CatalogueError::State(_)) => Err(error),
        Err(error) => {
            tracing::warn!("the command calls no hook of a processor: {error}");
            Ok(Vec::new())
        }
    }
}

fn tell_what_was_forgotten(subject: &str, forgotten: &Forgotten) -> anyhow::Result<()> {
    output::print(format!(
        "forgot {subject}: {} state rows, {} failures, {} rows of processors, {} entries of the audit log",
        forgotten.states, forgotten.failures, forgotten.rows, forgotten.audit_entries
    ))?;
    match (&forgotten.purge_waits, forgotten.purged) {
        (Some(why), _) => output::print(format!(
            "the state file still holds its text: {why}; `session-host forget --purge {subject}` or the next start removes it"
        ))?,
        (None, true) => output::print("the state file no longer holds its text")?,
        (None, false) => output::print(
            "the files of PostgreSQL hold the text of deleted rows until `VACUUM FULL` has rewritten the tables",
        )?,
    }
    if !forgotten.shared_tables.is_empty() {
        output::print(format!(
            "not removed: rows in tables that name no session: {}",
            forgotten.shared_tables.join(", ")
        ))?;
    }
    for export in &forgotten.exports {
        output::print(format!("not removed: the export {export} holds it: delete the folder"))?;
    }
    Ok(())
}
