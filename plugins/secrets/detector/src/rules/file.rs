//! The format of rule files, which is gitleaks' format.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::error::{Fault, RulesError};

/// A rule file as written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RuleFile {
    /// The rules that the file extends.
    pub(super) extend: Extend,
    /// The rules.
    pub(super) rules: Vec<RuleEntry>,
    /// Allowlists for all rules, or for the rules that a list names.
    #[serde(deserialize_with = "one_table", alias = "allowList")]
    pub(super) allowlist: Vec<AllowlistEntry>,
    /// The same in the newer form.
    #[serde(alias = "allowLists")]
    pub(super) allowlists: Vec<AllowlistEntry>,
    #[serde(rename = "title")]
    _title: IgnoredAny,
    #[serde(rename = "description")]
    pub(super) _description: IgnoredAny,
    #[serde(rename = "minVersion")]
    _min_version: IgnoredAny,
}

/// The rules that a file extends.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Extend {
    /// Whether the shipped rules stay in use.
    pub(super) use_default: bool,
    /// The shipped rules that are disabled.
    pub(super) disabled_rules: Vec<String>,
}

/// A rule as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RuleEntry {
    /// The rule's name.
    pub(super) id: String,
    /// What the rule finds, in words.
    pub(super) description: String,
    /// A pattern for a secret and the text around it.
    pub(super) regex: String,
    /// A pattern for the paths of files that the rule applies to.
    pub(super) path: String,
    /// Keywords: every text with a match contains one of them.
    pub(super) keywords: Vec<String>,
    /// The entropy that a secret must exceed.
    pub(super) entropy: f64,
    /// The group of `regex` that is the secret.
    pub(super) secret_group: usize,
    /// Matches of the rule that are not secrets.
    #[serde(deserialize_with = "one_table", alias = "allowList")]
    pub(super) allowlist: Vec<AllowlistEntry>,
    /// The same in the newer form.
    #[serde(alias = "allowLists")]
    pub(super) allowlists: Vec<AllowlistEntry>,
    /// Whether the rule is only a part of others, and reports nothing by itself.
    pub(super) skip_report: bool,
    /// Rules that must also find something nearby.
    pub(super) required: Vec<IgnoredAny>,
    #[serde(rename = "tags")]
    _tags: Vec<String>,
}

/// An allowlist as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct AllowlistEntry {
    /// Whether all criteria must hold, or one suffices.
    pub(super) condition: Condition,
    /// Patterns of allowed text.
    pub(super) regexes: Vec<String>,
    /// The text that these patterns are tried on.
    pub(super) regex_target: RegexTarget,
    /// Patterns of files in which everything is allowed.
    pub(super) paths: Vec<String>,
    /// Commits in which everything is allowed. Transcripts belong to none.
    pub(super) commits: Vec<String>,
    /// Stop words: a secret that contains one is allowed.
    #[serde(alias = "stopWords")]
    pub(super) stopwords: Vec<String>,
    /// The rules that the list applies to; all rules if it names none.
    pub(super) target_rules: Vec<String>,
    #[serde(rename = "description")]
    pub(super) _description: IgnoredAny,
}

/// How many criteria of an allowlist must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Condition {
    /// Any of the criteria.
    #[default]
    #[serde(rename = "OR", alias = "or", alias = "Or", alias = "||")]
    Any,
    /// All of the criteria.
    #[serde(rename = "AND", alias = "and", alias = "And", alias = "&&")]
    All,
}

/// The text that the patterns of an allowlist are tried on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RegexTarget {
    /// The secret.
    #[default]
    Secret,
    /// The complete match of the rule's `regex`.
    Match,
    /// The lines that contain the match.
    Line,
}

impl RuleFile {
    /// Reads a rule file. Errors call it `name`.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown field, or uses a rule name twice.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, RulesError> {
        let file: Self = toml::from_str(text).map_err(|error: toml::de::Error| RulesError::Format {
            file: name.to_owned(),
            line: error.span().map_or(1, |span| line_of(text, span.start)),
            message: error.message().to_owned(),
        })?;
        let mut ids = HashSet::new();
        match file.rules.iter().find(|rule| !ids.insert(rule.id.as_str())) {
            Some(second) => Err(RulesError::of_rule(name, &second.id, Fault::Duplicate)),
            None => Ok(file),
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|byte| **byte == b'\n').count()
}

/// The old form is a single table.
fn one_table<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AllowlistEntry>, D::Error> {
    AllowlistEntry::deserialize(deserializer).map(|entry| vec![entry])
}

impl AllowlistEntry {
    /// Whether it has no criterion.
    pub(super) fn is_empty(&self) -> bool {
        self.regexes.is_empty() && self.paths.is_empty() && self.commits.is_empty() && self.stopwords.is_empty()
    }
}
