//! The classes of errors, by rules that are data.

use std::{fs, path::Path};

use regex::bytes::{RegexSet, RegexSetBuilder};
use serde::Deserialize;
use session_plugin_api::{Error, Result};

/// The rules that ship.
const SHIPPED: &str = include_str!("classes.toml");

/// The class of what no rule fits.
const OTHER: &str = "other";

/// The classes of what a person did: the only ones that the processor knows by name.
const OF_A_PERSON: [&str; 2] = ["user_rejected", "interrupted"];

/// How much of an error's text is looked at, in bytes.
const LOOKED_AT: usize = 64 << 10;

/// How large the automaton of all patterns may get, in bytes: a smaller one is thrown away and made anew time and again.
const AUTOMATON: usize = 64 << 20;

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// A call of a tool.
    Tool,
    /// A request to the model.
    Api,
    /// Nothing: a person stopped the agent.
    Interruption,
}

/// What a transcript tells of an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'e> {
    pub(crate) origin: Origin,
    /// The tool that failed.
    pub(crate) tool: Option<&'e str>,
    /// What the agent calls the error.
    pub(crate) code: Option<&'e str>,
    pub(crate) text: &'e str,
}

/// The rules in their order.
#[derive(Debug)]
pub(crate) struct Classes {
    rules: Vec<Rule>,
    /// One pattern per rule.
    patterns: RegexSet,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    class: String,
    of: Option<Origin>,
    tools: Option<Vec<String>>,
    codes: Option<Vec<String>>,
    #[serde(default)]
    pattern: String,
}

impl Classes {
    /// The rules that ship.
    ///
    /// # Errors
    /// Never for the rules as they are.
    pub(crate) fn shipped() -> Result<Self> {
        Self::new(read(SHIPPED, "the rules that ship")?)
    }

    /// The rules of a file, and after them those that ship.
    ///
    /// # Errors
    /// When the file cannot be read, or one of its rules is none.
    pub(crate) fn with_file(path: &Path) -> Result<Self> {
        let name = format!("rules_file {}", path.display());
        let text = fs::read_to_string(path).map_err(|error| Error::new(format!("{name}: {error}")))?;
        let mut rules = read(&text, &name)?;
        rules.extend(read(SHIPPED, "the rules that ship")?);
        Self::new(rules)
    }

    fn new(rules: Vec<Rule>) -> Result<Self> {
        let patterns = set(rules.iter().map(|rule| &rule.pattern));
        let patterns = patterns.map_err(|error| Error::new(format!("the patterns of all rules together: {error}")))?;
        Ok(Self { rules, patterns })
    }

    /// The class of an error.
    pub(crate) fn classify(&self, error: &Told<'_>) -> &str {
        let looked_at = error.text.as_bytes().get(..LOOKED_AT);
        let matches = self.patterns.matches(looked_at.unwrap_or(error.text.as_bytes()));
        let rules = matches.into_iter().filter_map(|number| self.rules.get(number));
        let mut fitting = rules.filter(|rule| rule.is_for(error));
        fitting.next().map_or(OTHER, |rule| &rule.class)
    }
}

/// Whether the class is of what a person did.
pub(crate) fn is_of_a_person(class: &str) -> bool {
    OF_A_PERSON.contains(&class)
}

impl Rule {
    fn is_for(&self, error: &Told<'_>) -> bool {
        self.of.is_none_or(|of| of == error.origin)
            && self.tools.as_ref().is_none_or(|tools| is_one_of(error.tool, tools))
            && self.codes.as_ref().is_none_or(|codes| is_one_of(error.code, codes))
    }

    /// What is wrong with the rule.
    fn fault(&self) -> Option<String> {
        let mut characters = self.class.chars();
        let begins = characters.next().is_some_and(|first| first.is_ascii_lowercase());
        if !begins || !characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            return Some("a class is named [a-z][a-z0-9_]*".to_owned());
        }
        if self.of != Some(Origin::Tool) && self.tools.is_some() {
            return Some("`tools` needs `of = \"tool\"`".to_owned());
        }
        set([&self.pattern]).err().map(|error| format!("its pattern: {error}"))
    }
}

