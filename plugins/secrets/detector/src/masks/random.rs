//! Long tokens that look random: neither words nor hashes, UUIDs, paths or identifiers of requests.

use std::ops::Range;

use super::Mask;

/// What stands in the place of one.
const REASON: &str = "random text";

/// Shorter ones are too often names.
const SHORTEST_TOKEN: usize = 24;

/// One part of it, between its hyphens and the like, is at least so long.
const SHORTEST_PART: usize = 16;

/// Identifiers that say what they identify. They are of use, and give nothing away.
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

/// How many signs pad a token in base64 that ends here.
fn padding(rest: &str) -> usize {
    rest.bytes().take(2).take_while(|byte| *byte == b'=').count()
}

/// The longest runs of such bytes, all of them ASCII.
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
    let written = &text[token.clone()];
    let is_known = IDENTIFIERS.iter().any(|beginning| written.starts_with(beginning));
    let is_mangled = written.starts_with("_ZN") || written.starts_with("_R");
    !is_known && !is_mangled && !is_hash(&text[..token.start], written) && !is_path(&text[..token.start], written) && {
        let mut parts = runs(text, token.clone(), is_of_part);
        parts.any(|part| part.len() >= SHORTEST_PART && looks_random(&text[part]))
    }
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

/// A path has several parts, and begins where one begins, or with a word.
fn is_path(before: &str, token: &str) -> bool {
    let begins_path = token.starts_with('/') || before.ends_with(['.', '~', ':', '@']);
    let parts: Vec<&str> = token.split('/').filter(|part| !part.is_empty()).collect();
    let is_word = |part: &&&str| {
        part.bytes()
            .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'))
    };
    parts.len() > 1 && (begins_path || parts.iter().filter(is_word).count() * 2 >= parts.len())
}

/// Whether letters and digits stand as no word, name or number has them.
fn looks_random(part: &str) -> bool {
    let count = |is: fn(&u8) -> bool| part.bytes().filter(is).count();
    let (digits, lower, upper) = (
        count(u8::is_ascii_digit),
        count(u8::is_ascii_lowercase),
        count(u8::is_ascii_uppercase),
    );
    let is_hex = part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_mixed = lower > 0 && upper > 0 && (digits > 0 || part.len() >= SHORTEST_TOKEN) || digits >= 3;
    !is_hex && is_mixed && (lower + upper) * 5 >= part.len() * 2 && (lower == 0 || in_words(part) * 3 < part.len())
}

/// How many letters stand in words: a capital one or none, and four small ones or more.
fn in_words(part: &str) -> usize {
    let small = runs(part, 0..part.len(), |byte| byte.is_ascii_lowercase());
    let capital_before = |run: &Range<usize>| {
        let before = part[..run.start].bytes().next_back();
        usize::from(before.is_some_and(|byte| byte.is_ascii_uppercase()))
    };
    let words = small.filter(|run| run.len() >= 4);
    words.map(|run| run.len() + capital_before(&run)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for text in [
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
        ] {
            assert_eq!(masked(text), [""; 0], "{text}");
        }
    }
}
