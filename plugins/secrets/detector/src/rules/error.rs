//! Why rules cannot be used: which file, which rule, what to do.

use std::io;

/// Why the rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The file is not there, or may not be read.
    #[error("{file}: cannot be read ({source}): give `rules_file` the path of a rule file that the host may read")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        r#source: io::Error,
    },
    /// The path depends on where the host was started.
    #[error("`rules_file` is the relative path {0}: give an absolute one")]
    Relative(String),
    /// The file is no TOML, or not of this format.
    #[error("{file}, line {line}: {message}: write it as gitleaks' configuration is written")]
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
    /// An allow list that belongs to no rule is broken.
    #[error("{file}, allow list {number}: {fault}")]
    Allowlist {
        /// The file.
        file: String,
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The keywords of all rules together cannot be searched for.
    #[error("the keywords of the rules: {0}: use fewer or shorter ones")]
    Keywords(aho_corasick::BuildError),
    /// A rule that is to be disabled does not exist.
    #[error("`disabled_rules`: there is no rule `{0}`: correct the name or remove it")]
    NothingToDisable(String),
}

impl RulesError {
    /// What is wrong with a rule of a file.
    pub(super) fn of_rule(file: &str, rule: &str, fault: Fault) -> Self {
        Self::Rule {
            file: file.to_owned(),
            rule: rule.to_owned(),
            fault,
        }
    }
}

/// What is wrong with a rule or an allow list.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A regular expression does not compile.
    #[error("`{field}` is no regular expression that can be used ({source}): correct it")]
    Pattern {
        /// The field that holds it.
        field: &'static str,
        /// Why.
        r#source: Box<regex::Error>,
    },
    /// The stop words cannot be searched for.
    #[error("`stopwords` cannot be searched for ({0}): use fewer or shorter ones")]
    Stopwords(aho_corasick::BuildError),
    /// The group that holds the secret does not exist.
    #[error("`secretGroup` is {given}, but `regex` has {groups} group(s): give one of those, or leave it out")]
    SecretGroup {
        /// The one that is asked for.
        given: usize,
        /// How many there are.
        groups: usize,
    },
    /// Another rule of the file has the same name.
    #[error("the id is used twice: rename one of the two rules")]
    Duplicate,
    /// The id is empty.
    #[error("the id is empty: name the rule")]
    Nameless,
    /// The rule can find nothing.
    #[error("it has neither `regex` nor `path`, so it finds nothing: give it one of them")]
    Matchless,
    /// The rule holds only where others hold near by.
    #[error("`required` makes it a rule of several parts, which are not supported: remove the rule, or `required`")]
    Composite,
    /// An empty keyword would stand in every text.
    #[error("a keyword is empty: remove it; a rule without keywords is always tried")]
    EmptyKeyword,
    /// The old and the new form of allow lists are mixed.
    #[error("`allowlist` and `allowlists` are both given: move the former into the latter")]
    BothForms,
    /// An allow list without any criterion.
    #[error("it allows nothing: give it `regexes`, `stopwords`, `paths` or `commits`")]
    NoCriterion,
    /// An allow list is for a rule that does not exist.
    #[error("`targetRules` names `{0}`, and there is no such rule: correct the name or remove it")]
    UnknownTarget(String),
    /// The allow list of a rule is said to be for others.
    #[error("`targetRules` is for allow lists outside of rules: remove it, or move the list out of the rule")]
    TargetsInRule,
}
