//! Assigns classes to errors by rules that are data, so that operators can add their own.

use std::{fs, path::Path};

use regex::bytes::{RegexSet, RegexSetBuilder};
use serde::Deserialize;
use session_plugin_api::{Error, Result};

/// The shipped rules.
const SHIPPED: &str = include_str!("classes.toml");

/// The class of errors that match no rule.
const OTHER: &str = "other";

/// The classes of a person's decisions. The processor knows only these two by name.
const OF_A_PERSON: [&str; 2] = ["user_rejected", "interrupted"];

/// How many bytes of an error's text are matched.
const LOOKED_AT: usize = 64 << 10;

/// The size limit of the automaton of all patterns, in bytes. With a smaller one, the regex crate would discard and
/// rebuild it again and again.
const AUTOMATON: usize = 64 << 20;

/// The failed operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// A call of a tool.
    Tool,
    /// A request to the model.
    Api,
    /// None: a person stopped the agent.
    Interruption,
}

/// The facts about an error in a transcript.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'e> {
    pub(crate) origin: Origin,
    /// The failed tool.
    pub(crate) tool: Option<&'e str>,
    /// The agent's own code for the error.
    pub(crate) code: Option<&'e str>,
    pub(crate) text: &'e str,
}

/// The rules, in order.
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
    /// The shipped rules.
    ///
    /// # Errors
    /// Never, as long as the shipped rules are valid.
    pub(crate) fn shipped() -> Result<Self> {
        Self::new(read(SHIPPED, "the shipped rules")?)
    }

    /// The rules of a file, followed by the shipped rules.
    ///
    /// # Errors
    /// When the file cannot be read, or a rule is invalid.
    pub(crate) fn with_file(path: &Path) -> Result<Self> {
        let name = format!("rules_file {}", path.display());
        let text = fs::read_to_string(path).map_err(|error| Error::new(format!("{name}: {error}")))?;
        let mut rules = read(&text, &name)?;
        rules.extend(read(SHIPPED, "the shipped rules")?);
        Self::new(rules)
    }

    fn new(rules: Vec<Rule>) -> Result<Self> {
        let patterns = set(rules.iter().map(|rule| &rule.pattern));
        let patterns = patterns.map_err(|error| {
            Error::new(format!(
                "cannot compile the patterns of all rules: {error}; shorten the patterns of your `rules_file`"
            ))
        })?;
        Ok(Self { rules, patterns })
    }

    /// The class of an error.
    pub(crate) fn classify(&self, error: &Evidence<'_>) -> &str {
        let looked_at = error.text.as_bytes().get(..LOOKED_AT);
        let matches = self.patterns.matches(looked_at.unwrap_or(error.text.as_bytes()));
        let rules = matches.into_iter().filter_map(|number| self.rules.get(number));
        let mut fitting = rules.filter(|rule| rule.is_for(error));
        fitting.next().map_or(OTHER, |rule| &rule.class)
    }
}

/// Whether the class is a person's decision.
pub(crate) fn is_of_a_person(class: &str) -> bool {
    OF_A_PERSON.contains(&class)
}

impl Rule {
    fn is_for(&self, error: &Evidence<'_>) -> bool {
        self.of.is_none_or(|of| of == error.origin)
            && self.tools.as_ref().is_none_or(|tools| is_one_of(error.tool, tools))
            && self.codes.as_ref().is_none_or(|codes| is_one_of(error.code, codes))
    }

    /// Why the rule is invalid, if it is.
    fn fault(&self) -> Option<String> {
        let mut characters = self.class.chars();
        let begins = characters.next().is_some_and(|first| first.is_ascii_lowercase());
        if !begins || !characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            return Some("the name of a class must match [a-z][a-z0-9_]*".to_owned());
        }
        if self.of != Some(Origin::Tool) && self.tools.is_some() {
            return Some("a rule with `tools` needs `of = \"tool\"`".to_owned());
        }
        set([&self.pattern])
            .err()
            .map(|error| format!("`pattern` is not a valid regular expression: {error}"))
    }
}

/// Whether a name is in the list; a `*` at the end of an entry matches any ending.
fn is_one_of(name: Option<&str>, known: &[String]) -> bool {
    let is_named = |name: &str| {
        known.iter().any(|known| match known.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == known,
        })
    };
    name.is_some_and(is_named)
}

/// Compiles the patterns without Unicode, whose word boundaries are slow beside non-ASCII letters. An empty pattern
/// matches any text; it is anchored to the start, because it would otherwise match at every byte.
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

    fn of_bash(text: &str) -> Evidence<'_> {
        Evidence {
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
    fn own_rules_come_before_the_shipped_rules() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let rules = "[[rules]]\nclass = \"quiet_commit\"\nof = \"tool\"\ntools = [\"Ba*\"]\npattern = \"nothing to commit\"\n\
             [[rules]]\nclass = \"held_back\"\ncodes = [\"freeze\"]\n";
        fs::write(&file, rules).unwrap();
        let classes = Classes::with_file(file.path()).unwrap();
        let error = of_bash("Exit code 1\nnothing to commit");
        let (tool, code) = (Some("Read"), Some("freeze"));
        assert_eq!(classes.classify(&error), "quiet_commit");
        assert_eq!(classes.classify(&Evidence { tool, ..error }), "exit_nonzero");
        assert_eq!(classes.classify(&Evidence { tool, code, ..error }), "held_back");
    }

    #[test]
    fn an_invalid_rule_is_named() {
        for (rules, told) in [
            (
                "[[rules]]\nclass = \"A\"\n",
                "rule 1, class `A`: the name of a class must match",
            ),
            (
                "[[rules]]\nclass = \"a\"\n[[rules]]\nclass = \"b\"\npattern = \"(\"\n",
                "rule 2, class `b`: `pattern` is not a valid regular expression",
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
