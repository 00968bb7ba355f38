//! The processor's section of the configuration.

use std::path::PathBuf;

use secret_detector::Settings as SecretsSettings;
use serde::Deserialize;

/// The operator's settings.
///
/// ```toml
/// rules_file = "/etc/session-host/error-classes.toml"
/// secrets = { rules_file = "/etc/session-host/gitleaks.toml" }
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// A file of the operator's own rules, which are tried before the shipped rules.
    pub(crate) rules_file: Option<PathBuf>,
    /// The rules that remove secrets from messages.
    pub(crate) secrets: SecretsSettings,
}
