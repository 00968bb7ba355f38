//! Recognises two texts that state a fact in the same words.

/// Whether two texts differ only in articles, capitals and punctuation.
///
/// Other differences count, however similar the texts are: another word, sign or order can make it another fact.
pub(super) fn are_of_the_same_words(one: &str, other: &str) -> bool {
    significant(one).eq(significant(other))
}

/// The significant parts of a text, in order: words except articles, and signs except punctuation.
fn significant(text: &str) -> impl Iterator<Item = String> {
    let mut begins_sentence = true;
    let stretches = text.split_whitespace().map(move |stretch| {
        let begins = begins_sentence;
        begins_sentence = stretch.ends_with(['.', ':', '!', '?']);
        (stretch, begins)
    });
    let counting = stretches.filter(|(stretch, begins)| !is_article(stretch, *begins));
    counting.flat_map(|(stretch, begins)| pieces(without_punctuation(stretch)).map(move |piece| folded(piece, begins)))
}

/// A capital A within a sentence is a name.
fn is_article(word: &str, begins_sentence: bool) -> bool {
    matches!(word, "a" | "an" | "the" | "An" | "The") || begins_sentence && word == "A"
}

/// A part of a text without the punctuation around it. `.50` and `!=` keep their signs.
fn without_punctuation(stretch: &str) -> &str {
    const AROUND: [char; 8] = ['"', '\'', '(', ')', '`', '\u{2019}', '\u{201c}', '\u{201d}'];
    let is_behind =
        |character: char| AROUND.contains(&character) || matches!(character, '.' | ',' | ';' | ':' | '!' | '?');
    stretch.trim_start_matches(AROUND).trim_end_matches(is_behind)
}

/// The words in a part without white space, and each sign separately: `>50` gives `>` and `50`.
fn pieces(stretch: &str) -> impl Iterator<Item = &str> {
    let is_sign = |character: char| !character.is_alphanumeric() && !matches!(character, '.' | ',' | '\'' | '\u{2019}');
    let pieces = stretch.split_inclusive(is_sign).flat_map(move |piece| {
        let word = piece.trim_end_matches(is_sign);
        [word, &piece[word.len()..]]
    });
    pieces.filter(|piece| !piece.is_empty())
}

/// A word in lower case if it is capitalised only because it begins a sentence. Other capitals may be a name.
fn folded(word: &str, begins_sentence: bool) -> String {
    let is_capitalised = word.chars().skip(1).all(|character| !character.is_uppercase());
    match begins_sentence && is_capitalised {
        true => word.to_lowercase(),
        false => word.to_owned(),
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
    fn articles_punctuation_and_how_a_sentence_begins_do_not_matter() {
        for (one, other) in [
            (
                "Refunds over 50 EUR need the approval of the team lead.",
                "refunds over 50 EUR need an approval of a team lead",
            ),
            (
                "Sales (net): VAT is left out!",
                "\u{201c}Sales net\u{201d}; VAT is left out",
            ),
            ("A refund needs approval.", "The refund needs approval."),
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
            ("The status = 5.", "The status != 5."),
            ("Over $50.", "Over $.50."),
            ("The ratio is 1:10.", "The ratio is 1 10."),
            ("It ships from hall A.", "It ships from the hall."),
            ("The new desk approves.", "The news desk approves."),
            ("They may approve.", "They May approve."),
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
