//! Errors of rules. Each names the file and the rule, and says what to do.

use std::io;

/// Why the rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The file does not exist or cannot be read.
    #[error(
        "cannot read the rule file {file}: {source}; set `rules_file` to the path of a rule file that the host may read"
    )]
    Unreadable {
        /// The file.
        file: String,
        /// The reason.
        r#source: io::Error,
    },
    /// The path is relative, so it would depend on where the host was started.
    #[error("`rules_file` is the relative path {0}; set it to an absolute path")]
    Relative(String),
    /// The file is not TOML, or not in this format.
    #[error("{file}, line {line}: {message}; use the format of gitleaks' configuration")]
    Format {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A rule is broken.
    #[error("{file}, rule `{rule}`: {fault}")]
    Rule {
        /// The file.
        file: String,
        /// The rule's `id`.
        rule: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// An allowlist outside of rules is broken.
    #[error("{file}, allowlist {number}: {fault}")]
    Allowlist {
        /// The file.
        file: String,
        /// The number of the list, from 1.
        number: usize,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The keywords of all rules cannot be compiled into one search.
    #[error("cannot compile the keywords of the rules: {0}; use fewer or shorter ones")]
    Keywords(aho_corasick::BuildError),
    /// A rule to be disabled does not exist.
    #[error("`disabled_rules` names `{0}`, but there is no such rule; correct the name or remove it")]
    NothingToDisable(String),
}

impl RulesError {
    /// The error of a rule in a file.
    pub(super) fn of_rule(file: &str, rule: &str, fault: Fault) -> Self {
        Self::Rule {
            file: file.to_owned(),
            rule: rule.to_owned(),
            fault,
        }
    }
}

/// What is wrong with a rule or an allowlist.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A regular expression does not compile.
    #[error("`{field}` is not a valid regular expression: {source}; correct it")]
    Pattern {
        /// The field that holds it.
        field: &'static str,
        /// The reason.
        r#source: Box<regex::Error>,
    },
    /// The stop words cannot be compiled into one search.
    #[error("cannot compile `stopwords`: {0}; use fewer or shorter ones")]
    Stopwords(aho_corasick::BuildError),
    /// The group that holds the secret does not exist.
    #[error("`secretGroup` is {given}, but `regex` has {groups} group(s); set it to one of these, or remove it")]
    SecretGroup {
        /// The requested group.
        given: usize,
        /// The number of groups.
        groups: usize,
    },
    /// Another rule of the file has the same name.
    #[error("the id is used twice; rename one of the two rules")]
    Duplicate,
    /// The id is empty.
    #[error("the id is empty; name the rule")]
    Nameless,
    /// The rule can find nothing.
    #[error("it has neither `regex` nor `path`, so it finds nothing; add one of them")]
    Matchless,
    /// The rule applies only if other rules find something nearby.
    #[error("`required` makes it a composite rule, which is not supported; remove the rule, or `required`")]
    Composite,
    /// An empty keyword would occur in every text.
    #[error("a keyword is empty; remove it (a rule without keywords is tried on every text)")]
    EmptyKeyword,
    /// The old and the new form of allowlists are mixed.
    #[error("`allowlist` and `allowlists` are both set; move the former into the latter")]
    BothForms,
    /// An allowlist without any criterion.
    #[error("it allows nothing; add `regexes`, `stopwords`, `paths` or `commits`")]
    NoCriterion,
    /// An allowlist names a rule that does not exist.
    #[error("`targetRules` names `{0}`, but there is no such rule; correct the name or remove it")]
    UnknownTarget(String),
    /// The allowlist of a rule names other rules.
    #[error("`targetRules` is only for allowlists outside of rules; remove it, or move the list out of the rule")]
    TargetsInRule,
}
