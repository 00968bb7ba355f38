//! Long tokens that look random, and are not words, hashes, UUIDs, paths or request identifiers.

use std::ops::Range;

use super::{Mask, pairs::are_unlike_words};

/// The text that replaces a masked token.
const REASON: &str = "random text";

/// The minimum length of a token. Shorter ones are too often names.
const SHORTEST_TOKEN: usize = 24;

/// The minimum length of a part, between hyphens or other signs, that makes the whole token a secret.
const SHORTEST_PART: usize = 16;

/// A hex part with at least this many digits may be an abbreviated hash.
const SHORTEST_HASH: usize = 7;

/// In random base64 every 32nd character is a sign; in names of several words about every fifth.
const CHARACTERS_PER_SIGN: usize = 6;

/// The beginning of a JPEG in base64, which looks like a path.
const JPEG: &str = "/9j/";

/// Prefixes of identifiers that reveal nothing secret and are useful to readers.
const IDENTIFIERS: [&str; 16] = [
    "toolu_",
    "srvtoolu_",
    "msg_",
    "req_",
    "call_",
    "chatcmpl-",
    "resp_",
    "run_",
    "thread_",
    "asst_",
    "file_",
    "org_",
    "task_",
    "agent-",
    "session_",
    "trace_",
];

/// The tokens of a text that look random.
pub(super) fn masks(text: &str) -> Vec<Mask> {
    let tokens = runs(text, 0..text.len(), is_of_token).filter(|range| range.len() >= SHORTEST_TOKEN);
    let secrets = tokens.filter(|range| is_secret(text, range));
    secrets
        .map(|range| Mask {
            reason: REASON,
            range: range.start..range.end + padding(&text[range.end..]),
        })
        .collect()
}

/// The number of base64 padding signs at the start of the text.
fn padding(rest: &str) -> usize {
    rest.bytes().take(2).take_while(|byte| *byte == b'=').count()
}

/// The longest runs of matching bytes, all of them ASCII.
fn runs(text: &str, within: Range<usize>, is_of: fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = within.start;
    std::iter::from_fn(move || {
        let start = (at..within.end).find(|place| is_of(bytes[*place]))?;
        at = (start..within.end)
            .find(|place| !is_of(bytes[*place]))
            .unwrap_or(within.end);
        Some(start..at)
    })
}

fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/')
}

fn is_of_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_secret(text: &str, token: &Range<usize>) -> bool {
    let (before, written) = (&text[..token.start], &text[token.clone()]);
    let is_known = IDENTIFIERS.iter().any(|beginning| written.starts_with(beginning)) || written.starts_with(JPEG);
    let is_mangled = written.starts_with("_ZN") || written.starts_with("_R");
    !is_known
        && !is_mangled
        && !is_hash(before, written)
        && !is_path(before, written)
        && (has_random_part(written) || is_random_base64(written))
}

/// Whether the token has a random part, such as `acme_live_` followed by random characters.
fn has_random_part(token: &str) -> bool {
    let mut parts = parts(token).filter(|part| part.len() >= SHORTEST_PART);
    parts.any(|part| !is_hex(part) && looks_random(part))
}

/// Whether the token as a whole is random base64, including its signs.
fn is_random_base64(token: &str) -> bool {
    let signs = token.bytes().filter(|byte| !is_of_part(*byte)).count();
    let has_small_letters = token.bytes().any(|byte| byte.is_ascii_lowercase());
    signs * CHARACTERS_PER_SIGN < token.len()
        && has_small_letters
        && !parts(token).any(|part| part.len() >= SHORTEST_HASH && is_hex(part))
        && looks_random(token)
}

fn parts(token: &str) -> impl Iterator<Item = &str> {
    runs(token, 0..token.len(), is_of_part).map(|part| &token[part])
}

