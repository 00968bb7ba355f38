//! The processor's section of the configuration.

use std::path::PathBuf;

use serde::Deserialize;

/// What an operator can set.
///
/// ```toml
/// rules_file = "/etc/session-host/gitleaks.toml"
/// disabled_rules = ["jwt"]
/// allow = { stopwords = ["staging"], regexes = ["^test-"], paths = ["/fixtures/"] }
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// A rule file in the format of gitleaks, in place of the shipped rules or building on them.
    pub(crate) rules_file: Option<PathBuf>,
    /// Rules that are not used.
    pub(crate) disabled_rules: Vec<String>,
    /// What no rule finds.
    pub(crate) allow: Allow,
}

/// What no rule finds: what one of these fits.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Allow {
    /// Patterns of allowed secrets.
    pub(crate) regexes: Vec<String>,
    /// Words of which an allowed secret has one.
    pub(crate) stopwords: Vec<String>,
    /// Patterns of the files in which all is allowed.
    pub(crate) paths: Vec<String>,
}