/// Whether a name is known; `*` stands for whatever ends it.
fn is_one_of(name: Option<&str>, known: &[String]) -> bool {
    let is_named = |name: &str| {
        known.iter().any(|known| match known.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == known,
        })
    };
    name.is_some_and(is_named)
}

/// Without Unicode, whose word boundaries are slow to find beside letters that are not ASCII. No pattern fits any text; it is
/// looked for at the beginning alone, since it would be found at every byte.
fn set<'a>(patterns: impl IntoIterator<Item = &'a String>) -> Result<RegexSet, regex::Error> {
    let patterns = patterns.into_iter().map(|pattern| match pattern.as_str() {
        "" => r"\A",
        pattern => pattern,
    });
    RegexSetBuilder::new(patterns)
        .multi_line(true)
        .unicode(false)
        .dfa_size_limit(AUTOMATON)
        .build()
}

fn read(text: &str, name: &str) -> Result<Vec<Rule>> {
    let file: RulesFile = toml::from_str(text).map_err(|error| Error::new(format!("{name}: {error}")))?;
    for (number, rule) in file.rules.iter().enumerate() {
        if let Some(fault) = rule.fault() {
            let class = &rule.class;
            return Err(Error::new(format!(
                "{name}: rule {}, class `{class}`: {fault}",
                number + 1
            )));
        }
    }
    Ok(file.rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_bash(text: &str) -> Told<'_> {
        Told {
            origin: Origin::Tool,
            tool: Some("Bash"),
            code: None,
            text,
        }
    }

    #[test]
    fn only_the_head_of_a_huge_text_is_looked_at() {
        let text = format!("{}é timed out", "x".repeat(LOOKED_AT - 1));
        assert_eq!(Classes::shipped().unwrap().classify(&of_bash(&text)), OTHER);
    }

    #[test]
    fn own_rules_come_before_those_that_ship() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let rules = "[[rules]]\nclass = \"quiet_commit\"\nof = \"tool\"\ntools = [\"Ba*\"]\npattern = \"nothing to commit\"\n\
             [[rules]]\nclass = \"held_back\"\ncodes = [\"freeze\"]\n";
        fs::write(&file, rules).unwrap();
        let classes = Classes::with_file(file.path()).unwrap();
        let error = of_bash("Exit code 1\nnothing to commit");
        let (tool, code) = (Some("Read"), Some("freeze"));
        assert_eq!(classes.classify(&error), "quiet_commit");
        assert_eq!(classes.classify(&Told { tool, ..error }), "exit_nonzero");
        assert_eq!(classes.classify(&Told { tool, code, ..error }), "held_back");
    }

    #[test]
    fn a_rule_that_is_none_is_named() {
        for (rules, told) in [
            ("[[rules]]\nclass = \"A\"\n", "rule 1, class `A`: a class is named"),
            (
                "[[rules]]\nclass = \"a\"\n[[rules]]\nclass = \"b\"\npattern = \"(\"\n",
                "rule 2, class `b`: its pattern",
            ),
            (
                "[[rules]]\nclass = \"a\"\nof = \"api\"\ntools = [\"Bash\"]\n",
                "`tools` needs `of = \"tool\"`",
            ),
            ("[[rules]]\nclass = \"a\"\nregex = \"b\"\n", "unknown field `regex`"),
        ] {
            let error = read(rules, "rules_file x").unwrap_err().to_string();
            assert!(error.contains("rules_file x") && error.contains(told), "{error}");
        }
        let missing = Classes::with_file(Path::new("/nowhere/rules.toml"))
            .unwrap_err()
            .to_string();
        assert!(missing.contains("/nowhere/rules.toml"), "{missing}");
    }
}
