//! Searches one text for secrets.

mod harmless;
mod overlap;

use std::{borrow::Cow, ops::Range};

use memchr::{memchr, memrchr};

use self::harmless::Harmless;
use crate::rules::{Rule, RuleSet, Rules, Specificity, Suspect};

/// The maximum size of a key in bytes. Longer keys are ignored.
pub const LONGEST_KEY: usize = 64;

/// The source of a text.
pub trait Origin {
    /// The file, if there is one. Called only when a rule or an allowlist may depend on it.
    fn file(&self) -> Option<&str>;

    /// The key whose value the text is, if there is one. A key of more than [`LONGEST_KEY`] bytes is ignored.
    fn key(&self) -> Option<Cow<'_, str>>;
}

/// Searches texts with one set of rules.
pub struct Scanner<'r> {
    rules: &'r Rules,
    worth_trying: RuleSet,
    /// A buffer for a key and its value, which are searched together.
    member: String,
    harmless: Harmless,
    /// Whether a rule was worth trying on the string under way.
    has_tried: bool,
}

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The number of the rule that found it.
    pub rule: usize,
    /// How precisely the rule recognises it.
    pub specificity: Specificity,
    /// Its position in the text.
    pub secret: Range<usize>,
}

impl<'r> Scanner<'r> {
    /// A scanner that uses these rules.
    #[must_use]
    pub fn new(rules: &'r Rules) -> Self {
        Self {
            rules,
            worth_trying: RuleSet::default(),
            member: String::new(),
            harmless: Harmless::default(),
            has_tried: false,
        }
    }

    /// The secrets of a text, in order, or else the secrets that only its key gives away.
    pub fn hits_in_member(&mut self, text: &str, origin: &impl Origin) -> Vec<Hit> {
        let key = key_of(origin);
        if self.harmless.contains(key.as_deref(), text) {
            return Vec::new();
        }
        self.has_tried = false;
        let mut hits = self.hits(text, origin);
        if hits.is_empty()
            && let Some(key) = &key
        {
            hits = self.hits_by(key, text, origin);
        }
        if !self.has_tried {
            self.harmless.insert(key.as_deref(), text);
        }
        hits
    }

    /// The secrets of a short text that only its key gives away.
    pub(crate) fn hits_by_key(&mut self, text: &str, origin: &impl Origin) -> Vec<Hit> {
        match key_of(origin) {
            Some(key) => self.hits_by(&key, text, origin),
            None => Vec::new(),
        }
    }

    fn hits_by(&mut self, key: &str, text: &str, origin: &impl Origin) -> Vec<Hit> {
        const LONG_VALUE: usize = 512;
        if text.len() > LONG_VALUE {
            return Vec::new();
        }
        let mut member = std::mem::take(&mut self.member);
        member.clear();
        member.extend([key, "=\"", text, "\""]);
        let value = key.len() + 2;
        let mut hits = self.hits(&member, origin);
        hits.retain(|hit| hit.secret.start >= value && hit.secret.end <= value + text.len());
        for hit in &mut hits {
            hit.secret = hit.secret.start - value..hit.secret.end - value;
        }
        self.member = member;
        hits
    }

    /// The secrets of a text, in order. If several rules found the same secret, the hit of the most specific one.
    pub fn hits(&mut self, text: &str, origin: &impl Origin) -> Vec<Hit> {
        overlap::resolve(self.all_hits(text, origin))
    }

    /// The hits of each rule by itself. Several rules may find the same secret.
    pub(crate) fn all_hits(&mut self, text: &str, origin: &impl Origin) -> Vec<Hit> {
        if !self.rules.worth_trying(text, &mut self.worth_trying) {
            return Vec::new();
        }
        self.has_tried = true;
        let mut hits = Vec::new();
        for number in self.worth_trying.iter() {
            let rule = self.rules.get(number);
            if rule.asks_for_file() && !rule.is_for_file(origin.file()) {
                continue;
            }
            for (matched, secret) in rule.matches(text) {
                if !self.is_allowed(rule, text, matched, secret.clone(), origin) {
                    let specificity = rule.specificity(&text[secret.clone()]);
                    hits.push(Hit {
                        rule: number,
                        specificity,
                        secret,
                    });
                }
            }
        }
        hits
    }

    fn is_allowed(
        &self,
        rule: &Rule,
        text: &str,
        matched: Range<usize>,
        secret: Range<usize>,
        origin: &impl Origin,
    ) -> bool {
        /// People write this into a line that only looks as if it had a secret.
        const ALLOWED_BY_COMMENT: &str = "gitleaks:allow";
        let suspect = Suspect {
            secret: &text[secret],
            matched: &text[matched.clone()],
            lines: lines_around(text, matched),
            file: origin.file(),
        };
        suspect.lines.contains(ALLOWED_BY_COMMENT) || self.rules.allow_suspect(rule, &suspect)
    }
}

fn key_of(origin: &impl Origin) -> Option<Cow<'_, str>> {
    origin.key().filter(|key| key.len() <= LONGEST_KEY)
}

/// The lines that contain a range, shortened if they are very long.
fn lines_around(text: &str, range: Range<usize>) -> &str {
    const FAR: usize = 4096;
    let mut start = range.start.saturating_sub(FAR);
    let mut end = text.len().min(range.end + FAR);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if let Some(line_break) = memrchr(b'\n', &text.as_bytes()[start..range.start]) {
        start += line_break + 1;
    }
    if let Some(line_break) = memchr(b'\n', &text.as_bytes()[range.end..end]) {
        end = range.end + line_break;
    }
    &text[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_around_a_match_are_whole() {
        let text = "one\ntwo three\nfour";
        assert_eq!(lines_around(text, 4..7), "two three");
        assert_eq!(lines_around(text, 8..16), "two three\nfour");
        assert_eq!(lines_around(text, 0..1), "one");
        assert_eq!(lines_around(text, text.len()..text.len()), "four");
    }

    #[test]
    fn very_long_lines_are_cut() {
        let text = "ä".repeat(10_000);
        let lines = lines_around(&text, 10_000..10_002);
        assert!(lines.len() < 10_000 && lines.len() > 4_000);
    }
}
