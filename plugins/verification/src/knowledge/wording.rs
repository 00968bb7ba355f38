//! Whether two texts tell a fact in the same words.

/// Whether nothing but articles, plurals, capitals and punctuation tells two texts apart.
///
/// More is not forgiven, however alike the texts are: a word, a sign or an order that differs can make it another fact.
pub(super) fn are_of_the_same_words(one: &str, other: &str) -> bool {
    significant(one).eq(significant(other))
}

/// What counts of a text, in its order: words but for the articles, and signs that are no punctuation.
fn significant(text: &str) -> impl Iterator<Item = String> {
    const ARTICLES: [&str; 3] = ["a", "an", "the"];
    let words = text.split_whitespace().flat_map(pieces).map(folded);
    words.filter(|word| !word.is_empty() && !ARTICLES.contains(&word.as_str()))
}

/// The words of a stretch without white space, and each sign by itself: `>50` is `>` and `50`.
fn pieces(stretch: &str) -> impl Iterator<Item = &str> {
    let is_sign = |character: char| !character.is_alphanumeric() && !matches!(character, '.' | ',' | '\'' | '\u{2019}');
    stretch.split_inclusive(is_sign).flat_map(move |piece| {
        let word = piece.trim_end_matches(is_sign);
        [word, &piece[word.len()..]]
    })
}

/// A word without what makes no difference; nothing of punctuation.
fn folded(piece: &str) -> String {
    const PUNCTUATION: [char; 14] = [
        '.', ',', ';', ':', '!', '?', '"', '\'', '\u{2019}', '(', ')', '`', '\u{201c}', '\u{201d}',
    ];
    let word = piece.trim_matches(PUNCTUATION);
    let is_acronym = word.len() > 1 && !word.chars().any(char::is_lowercase);
    if is_acronym {
        return word.to_owned();
    }
    let small = word.to_lowercase();
    match small.strip_suffix('s') {
        // "is" and "class" are no plurals.
        Some(singular) if singular.chars().count() > 2 && !singular.ends_with('s') => singular.to_owned(),
        _ => small,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let same = are_of_the_same_words(one, other);
        assert_eq!(same, are_of_the_same_words(other, one));
        same
    }

    #[test]
    fn articles_plurals_capitals_and_punctuation_do_not_matter() {
        for (one, other) in [
            (
                "Refunds over 50 EUR need the approval of the team lead.",
                "A refund over 50 EUR needs an approval of the team lead",
            ),
            (
                "Sales (net): VAT is left out!",
                "\u{201c}Sale net\u{201d}, VAT is left out",
            ),
            ("", " . "),
        ] {
            assert!(same(one, other), "{one} / {other}");
        }
    }

    #[test]
    fn every_word_sign_and_order_matters() {
        for (one, other) in [
            (
                "Orders from the EU ship from Lyon.",
                "Orders from the UK ship from Lyon.",
            ),
            ("Orders need approval.", "Germany orders need approval."),
            ("Orders ship from the north hall.", "Orders ship from the south hall."),
            ("Refunds need approval.", "Refunds need no approval."),
            ("Refunds are approved.", "Refunds aren't approved."),
            ("Die Freigabe ist notwendig.", "Die Freigabe ist nicht notwendig."),
            ("Refunds > 50 EUR need approval.", "Refunds < 50 EUR need approval."),
            ("Over $50.", "Over \u{20ac}50."),
            ("It is 5.", "It is -5."),
            ("Version 1.5 counts.", "Version 1.4 counts."),
            ("Over 50 EUR.", "Over 500 EUR."),
            ("C++ counts.", "C counts."),
            ("The IT approves.", "It approves."),
            ("VAT is 19.", "VAT was 19."),
            ("Use tabs, not spaces.", "Use spaces, not tabs."),
            ("From Lyon to Leeds.", "From Leeds to Lyon."),
            (
                "Over 50 the lead, over 500 the board.",
                "Over 500 the lead, over 50 the board.",
            ),
        ] {
            assert!(!same(one, other), "{one} / {other}");
        }
    }
}
