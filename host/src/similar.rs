//! Names that are like a misspelt one.

/// The names that are most like `text`, at most three, the most similar first.
pub fn similar<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const AT_LEAST: f64 = 0.79;
    const AT_MOST: usize = 3;
    let text = text.to_lowercase();
    let scored = names.map(|name| {
        (
            strsim::normalized_damerau_levenshtein(&text, &name.to_lowercase()),
            name,
        )
    });
    let mut near: Vec<(f64, &str)> = scored.filter(|(score, _)| *score >= AT_LEAST).collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    near.into_iter().take(AT_MOST).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_similar_if_a_letter_or_two_differ() {
        let names = ["daily", "weekly", "sessions", "top-tools"];
        let near = |text| similar(text, names.into_iter());
        assert_eq!(near("dayly"), ["daily"]);
        assert_eq!(near("Session"), ["sessions"]);
        assert_eq!(near("toptools"), ["top-tools"]);
        assert_eq!(near("weelky"), ["weekly"]);
        assert!(near("xyz").is_empty() && near("usage.daily").is_empty());
    }
}
