//! What keeps every run from being made: each obstacle in one line, with what to do about it.

use super::output::UsageError;
use crate::{host::Host, plugins::PluginListing};

/// The obstacles; none if a run can be made. A host of this process also knows its directories.
pub(super) fn obstacles(plugins: &[PluginListing], host: Option<&Host>) -> Vec<UsageError> {
    let mut obstacles = of_plugins(plugins, host);
    obstacles.extend(host.map(of_sessions).unwrap_or_default());
    obstacles
}

/// Why no processor can run.
fn of_plugins(plugins: &[PluginListing], host: Option<&Host>) -> Vec<UsageError> {
    if plugins.is_empty() {
        let folder = host.map_or_else(String::new, |host| {
            format!(" {}", host.settings().plugins.path().display())
        });
        return vec![UsageError(format!(
            "the plugins directory{folder} has no plugin: copy plugins into it, or name another directory with --plugins"
        ))];
    }
    // One that is in service has a version, even if its code cannot be started now.
    if plugins
        .iter()
        .any(|plugin| plugin.status == "loaded" || plugin.version.is_some())
    {
        return Vec::new();
    }
    plugins.iter().map(|plugin| UsageError(why_not(plugin))).collect()
}

fn why_not(plugin: &PluginListing) -> String {
    let reason = plugin.reason.as_deref().unwrap_or_default();
    match &plugin.processor {
        Some(name) => format!("processor `{name}` is {}: {reason}", plugin.status),
        None => format!("{} is {}: {reason}", plugin.file, plugin.status),
    }
}

/// Why no transcript can be found.
fn of_sessions(host: &Host) -> Vec<UsageError> {
    let missing = host.scanner().missing();
    if missing.len() < host.scanner().count() {
        return Vec::new();
    }
    let obstacles = missing.into_iter().map(|folder| {
        UsageError(format!(
            "the sessions directory {} does not exist: create or mount it, or name another directory with --sessions",
            folder.display()
        ))
    });
    obstacles.collect()
}
