//! The processor's section of the configuration.

use std::path::PathBuf;

use serde::Deserialize;

/// What an operator can set.
///
/// ```toml
/// rules_file = "/etc/session-host/error-classes.toml"
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Rules of the operator's own, tried before those that ship.
    pub(crate) rules_file: Option<PathBuf>,
}
