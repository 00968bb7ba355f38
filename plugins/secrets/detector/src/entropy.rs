//! Measures how random a text looks, because a random value is more likely a secret than a word.

use std::collections::HashMap;

/// The Shannon entropy of a text's characters, in bits per byte as gitleaks counts it: 0 for one repeated character, at
/// most 4 for hex digits and 6 for base64.
pub(crate) fn shannon_entropy(text: &str) -> f64 {
    let mut counts: HashMap<char, u32> = HashMap::new();
    for character in text.chars() {
        *counts.entry(character).or_default() += 1;
    }
    let length = text.len() as f64;
    let of_one = |count: u32| {
        let share = f64::from(count) / length;
        -share * share.log2()
    };
    counts.into_values().map(of_one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_grows_with_variety() {
        assert_eq!(shannon_entropy(""), 0.0);
        assert_eq!(shannon_entropy("aaaaaaaa"), 0.0);
        assert_eq!(shannon_entropy("abababab"), 1.0);
        assert_eq!(shannon_entropy("0123456789abcdef"), 4.0);
    }
}
