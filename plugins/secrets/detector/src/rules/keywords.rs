//! Selects the rules that are worth trying on a text: those with a keyword in it.

use aho_corasick::{
    Anchored, BuildError, MatchKind,
    automaton::{Automaton, StateID},
    dfa::DFA,
};

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
    searcher: DFA,
    /// The length of the longest keyword in bytes.
    longest: usize,
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
        let longest = words.iter().map(String::len).max().unwrap_or(0);
        let searcher = DFA::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(words)?;
        Ok(Self {
            searcher,
            longest,
            rules,
            always,
        })
    }

    /// Sets `set` to the rules that are worth trying on a text.
    pub(super) fn worth_trying(&self, text: &str, set: &mut RuleSet) {
        set.words.clone_from(&self.always.words);
        match self.parts(text.as_bytes()) {
            Some(parts) => self.search(parts, set),
            None => self.search([text.as_bytes()], set),
        }
    }

    /// The parts of a long text, of the same length. They overlap, so that each keyword of the text is whole in one of them.
    fn parts<'t>(&self, text: &'t [u8]) -> Option<[&'t [u8]; PARTS]> {
        let apart = text.len().checked_sub(self.longest)? / PARTS + 1;
        let last = text.len().checked_sub(apart + self.longest)?;
        let is_long = apart >= 2 * self.longest;
        is_long.then(|| {
            std::array::from_fn(|part| {
                let start = last.min(part * apart);
                &text[start..start + apart + self.longest]
            })
        })
    }

    /// Adds the rules whose keywords are in one of the parts, which have the same length.
    ///
    /// For each byte, the search waits for the memory that tells the next state. It waits for all parts at the same time.
    fn search<const N: usize>(&self, parts: [&[u8]; N], set: &mut RuleSet) {
        // An unanchored search always has a start.
        let Ok(start) = self.searcher.start_state(Anchored::No) else {
            return;
        };
        let mut states = [start; N];
        for place in 0..parts[0].len() {
            for (state, part) in states.iter_mut().zip(parts) {
                *state = self.searcher.next_state(Anchored::No, *state, part[place]);
                if self.searcher.is_special(*state) {
                    self.insert_found(*state, set);
                }
            }
        }
    }

    #[inline(never)]
    fn insert_found(&self, state: StateID, set: &mut RuleSet) {
        if self.searcher.is_match(state) {
            for found in 0..self.searcher.match_len(state) {
                let keyword = self.searcher.match_pattern(state, found);
                for rule in &self.rules[keyword.as_usize()] {
                    set.insert(*rule);
                }
            }
        }
    }
}

/// The number of parts of a text that are searched at the same time.
const PARTS: usize = 4;

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

    proptest::proptest! {
        #[test]
        fn a_keyword_is_found_wherever_it_stands_in_a_long_text(
            text in "([ab]{0,3}|k{0,3}|(?i)key|token|é){0,120}",
            words in proptest::collection::vec("[abk]{1,4}|key|token|okenk", 1..6),
        ) {
            let rules: Vec<Vec<String>> = words.iter().map(|word| vec![word.clone()]).collect();
            let keywords = Keywords::new(rules.iter().map(Vec::as_slice)).unwrap();
            let mut set = RuleSet::default();
            keywords.worth_trying(&text, &mut set);
            let lower = text.to_ascii_lowercase();
            let expected = (0..words.len()).filter(|word| lower.contains(&words[*word]));
            proptest::prop_assert_eq!(set.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
}
