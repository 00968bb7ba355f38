//! Whether two texts that are alike can tell the same fact.

use std::collections::BTreeSet;

/// What of a text makes the fact that it tells.
#[derive(Debug)]
pub(super) struct Wording {
    /// Words that may neither be left out nor added: numbers, names, and what turns a fact around.
    weighty: BTreeSet<String>,
    /// The other words, but for those that any sentence has.
    plain: BTreeSet<String>,
}

/// With one of these more or less it is another fact, often the opposite.
const TURNING: [&str; 15] = [
    "no", "not", "never", "none", "nor", "without", "cannot", "nobody", "nothing", "only", "except", "unless", "alone",
    "before", "after",
];

/// Any sentence may have them, and tell the same without.
const COMMON: [&str; 24] = [
    "a", "an", "the", "and", "or", "of", "to", "is", "are", "was", "were", "be", "been", "being", "has", "have", "had",
    "do", "does", "did", "it", "its", "this", "that",
];

/// The ends by which the forms of a word differ, longer ones first.
const ENDINGS: [&str; 8] = ["ing", "ed", "es", "al", "er", "ly", "s", "e"];

impl Wording {
    /// The wording of a text.
    pub(super) fn of(text: &str) -> Self {
        let (mut weighty, mut plain) = (BTreeSet::new(), BTreeSet::new());
        let mut begins_sentence = true;
        for word in words(text) {
            let small = word.trim_end_matches(['.', '!', '?', ':']).to_lowercase();
            if is_weighty(word, &small, begins_sentence) {
                weighty.insert(small);
            } else if !COMMON.contains(&small.as_str()) {
                plain.insert(stem(&small).to_owned());
            }
            begins_sentence = word.ends_with(['.', '!', '?', ':']);
        }
        Self { weighty, plain }
    }

    /// Whether a text of the other wording can tell the same: neither has anything in place of what the other has.
    ///
    /// "Orders from Lyon" are nearly "orders from Lima", and another fact.
    pub(super) fn can_tell_the_same_as(&self, other: &Self) -> bool {
        // A name may stand at the beginning of the other's sentence.
        let has = |wording: &Self, word: &String| wording.weighty.contains(word) || wording.plain.contains(stem(word));
        let has_weighty = |one: &Self, other: &Self| one.weighty.iter().all(|word| has(other, word));
        let adds = |one: &Self, other: &Self| one.plain.iter().any(|word| !other.has_plain(word));
        has_weighty(self, other) && has_weighty(other, self) && !(adds(self, other) && adds(other, self))
    }

    fn has_plain(&self, stemmed: &str) -> bool {
        self.plain.contains(stemmed) || self.weighty.iter().any(|word| stem(word) == stemmed)
    }
}

/// Runs of letters and digits, with what ends a sentence behind them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_of_word =
        |character: char| character.is_alphanumeric() || matches!(character, '\'' | '\u{2019}' | '.' | ',');
    let runs = text.split(move |character: char| !is_of_word(character) && !matches!(character, '!' | '?' | ':'));
    runs.map(|run| {
        run.trim_start_matches(|character: char| !character.is_alphanumeric())
            .trim_end_matches(',')
    })
    .filter(|run| !run.is_empty())
}

fn is_weighty(word: &str, small: &str, begins_sentence: bool) -> bool {
    let capitals = word.chars().filter(|character| character.is_uppercase()).count();
    small.contains(char::is_numeric)
        || TURNING.contains(&small)
        || small.ends_with("n't")
        || small.ends_with("n\u{2019}t")
        || capitals > usize::from(begins_sentence)
}

/// The word without what its forms differ by, a doubled letter at the end included; four letters at least stay.
fn stem(word: &str) -> &str {
    const STAYING: usize = 4;
    let endings = ENDINGS.iter().filter_map(|ending| word.strip_suffix(ending));
    let stems = endings.filter(|stem| stem.chars().count() >= STAYING);
    let stem = stems.min_by_key(|stem| stem.len()).unwrap_or(word);
    let mut last = stem.chars().rev();
    match (last.next(), last.next()) {
        (Some(one), Some(other)) if one == other => &stem[..stem.len() - one.len_utf8()],
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn can_be_the_same(one: &str, other: &str) -> bool {
        let (one, other) = (Wording::of(one), Wording::of(other));
        let can = one.can_tell_the_same_as(&other);
        assert_eq!(can, other.can_tell_the_same_as(&one));
        can
    }

    #[test]
    fn forms_and_places_of_words_do_not_matter() {
        for (one, other) in [
            (
                "Refunds over 50 EUR need the approval of the team lead.",
                "A refund over 50 EUR needs an approval of the lead",
            ),
            ("Refunds are approved by the lead.", "The lead approves refunds."),
            ("Sales are reported net of VAT.", "VAT: sales report net."),
            ("Lyon ships orders of the EU.", "Orders of the EU are shipped by Lyon."),
            ("same", "same"),
        ] {
            assert!(can_be_the_same(one, other), "{one} / {other}");
        }
    }

    #[test]
    fn a_word_in_place_of_another_is_another_fact() {
        for (one, other) in [
            (
                "Orders from the EU ship from Lyon.",
                "Orders from the UK ship from Leeds.",
            ),
            ("Orders ship from the north hall.", "Orders ship from the south hall."),
            (
                "Refunds over 50 EUR need approval.",
                "Refunds under 50 EUR need approval.",
            ),
            ("The lead approves refunds.", "The board approves refunds."),
            ("The \u{e4}ltere version z\u{e4}hlt.", "The neuere version z\u{e4}hlt."),
        ] {
            assert!(!can_be_the_same(one, other), "{one} / {other}");
        }
    }

    #[test]
    fn numbers_names_and_negations_are_neither_left_out_nor_added() {
        for (one, other) in [
            ("Refunds need approval.", "Refunds over 50 EUR need approval."),
            ("Over 50 EUR.", "Over 500 EUR."),
            ("Version 1.5 counts.", "Version 1.4 counts."),
            ("Refunds need approval.", "Refunds in Germany need approval."),
            ("Refunds need approval.", "Refunds need no approval."),
            ("Refunds are approved.", "Refunds aren't approved."),
            ("Refunds are approved.", "Refunds aren\u{2019}t approved."),
            ("The lead approves.", "The lead alone approves."),
        ] {
            assert!(!can_be_the_same(one, other), "{one} / {other}");
        }
    }
}
