//! Distinguishes random text from words and names by the pairs of adjacent characters.

/// The letters that often follow each letter, from `a` on, in English words and in the names of programs.
const FOLLOWERS: [&str; 26] = [
    "bcdgilmnprstuvy",
    "aeilosu",
    "acehiklorstu",
    "adeilorsuw",
    "abcdefgilmnopqrstvwxy",
    "aefilorsu",
    "aehinorstu",
    "aeior",
    "abcdefglmnoprstvz",
    "e",
    "eis",
    "adeilopstuy",
    "abeimopsu",
    "acdefgiklnostuv",
    "bcdfgiklmnoprstuvw",
    "acdehiloprstu",
    "u",
    "acdefgiklmnoprstuvy",
    "acehilopstuyz",
    "acehilmoprstuy",
    "abcefilmnprst",
    "aei",
    "aeinos",
    "pt",
    "ps",
    "e",
];

/// The same as bit sets, one bit per letter.
const FOLLOWS: [u32; 26] = {
    let mut follows = [0; 26];
    let mut letter = 0;
    while letter < 26 {
        let followers = FOLLOWERS[letter].as_bytes();
        let mut place = 0;
        while place < followers.len() {
            follows[letter] |= 1 << (followers[place] - b'a');
            place += 1;
        }
        letter += 1;
    }
    follows
};

/// Whether too many adjacent letters and digits are pairs that are rare in words, names and alphabets. Signs are
/// skipped.
pub(super) fn are_unlike_words(text: &str) -> bool {
    let bytes = text.as_bytes();
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    let of_text = pairs.filter(|(first, second)| first.is_ascii_alphanumeric() && second.is_ascii_alphanumeric());
    let (count, strangeness) = of_text.fold((0, 0), |(count, sum), (first, second)| {
        (count + 1, sum + strangeness(*first, *second))
    });
    // The sum is about 14 for 10 pairs of random letters and digits, and up to 8 for names with many abbreviations.
    strangeness * 10 > count * 9
}

/// How unusual a pair is in a name, from 0 to 2. A capital letter after a small one begins a word.
fn strangeness(first: u8, second: u8) -> u32 {
    let [from, to] = [first, second].map(|byte| byte.to_ascii_lowercase());
    match (first.is_ascii_digit(), second.is_ascii_digit()) {
        _ if second == first + 1 => 0,
        (true, true) => 0,
        (false, false) if first.is_ascii_lowercase() && second.is_ascii_uppercase() => 1,
        (false, false) if FOLLOWS[usize::from(from - b'a')] & 1 << (to - b'a') != 0 => 0,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_names_are_like_words() {
        for text in [
            "",
            "internationalization",
            "AbstractSingletonProxyFactoryBean2",
            "kCFISO8601DateFormatWithFullTime",
            "x86_64-unknown-linux-musl",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "3141592653589793",
        ] {
            assert!(!are_unlike_words(text), "{text}");
        }
    }

    #[test]
    fn random_text_is_unlike_words() {
        for text in [
            "ktllq35ccl1hl9uh6vuaart7xa01qkhs",
            "RVyS6Y6nqa31CSg+CzZ01Du/yFhYKJcaqhGGfMXW",
            "MZXW6YTBOI2DGNBV",
        ] {
            assert!(are_unlike_words(text), "{text}");
        }
    }
}
