//! `session-host config`.

use super::{Exit, arguments::ConfigOptions, output};
use crate::config::{Configured, defaults_as_toml};

/// Prints the settings in force and where each was set, or a starter configuration file.
pub(super) fn config(configured: &Configured, options: &ConfigOptions) -> anyhow::Result<Exit> {
    if options.defaults {
        output::print_block(defaults_as_toml().trim_end())?;
        return Ok(Exit::Done);
    }
    output::print(format!("# {}", configured.path.display()))?;
    for (key, value, origin) in configured.in_force() {
        output::print(format!("{key} = {value}  # {}", origin.as_str()))?;
    }
    for found in configured.found() {
        output::print(match found.value {
            Some(value) => format!("{} = {value}  # {}", found.key, found.origin),
            None => format!("# {}: {}", found.key, found.origin),
        })?;
    }
    Ok(Exit::Done)
}