/// Hex digits, as in a hash, a UUID or `0x5b33697b`.
fn is_hex(part: &str) -> bool {
    let digits = part.strip_prefix("0x").unwrap_or(part);
    digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `sha512-...`, `sha256:...`, `h1:...`, `md5=...`.
fn is_hash(before: &str, token: &str) -> bool {
    const NAMES: [&str; 6] = ["sha1", "sha256", "sha384", "sha512", "md5", "h1"];
    let names_itself = |name: &&str| {
        token
            .get(..name.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(name))
    };
    let is_named = |name: &&str| before.strip_suffix(':').is_some_and(|before| before.ends_with(*name));
    NAMES.iter().any(|name| names_itself(name) || is_named(name))
}

/// A path has several parts. Either it begins like a path and has a word, or at least half of its parts are words.
fn is_path(before: &str, token: &str) -> bool {
    const SHORTEST_WORD: usize = 3;
    let begins_path = token.starts_with('/') || before.ends_with(['.', '~', ':', '@']);
    let parts: Vec<&str> = token.split('/').filter(|part| !part.is_empty()).collect();
    let is_word = |part: &&&str| {
        let is_of_word = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-');
        part.len() >= SHORTEST_WORD && part.bytes().all(is_of_word)
    };
    let words = parts.iter().filter(is_word).count();
    parts.len() > 1 && (begins_path && words > 0 || words * 2 >= parts.len())
}

/// Whether letters and digits are mixed as in no word, name or number.
fn looks_random(text: &str) -> bool {
    let count = |is: fn(&u8) -> bool| text.bytes().filter(is).count();
    let (digits, lower, upper) = (
        count(u8::is_ascii_digit),
        count(u8::is_ascii_lowercase),
        count(u8::is_ascii_uppercase),
    );
    let is_mixed = lower > 0 && upper > 0 && (digits > 0 || text.len() >= SHORTEST_TOKEN) || digits >= 3;
    is_mixed && (lower + upper) * 5 >= text.len() * 2 && are_unlike_words(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::checks::are_left_alone;

    fn masked(text: &str) -> Vec<&str> {
        masks(text).into_iter().map(|mask| &text[mask.range]).collect()
    }

    #[test]
    fn random_tokens_are_masked() {
        for token in [
            "k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6",
            "k3zp9qw7lm2xv8rt5yb1nc4hs6",
            "acme_live_k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6",
            "QmFzZTY0IG9mIHRleHQgaXMgbWFza2VkIHRvbw==",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzq9Ad3hUk0",
            "xk_9sD-f83Kd02LsQpZ71mVb4Gt6",
            "MZXW6YTBOI2DGNBVGY3TQOJQGEZDGNBV",
            "g2gDaAJhBnQAAAADdwRlN3WUd3BWZsYXNodAAAAAB3CmFzc2lnbl9uZXdqbgYA",
        ] {
            for text in [
                token.to_owned(),
                format!("KEY={token}\n"),
                format!("failed ({token})."),
                format!("id='{token}', x"),
            ] {
                assert_eq!(masked(&text), [token], "{text}");
            }
        }
    }

    #[test]
    fn hashes_identifiers_paths_and_words_stay() {
        let texts = [
            "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "sha512-dWGtI8/rcTTpjtM/5bwr+YTYz+XVU+vquWeTI6+UoUATEzi0NLA5741FY8pPbSVsm8Vj9O7qUpN55uUEx2EW4h==",
            "h1:oV8kT3vqY7xZ1cWm5Nf0sPqLr2Hb9Dg4Jt6Ku8AeIw0=",
            "f3907186-e7e2-466f-91e5-48e12c2bcbc1",
            "/home/dev/projects/shop/node_modules/.cache/babel-loader/index.js",
            "src/components/CheckoutButton/CheckoutButton.test.tsx",
            "/nix/store/3n58xw4373jp0ljirf06d8077j15pc4j-bash-5.2/bin/bash",
            "AbstractSingletonProxyFactoryBean2",
            "getHTTPResponseCodeForRequest404",
            "ERR_HTTP2_INVALID_CONNECTION_HEADERS",
            "target/release/deps/libsecret_detector-922cd42b8865b2cb.rlib",
            "req_011CXjpeJuHqYimTXuJj17nz",
            "toolu_01A09q90qw90lq917835lq9",
            "shop-api-6d4cf56db6-x2v9k-20261128",
            "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
            "2026-11-28T23:00:19.259Z 1753077600123456789",
            "this-is-a-very-long-slug-with-many-words-2026",
            "test_that_a_long_name_of_a_test_has_16_words_or_more",
        ];
        are_left_alone(masked, &texts);
    }
}
