//! Allowlists: matches of a rule that are not secrets.

use aho_corasick::AhoCorasick;
use regex::Regex;

use super::{
    error::Fault,
    file::{AllowlistEntry, Condition, RegexTarget},
    pattern,
};

/// A match of a rule, as allowlists see it.
#[derive(Clone, Copy)]
pub(crate) struct Suspect<'a> {
    /// The possible secret.
    pub(crate) secret: &'a str,
    /// The complete match of the rule's pattern.
    pub(crate) matched: &'a str,
    /// The lines that contain the match.
    pub(crate) lines: &'a str,
    /// The file that contains it, if a tool named one.
    pub(crate) file: Option<&'a str>,
}

/// A compiled allowlist.
#[derive(Clone, Debug)]
pub(crate) struct Allowlist {
    condition: Condition,
    target: RegexTarget,
    regexes: Option<Vec<Regex>>,
    stopwords: Option<AhoCorasick>,
    paths: Option<Vec<Regex>>,
    asks_for_commit: bool,
}

impl Allowlist {
    /// Compiles an allowlist.
    pub(super) fn compile(entry: &AllowlistEntry) -> Result<Self, Fault> {
        if entry.is_empty() {
            return Err(Fault::NoCriterion);
        }
        Ok(Self {
            condition: entry.condition,
            target: entry.regex_target,
            regexes: patterns("regexes", &entry.regexes)?,
            stopwords: stopwords(&entry.stopwords)?,
            paths: patterns("paths", &entry.paths)?,
            asks_for_commit: !entry.commits.is_empty(),
        })
    }

    /// Whether this list allows the match.
    pub(crate) fn allows(&self, suspect: &Suspect<'_>) -> bool {
        let mut given = self.criteria(suspect).into_iter().flatten();
        match self.condition {
            Condition::Any => given.any(|holds| holds),
            Condition::All => given.all(|holds| holds),
        }
    }

    /// Whether each criterion holds; `None` for one that is not set. Transcripts belong to no commit.
    fn criteria(&self, suspect: &Suspect<'_>) -> [Option<bool>; 4] {
        let target = match self.target {
            RegexTarget::Secret => suspect.secret,
            RegexTarget::Match => suspect.matched,
            RegexTarget::Line => suspect.lines,
        };
        let any_matches = |patterns: &Vec<Regex>, text: &str| patterns.iter().any(|pattern| pattern.is_match(text));
        [
            self.asks_for_commit.then_some(false),
            self.paths
                .as_ref()
                .map(|paths| suspect.file.is_some_and(|file| any_matches(paths, file))),
            self.stopwords.as_ref().map(|words| words.is_match(suspect.secret)),
            self.regexes.as_ref().map(|regexes| any_matches(regexes, target)),
        ]
    }
}

fn patterns(field: &'static str, patterns: &[String]) -> Result<Option<Vec<Regex>>, Fault> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let compiled: Result<Vec<_>, _> = patterns.iter().map(|text| pattern::compile(text)).collect();
    compiled.map(Some).map_err(|source| Fault::Pattern {
        field,
        source: Box::new(source),
    })
}

fn stopwords(words: &[String]) -> Result<Option<AhoCorasick>, Fault> {
    if words.is_empty() {
        return Ok(None);
    }
    let searcher = AhoCorasick::builder().ascii_case_insensitive(true).build(words);
    searcher.map(Some).map_err(Fault::Stopwords)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowlist(entry: AllowlistEntry) -> Allowlist {
        Allowlist::compile(&entry).unwrap()
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    const SUSPECT: Suspect<'_> = Suspect {
        secret: "s3cr3t-Example",
        matched: "key = s3cr3t-Example",
        lines: "the key = s3cr3t-Example, they say",
        file: Some("docs/readme.md"),
    };

    #[test]
    fn patterns_are_tried_on_their_target() {
        for (target, pattern) in [
            (RegexTarget::Secret, "^s3cr3t"),
            (RegexTarget::Match, "^key ="),
            (RegexTarget::Line, "they say$"),
        ] {
            let list = |regex_target| {
                allowlist(AllowlistEntry {
                    regex_target,
                    regexes: texts(&[pattern]),
                    ..AllowlistEntry::default()
                })
            };
            assert!(list(target).allows(&SUSPECT), "{target:?}");
            let other = match target {
                RegexTarget::Line => RegexTarget::Match,
                _ => RegexTarget::Line,
            };
            assert!(!list(other).allows(&SUSPECT), "{other:?}");
        }
    }

    #[test]
    fn stopwords_are_looked_for_in_the_secret_in_any_case() {
        let list = |word| {
            allowlist(AllowlistEntry {
                stopwords: texts(&["nothing", word]),
                ..AllowlistEntry::default()
            })
        };
        assert!(list("eXAMPLE").allows(&SUSPECT) && !list("they").allows(&SUSPECT));
    }

    #[test]
    fn one_criterion_suffices_unless_all_are_asked_for() {
        let list = |condition, path| {
            allowlist(AllowlistEntry {
                condition,
                paths: texts(&[path]),
                stopwords: texts(&["example"]),
                ..AllowlistEntry::default()
            })
        };
        assert!(list(Condition::Any, "nowhere").allows(&SUSPECT) && list(Condition::All, r"\.md$").allows(&SUSPECT));
        assert!(!list(Condition::All, "nowhere").allows(&SUSPECT));
        let nowhere = Suspect { file: None, ..SUSPECT };
        assert!(!list(Condition::All, r"\.md$").allows(&nowhere));
    }

    #[test]
    fn a_transcript_is_in_no_commit() {
        let list = |condition| {
            allowlist(AllowlistEntry {
                condition,
                commits: texts(&["359bcc8"]),
                stopwords: texts(&["example"]),
                ..AllowlistEntry::default()
            })
        };
        assert!(list(Condition::Any).allows(&SUSPECT) && !list(Condition::All).allows(&SUSPECT));
    }
}
