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

    /// The class of an error with this text.
    pub(crate) fn classify(&self, origin: Origin, tool: Option<&str>, text: &str) -> &str {
        let looked_at = text.as_bytes().get(..LOOKED_AT).unwrap_or(text.as_bytes());
        let matches = self.patterns.matches(looked_at);
        let rules = matches.into_iter().filter_map(|number| self.rules.get(number));
        let mut fitting = rules.filter(|rule| rule.is_for(origin, tool));
        fitting.next().map_or(OTHER, |rule| &rule.class)
    }
}

/// Whether the class is of what a person did.
pub(crate) fn is_of_a_person(class: &str) -> bool {
    OF_A_PERSON.contains(&class)
}

impl Rule {
    fn is_for(&self, origin: Origin, tool: Option<&str>) -> bool {
        let fits = |known: &String| match (known.strip_suffix('*'), tool) {
            (Some(beginning), Some(tool)) => tool.starts_with(beginning),
            (None, Some(tool)) => known == tool,
            (_, None) => false,
        };
        self.of.is_none_or(|of| of == origin) && self.tools.as_ref().is_none_or(|tools| tools.iter().any(fits))
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

/// Without Unicode, whose word boundaries are slow to find beside letters that are not ASCII.
fn set<'a>(patterns: impl IntoIterator<Item = &'a String>) -> Result<RegexSet, regex::Error> {
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

    #[track_caller]
    fn check(origin: Origin, tool: Option<&str>, text: &str, class: &str) {
        assert_eq!(
            Classes::shipped().unwrap().classify(origin, tool, text),
            class,
            "{text}"
        );
    }

    #[test]
    fn results_of_commands() {
        for (text, class) in [
            ("Exit code 1\nnothing to commit, working tree clean", "exit_nonzero"),
            ("Error: Exit code 2", "exit_nonzero"),
            ("Exit code 127\n(eval):1: command not found: just", "command_not_found"),
            ("/bin/sh: 1: jq: not found", "command_not_found"),
            ("Exit code 2\nls: /nowhere: No such file or directory", "file_not_found"),
            ("Exit code 1\ncat: /etc/shadow: Permission denied", "permission_denied"),
            ("Command timed out after 2m 0.0s", "timeout"),
            ("Exit code 101\ntest result: FAILED. 3 passed; 1 failed", "test_failure"),
            ("Exit code 1\n=== 2 failed, 7 passed in 0.31s ===", "test_failure"),
            ("Exit code 2\n12 tests, 1 failure", "test_failure"),
            ("Exit code 101\nerror[E0382]: use of moved value", "compile_error"),
            (
                "Exit code 1\nsrc/main.c:3:10: fatal error: x.h: No such file or directory",
                "compile_error",
            ),
            (
                "Exit code 2\nsrc/a.ts(3,1): error TS2304: Cannot find name",
                "compile_error",
            ),
            ("Exit code 6\ncurl: (6) Could not resolve host: example.org", "network"),
            ("Exit code 1\nFAIL src/app.test.js", "test_failure"),
            ("Exit code 1\n  ✗ closed on Sundays", "test_failure"),
            (
                "Failed to connect to localhost port 8080: Connection refused",
                "network",
            ),
            ("× Failed to read foo.toml: Permission denied", "permission_denied"),
            ("✘ [ERROR] Could not resolve \"js/app.js\"", "compile_error"),
            ("fatal: remote says user denied access", "other"),
            (
                "Pre-commit validation failed:\n\n[FORMAT] Code is not formatted.",
                "check_failed",
            ),
            ("EISDIR: illegal operation on a directory, read", "not_a_file"),
            ("something else", "other"),
            ("", "other"),
        ] {
            check(Origin::Tool, Some("Bash"), text, class);
        }
    }

    #[test]
    fn what_the_agent_says_of_a_call() {
        for (tool, text, class) in [
            (
                "Edit",
                "<tool_use_error>String to replace not found in file.",
                "edit_mismatch",
            ),
            (
                "Edit",
                "<tool_use_error>File has not been read yet. Read it first",
                "file_not_read",
            ),
            (
                "Read",
                "<tool_use_error>File does not exist.</tool_use_error>",
                "file_not_found",
            ),
            (
                "Read",
                "File content (85812 tokens) exceeds maximum allowed tokens (25000).",
                "too_large",
            ),
            (
                "Read",
                "<tool_use_error>Sibling tool call errored</tool_use_error>",
                "sibling_failed",
            ),
            (
                "Glob",
                "The user doesn't want to proceed with this tool use.",
                "user_rejected",
            ),
            ("Bash", "[Request interrupted by user for tool use]", "interrupted"),
            (
                "Bash",
                "Permission to use Bash with command rm has been denied.",
                "permission_denied",
            ),
            (
                "Task",
                "<tool_use_error>InputValidationError: Task failed",
                "invalid_call",
            ),
            ("mcp__pantry__stock", "MCP error -32001: Request timed out", "timeout"),
            ("mcp__pantry__stock", "upstream timeout", "timeout"),
        ] {
            check(Origin::Tool, Some(tool), text, class);
        }
        check(Origin::Tool, None, "String to replace not found in file.", "other");
    }

    #[test]
    fn errors_of_the_model_and_interruptions() {
        for (text, class) in [
            ("API Error: 529 {\"type\":\"overloaded_error\"}", "api_overloaded"),
            ("API Error: Rate limit reached", "api_rate_limited"),
            ("Invalid API key · Please run /login", "api_authentication"),
            ("Prompt is too long", "context_too_long"),
            ("Request timed out.", "timeout"),
            ("API Error: Connection error.", "network"),
            ("API Error: 500 Internal server error", "api_error"),
        ] {
            check(Origin::Api, None, text, class);
        }
        check(
            Origin::Interruption,
            None,
            "[Request interrupted by user]",
            "interrupted",
        );
    }

    #[test]
    fn only_the_head_of_a_huge_text_is_looked_at() {
        let text = format!("{}é timed out", "x".repeat(LOOKED_AT - 1));
        check(Origin::Tool, Some("Bash"), &text, OTHER);
    }

    #[test]
    fn own_rules_come_before_those_that_ship() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let rules =
            "[[rules]]\nclass = \"quiet_commit\"\nof = \"tool\"\ntools = [\"Ba*\"]\npattern = \"nothing to commit\"\n";
        fs::write(&file, rules).unwrap();
        let classes = Classes::with_file(file.path()).unwrap();
        let class_of = |tool, text| classes.classify(Origin::Tool, Some(tool), text);
        assert_eq!(class_of("Bash", "Exit code 1\nnothing to commit"), "quiet_commit");
        assert_eq!(class_of("Read", "Exit code 1\nnothing to commit"), "exit_nonzero");
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
