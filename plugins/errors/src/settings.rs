//! The processor's section of the configuration.

use std::path::PathBuf;

use secret_detector::Settings as SecretsSettings;
use serde::Deserialize;

/// What an operator can set.
///
/// ```toml
/// rules_file = "/etc/session-host/error-classes.toml"
/// secrets = { rules_file = "/etc/session-host/gitleaks.toml" }
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Rules of the operator's own, tried before those that ship.
    pub(crate) rules_file: Option<PathBuf>,
    /// By which rules secrets are taken out of messages.
    pub(crate) secrets: SecretsSettings,
}
