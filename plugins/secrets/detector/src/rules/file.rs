//! The format of rule files, which is that of gitleaks.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::error::{Fault, RulesError};

/// A rule file as it was written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RuleFile {
    /// What the file builds on.
    pub(super) extend: Extend,
    /// The rules.
    pub(super) rules: Vec<RuleEntry>,
    /// What no rule finds, or none of those that a list names.
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

/// What a file builds on.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Extend {
    /// Whether the shipped rules stay in use.
    pub(super) use_default: bool,
    /// The shipped rules that do not.
    pub(super) disabled_rules: Vec<String>,
}

/// A rule as it was written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RuleEntry {
    /// The rule's name.
    pub(super) id: String,
    /// What it finds.
    pub(super) description: String,
    /// What a secret and its surroundings look like.
    pub(super) regex: String,
    /// In which files it stands.
    pub(super) path: String,
    /// Words one of which is in every text that has a match.
    pub(super) keywords: Vec<String>,
    /// The entropy that a secret must exceed.
    pub(super) entropy: f64,
    /// The group of `regex` that is the secret.
    pub(super) secret_group: usize,
    /// What the rule finds and is none.
    #[serde(deserialize_with = "one_table", alias = "allowList")]
    pub(super) allowlist: Vec<AllowlistEntry>,
    /// The same in the newer form.
    #[serde(alias = "allowLists")]
    pub(super) allowlists: Vec<AllowlistEntry>,
    /// Whether the rule is only a part of others, and finds nothing by itself.
    pub(super) skip_report: bool,
    /// The rules that must find something near by as well.
    pub(super) required: Vec<IgnoredAny>,
    #[serde(rename = "tags")]
    _tags: Vec<String>,
}

/// An allow list as it was written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct AllowlistEntry {
    /// Whether one criterion suffices.
    pub(super) condition: Condition,
    /// Patterns of what is allowed.
    pub(super) regexes: Vec<String>,
    /// What those are tried on.
    pub(super) regex_target: RegexTarget,
    /// Patterns of files in which all is allowed.
    pub(super) paths: Vec<String>,
    /// Commits in which all is allowed. A transcript has none.
    pub(super) commits: Vec<String>,
    /// Words of which an allowed secret has one.
    #[serde(alias = "stopWords")]
    pub(super) stopwords: Vec<String>,
    /// The rules that the list is for; all if it names none.
    pub(super) target_rules: Vec<String>,
    #[serde(rename = "description")]
    pub(super) _description: IgnoredAny,
}

/// How many criteria of an allow list must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Condition {
    /// One of those given.
    #[default]
    #[serde(rename = "OR", alias = "or", alias = "Or", alias = "||")]
    Any,
    /// All of those given.
    #[serde(rename = "AND", alias = "and", alias = "And", alias = "&&")]
    All,
}

/// What the patterns of an allow list are tried on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RegexTarget {
    /// The secret.
    #[default]
    Secret,
    /// All that the rule's `regex` matched.
    Match,
    /// The lines that the match lies in.
    Line,
}

impl RuleFile {
    /// Reads a rule file. `name` is what errors call it.
    ///
    /// # Errors
    /// When it is no TOML, says something that this format has no word for, or gives two rules one name.
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

/// The old form is one table.
fn one_table<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AllowlistEntry>, D::Error> {
    AllowlistEntry::deserialize(deserializer).map(|entry| vec![entry])
}

impl AllowlistEntry {
    /// Whether it has no criterion at all.
    pub(super) fn is_empty(&self) -> bool {
        self.regexes.is_empty() && self.paths.is_empty() && self.commits.is_empty() && self.stopwords.is_empty()
    }
}
