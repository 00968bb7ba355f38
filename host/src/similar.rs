//! Names that are like a misspelt one.

/// How similar two names must be, from 0 to 1: one letter of five may differ.
const AT_LEAST: f64 = 0.79;

/// Whether one name may be a misspelling of the other.
#[must_use]
pub fn is_similar(one: &str, other: &str) -> bool {
    similarity(one, other) >= AT_LEAST
}

/// The names that are most like `text`, at most three, the most similar first.
pub fn similar<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const AT_MOST: usize = 3;
    let scored = names.map(|name| (similarity(text, name), name));
    let mut near: Vec<(f64, &str)> = scored.filter(|(score, _)| *score >= AT_LEAST).collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    near.into_iter().take(AT_MOST).map(|(_, name)| name).collect()
}

fn similarity(one: &str, other: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(&one.to_lowercase(), &other.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_similar_if_a_letter_of_five_differs() {
        let names = ["daily", "weekly", "sessions", "top-tools"];
        let near = |text| similar(text, names.into_iter());
        assert_eq!(near("dayly"), ["daily"]);
        assert_eq!(near("Session"), ["sessions"]);
        assert_eq!(near("toptools"), ["top-tools"]);
        assert_eq!(near("weelky"), ["weekly"]);
        assert!(near("xyz").is_empty() && near("usage.daily").is_empty());
        assert!(is_similar("user", "users") && !is_similar("user", "order"));
    }
}
