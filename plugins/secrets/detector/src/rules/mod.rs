//! The rules that find secrets: the shipped ones, or those of a file in gitleaks' format.

mod allowlist;
mod error;
mod extend;
mod file;
mod keywords;
mod pattern;
mod rule;

use std::{collections::HashSet, fs, path::Path};

use self::{
    allowlist::Allowlist,
    file::{AllowlistEntry, RuleFile},
    keywords::Keywords,
};
pub(crate) use self::{allowlist::Suspect, keywords::RuleSet};
pub use self::{
    error::{Fault, RulesError},
    rule::{Rule, Specificity},
};
use crate::settings::Settings;

/// The name of the shipped rules in errors, and their text.
const SHIPPED: (&str, &str) = ("the shipped rules", include_str!("../../rules/default.toml"));

/// All rules in use.
#[derive(Clone, Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    keywords: Keywords,
    allowlists: Vec<Allowlist>,
    /// The operator's allowlist. `allowlists` contains it too.
    of_operator: Option<Allowlist>,
    minimum_length: usize,
}

impl Rules {
    /// The shipped rules.
    ///
    /// # Errors
    /// Never, as long as the shipped rules are valid.
    pub fn shipped() -> Result<Self, RulesError> {
        Self::parse(SHIPPED.0, SHIPPED.1)
    }

    /// Only the rules of a text in gitleaks' format; `extend` has no effect here. Errors call the text `name`.
    ///
    /// # Errors
    /// Names the broken rule.
    pub fn parse(name: &str, toml: &str) -> Result<Self, RulesError> {
        Self::compile(name, &RuleFile::parse(name, toml)?, &[])
    }

    /// The rules that the operator's settings select.
    ///
    /// # Errors
    /// Names the file and the broken rule.
    pub fn from_settings(settings: &Settings) -> Result<Self, RulesError> {
        let shipped = || RuleFile::parse(SHIPPED.0, SHIPPED.1);
        let (name, file) = match &settings.rules_file {
            None => (SHIPPED.0.to_owned(), shipped()?),
            Some(path) => {
                let name = path.display().to_string();
                let file = RuleFile::parse(&name, &read(path)?)?;
                let file = match file.extend.use_default {
                    true => extend::extend(shipped()?, file),
                    false => file,
                };
                (name, file)
            }
        };
        for id in &settings.disabled_rules {
            if !file.rules.iter().any(|rule| rule.id == *id) {
                return Err(RulesError::NothingToDisable(id.clone()));
            }
        }
        let mut rules = Self::compile(&name, &file, &settings.disabled_rules)?;
        rules.allow(settings)?;
        Ok(rules)
    }

    fn compile(name: &str, file: &RuleFile, disabled: &[String]) -> Result<Self, RulesError> {
        let rules: Result<Vec<_>, _> = file
            .rules
            .iter()
            .map(|entry| Rule::compile(entry).map_err(|fault| RulesError::of_rule(name, &entry.id, fault)))
            .collect();
        let mut rules = rules?;
        let allowlists = compile_allowlists(name, file, &mut rules)?;
        let silent: HashSet<&str> = file
            .rules
            .iter()
            .filter(|rule| rule.skip_report)
            .map(|rule| &*rule.id)
            .collect();
        rules.retain(|rule| !silent.contains(rule.id()) && !disabled.iter().any(|id| id == rule.id()));
        Ok(Self {
            keywords: Keywords::new(rules.iter().map(Rule::keywords)).map_err(RulesError::Keywords)?,
            minimum_length: rules
                .iter()
                .filter_map(Rule::minimum_length)
                .min()
                .unwrap_or(usize::MAX),
            rules,
            allowlists,
            of_operator: None,
        })
    }

    /// Adds the operator's allowlist.
    fn allow(&mut self, settings: &Settings) -> Result<(), RulesError> {
        let entry = AllowlistEntry {
            regexes: settings.allow.regexes.clone(),
            stopwords: settings.allow.stopwords.clone(),
            paths: settings.allow.paths.clone(),
            ..AllowlistEntry::default()
        };
        if !entry.is_empty() {
            let allowed = Allowlist::compile(&entry).map_err(|fault| RulesError::Allowlist {
                file: "the settings".to_owned(),
                number: 1,
                fault,
            })?;
            self.allowlists.push(allowed.clone());
            self.of_operator = Some(allowed);
        }
        Ok(())
    }

    /// The rule with this number.
    pub fn get(&self, number: usize) -> &Rule {
        &self.rules[number]
    }

    /// All rules.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The numbers of the rules that report a file because of its path.
    #[must_use]
    pub fn finding_file(&self, file: &str) -> Vec<usize> {
        let suspect = Suspect {
            secret: file,
            matched: file,
            lines: file,
            file: Some(file),
        };
        let finding = self.rules.iter().enumerate().filter(|(_, rule)| {
            // Most rules report no files.
            rule.finds_file(file) && !self.allow_suspect(rule, &suspect)
        });
        finding.map(|(number, _)| number).collect()
    }

    /// Sets `set` to the rules that are worth trying on a text. Returns whether there are any.
    pub(crate) fn worth_trying(&self, text: &str, set: &mut RuleSet) -> bool {
        if text.len() < self.minimum_length {
            return false;
        }
        self.keywords.worth_trying(text, set);
        set.iter().next().is_some()
    }

    /// Whether the operator allows a text that no rule found.
    pub(crate) fn operator_allows(&self, text: &str) -> bool {
        let suspect = Suspect {
            secret: text,
            matched: text,
            lines: text,
            file: None,
        };
        self.of_operator.as_ref().is_some_and(|list| list.allows(&suspect))
    }

    /// Whether a match of a rule is allowed, by a list for all rules or by one for this rule.
    pub(crate) fn allow_suspect(&self, rule: &Rule, suspect: &Suspect<'_>) -> bool {
        self.allowlists.iter().any(|list| list.allows(suspect)) || rule.allows(suspect)
    }
}

fn read(path: &Path) -> Result<String, RulesError> {
    if path.is_relative() {
        return Err(RulesError::Relative(path.display().to_string()));
    }
    fs::read_to_string(path).map_err(|source| RulesError::Unreadable {
        file: path.display().to_string(),
        source,
    })
}

/// Adds each allowlist for certain rules to those rules, and returns the others.
fn compile_allowlists(name: &str, file: &RuleFile, rules: &mut [Rule]) -> Result<Vec<Allowlist>, RulesError> {
    let fault_in = |number: usize| {
        move |fault| RulesError::Allowlist {
            file: name.to_owned(),
            number,
            fault,
        }
    };
    if !file.allowlist.is_empty() && !file.allowlists.is_empty() {
        return Err(fault_in(1)(Fault::BothForms));
    }
    let mut for_all = Vec::new();
    for (number, entry) in (1..).zip(file.allowlist.iter().chain(&file.allowlists)) {
        let allowlist = Allowlist::compile(entry).map_err(fault_in(number))?;
        for target in &entry.target_rules {
            let rule = rules.iter_mut().find(|rule| rule.id() == target);
            let rule = rule.ok_or_else(|| fault_in(number)(Fault::UnknownTarget(target.clone())))?;
            rule.add_allowlist(allowlist.clone());
        }
        if entry.target_rules.is_empty() {
            for_all.push(allowlist);
        }
    }
    Ok(for_all)
}
