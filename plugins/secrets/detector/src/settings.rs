//! The section of the configuration that selects rules.

use std::path::PathBuf;

use serde::Deserialize;

/// The operator's settings.
///
/// ```toml
/// rules_file = "/etc/session-host/gitleaks.toml"
/// disabled_rules = ["jwt"]
/// allow = { stopwords = ["staging"], regexes = ["^test-"], paths = ["/fixtures/"] }
/// ```
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A rule file in gitleaks' format that replaces or extends the shipped rules.
    pub rules_file: Option<PathBuf>,
    /// Rules that are not used.
    pub disabled_rules: Vec<String>,
    /// Text that no rule reports.
    pub allow: Allow,
}

/// Text that no rule reports: any text that matches one of these.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Allow {
    /// Patterns of allowed secrets.
    pub regexes: Vec<String>,
    /// Stop words: a secret that contains one is allowed.
    pub stopwords: Vec<String>,
    /// Patterns of files in which everything is allowed.
    pub paths: Vec<String>,
}
