//! A rule: one kind of secret and how to recognise it.

use std::ops::Range;

use regex::{Captures, Regex};

use super::{
    allowlist::{Allowlist, Suspect},
    error::Fault,
    file::{AllowlistEntry, RuleEntry},
    pattern,
};
use crate::entropy::shannon_entropy;

/// A compiled rule.
#[derive(Clone, Debug)]
pub struct Rule {
    id: String,
    description: String,
    finds: Finds,
    path: Option<Regex>,
    keywords: Vec<String>,
    allowlists: Vec<Allowlist>,
}

/// What a rule finds.
#[derive(Clone, Debug)]
enum Finds {
    /// Secrets in texts.
    Texts(TextPattern),
    /// Files, by their paths.
    Files,
}

#[derive(Clone, Debug)]
struct TextPattern {
    regex: Regex,
    minimum_length: usize,
    secret_group: Option<usize>,
    entropy: Option<f64>,
}

/// How precisely a rule recognises a secret. If several rules found the same secret, the greatest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Specificity {
    /// By the form of any secret: the rule's id says that it is generic.
    Generic,
    /// By the text around the secret.
    Surroundings,
    /// By the form of the secret: it contains one of the keywords.
    Form,
}

impl Rule {
    /// Compiles a rule.
    pub(super) fn compile(entry: &RuleEntry) -> Result<Self, Fault> {
        if entry.id.is_empty() {
            return Err(Fault::Nameless);
        }
        if entry.keywords.iter().any(String::is_empty) {
            return Err(Fault::EmptyKeyword);
        }
        if !entry.required.is_empty() {
            return Err(Fault::Composite);
        }
        let finds = match (entry.regex.as_str(), entry.path.as_str()) {
            ("", "") => return Err(Fault::Matchless),
            ("", _) => Finds::Files,
            (regex, _) => Finds::Texts(TextPattern::compile(regex, entry)?),
        };
        let path = (!entry.path.is_empty()).then(|| compile("path", &entry.path));
        Ok(Self {
            id: entry.id.clone(),
            description: entry.description.clone(),
            finds,
            path: path.transpose()?,
            keywords: entry
                .keywords
                .iter()
                .map(|keyword| keyword.to_ascii_lowercase())
                .collect(),
            allowlists: rule_allowlists(entry)?,
        })
    }

    /// Adds an allowlist from outside of the rule.
    pub(super) fn add_allowlist(&mut self, allowlist: Allowlist) {
        self.allowlists.push(allowlist);
    }

    /// The rule's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it finds, in words.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Keywords: every text with a match contains one of them.
    #[must_use]
    pub fn keywords(&self) -> &[String] {
        &self.keywords
    }

    /// The minimum number of bytes of a text with a match; `None` for a rule that finds no texts.
    pub(super) fn minimum_length(&self) -> Option<usize> {
        match &self.finds {
            Finds::Texts(pattern) => Some(pattern.minimum_length),
            Finds::Files => None,
        }
    }

    /// Whether the rule reports this file because of its path.
    pub(crate) fn finds_file(&self, file: &str) -> bool {
        matches!(self.finds, Finds::Files) && self.is_for_file(Some(file))
    }

    /// Whether the rule applies to text from this file. A rule with a path does not apply to text from no file.
    pub(crate) fn is_for_file(&self, file: Option<&str>) -> bool {
        match &self.path {
            None => true,
            Some(path) => file.is_some_and(|file| path.is_match(file)),
        }
    }

    /// Whether the rule depends on the file that contains the text.
    pub(crate) fn asks_for_file(&self) -> bool {
        self.path.is_some()
    }

    /// The positions of the pattern's matches in a text, each with the position of the secret in it.
    pub(crate) fn matches<'r, 't>(
        &'r self,
        text: &'t str,
    ) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + use<'r, 't> {
        let pattern = match &self.finds {
            Finds::Texts(pattern) if text.len() >= pattern.minimum_length => Some(pattern),
            _ => None,
        };
        let matches = pattern.map(|pattern| {
            let captures = pattern.regex.captures_iter(text);
            captures.filter_map(|captures| pattern.secret_of(&captures, text))
        });
        matches.into_iter().flatten()
    }

    /// Whether one of the rule's allowlists allows the match.
    pub(crate) fn allows(&self, suspect: &Suspect<'_>) -> bool {
        self.allowlists.iter().any(|list| list.allows(suspect))
    }

    /// How precisely the rule recognises a secret that it found.
    pub(crate) fn specificity(&self, secret: &str) -> Specificity {
        if self.id.to_ascii_lowercase().contains("generic") {
            return Specificity::Generic;
        }
        let secret = secret.to_ascii_lowercase();
        match self.keywords.iter().any(|keyword| secret.contains(keyword.as_str())) {
            true => Specificity::Form,
            false => Specificity::Surroundings,
        }
    }
}

impl TextPattern {
    fn compile(regex: &str, entry: &RuleEntry) -> Result<Self, Fault> {
        let regex = compile("regex", regex)?;
        let groups = regex.captures_len() - 1;
        if entry.secret_group > groups {
            return Err(Fault::SecretGroup {
                given: entry.secret_group,
                groups,
            });
        }
        Ok(Self {
            minimum_length: pattern::minimum_length(&regex),
            regex,
            secret_group: (entry.secret_group > 0).then_some(entry.secret_group),
            entropy: (entry.entropy > 0.0).then_some(entry.entropy),
        })
    }

    /// The match without line breaks around it, and the secret in it; `None` if the secret has too little entropy.
    fn secret_of(&self, captures: &Captures<'_>, text: &str) -> Option<(Range<usize>, Range<usize>)> {
        let matched = captures.get_match();
        let matched = trim_line_breaks(text, matched.range());
        let group = match self.secret_group {
            Some(group) => Some(captures.get(group)?),
            None => captures.iter().skip(1).flatten().find(|group| !group.is_empty()),
        };
        let secret = group.map_or(matched.clone(), |group| group.range());
        let is_random = |least: f64| shannon_entropy(&text[secret.clone()]) > least;
        (!secret.is_empty() && self.entropy.is_none_or(is_random)).then_some((matched, secret))
    }
}

fn trim_line_breaks(text: &str, range: Range<usize>) -> Range<usize> {
    let start = range.end - text[range.clone()].trim_start_matches('\n').len();
    let end = start + text[start..range.end].trim_end_matches('\n').len();
    start..end
}

fn compile(field: &'static str, pattern: &str) -> Result<Regex, Fault> {
    pattern::compile(pattern).map_err(|source| Fault::Pattern {
        field,
        source: Box::new(source),
    })
}

fn rule_allowlists(entry: &RuleEntry) -> Result<Vec<Allowlist>, Fault> {
    if !entry.allowlist.is_empty() && !entry.allowlists.is_empty() {
        return Err(Fault::BothForms);
    }
    let of_rule = |list: &AllowlistEntry| match list.target_rules.is_empty() {
        true => Allowlist::compile(list),
        false => Err(Fault::TargetsInRule),
    };
    entry.allowlist.iter().chain(&entry.allowlists).map(of_rule).collect()
}
