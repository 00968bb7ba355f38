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
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A rule file in the format of gitleaks, in place of the shipped rules or building on them.
    pub rules_file: Option<PathBuf>,
    /// Rules that are not used.
    pub disabled_rules: Vec<String>,
    /// What no rule finds.
    pub allow: Allow,
}

/// What no rule finds: what one of these fits.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Allow {
    /// Patterns of allowed secrets.
    pub regexes: Vec<String>,
    /// Words of which an allowed secret has one.
    pub stopwords: Vec<String>,
    /// Patterns of the files in which all is allowed.
    pub paths: Vec<String>,
}
