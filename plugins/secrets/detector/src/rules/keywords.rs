//! Selects the rules that are worth trying on a text: those with a keyword in it.

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

/// A set of rule numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleSet {
    words: Vec<u64>,
}

impl RuleSet {
    fn insert(&mut self, rule: usize) {
        let word = rule / 64;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (rule % 64);
    }

    /// The numbers, in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(place, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                (rest != 0).then(|| {
                    rest &= rest - 1;
                    place * 64 + bit
                })
            })
        })
    }
}

/// The keywords of all rules.
#[derive(Clone, Debug)]
pub(super) struct Keywords {
    searcher: AhoCorasick,
    /// The rules of each keyword.
    rules: Vec<Vec<usize>>,
    /// The rules without keywords, which are tried on every text.
    always: RuleSet,
}

impl Keywords {
    /// The keywords of rules, in the order of the rules' numbers. A rule without keywords is tried on every text.
    pub(super) fn new<'a>(of_rules: impl Iterator<Item = &'a [String]>) -> Result<Self, BuildError> {
        let mut words: Vec<String> = Vec::new();
        let mut rules: Vec<Vec<usize>> = Vec::new();
        let mut always = RuleSet::default();
        for (rule, keywords) in of_rules.enumerate() {
            if keywords.is_empty() {
                always.insert(rule);
            }
            for keyword in keywords.iter().map(|keyword| keyword.to_ascii_lowercase()) {
                match words.iter().position(|word| *word == keyword) {
                    Some(known) => rules[known].push(rule),
                    None => {
                        words.push(keyword);
                        rules.push(vec![rule]);
                    }
                }
            }
        }
        let searcher = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(words)?;
        Ok(Self {
            searcher,
            rules,
            always,
        })
    }

    /// Sets `set` to the rules that are worth trying on a text.
    pub(super) fn worth_trying(&self, text: &str, set: &mut RuleSet) {
        set.words.clone_from(&self.always.words);
        for found in self.searcher.find_overlapping_iter(text) {
            for rule in &self.rules[found.pattern().as_usize()] {
                set.insert(*rule);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_worth_trying_where_one_of_its_keywords_stands() {
        let mut rules: Vec<Vec<String>> = vec![vec!["Key".into(), "token".into()], vec!["ok".into()], vec![]];
        rules.resize_with(70, || vec!["never".into()]);
        rules.push(vec!["oken".into()]);
        let keywords = Keywords::new(rules.iter().map(Vec::as_slice)).unwrap();
        let mut set = RuleSet::default();
        let mut worth_trying = |text| {
            keywords.worth_trying(text, &mut set);
            set.iter().collect::<Vec<_>>()
        };
        assert_eq!(worth_trying("a TOKEN"), [0, 1, 2, 70]);
        assert_eq!(worth_trying("monkey"), [0, 2]);
        assert_eq!(worth_trying(""), [2]);
    }
}
