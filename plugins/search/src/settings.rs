//! The processor's section of the configuration.

use secret_detector::Settings as SecretsSettings;
use serde::Deserialize;

/// The operator's settings.
///
/// ```toml
/// secrets = { rules_file = "/etc/session-host/gitleaks.toml" }
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// The rules that remove secrets from texts.
    pub(crate) secrets: SecretsSettings,
}
