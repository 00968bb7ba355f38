//! Headers of HTTP that carry credentials.

use std::sync::LazyLock;

use super::{
    Mask, Pattern, groups, is_placeholder,
    names::{REASON, is_value, pattern},
};

/// `Authorization`, whatever its scheme, to the end of the line or of the quotes.
static AUTHORIZATION: Pattern = LazyLock::new(|| {
    let scheme = "bearer|basic|token|digest|negotiate|apikey|bot|ssws|aws4-hmac-sha256";
    pattern(&format!(
        r#"(?i)\b(?:proxy-)?authorization[\\"']{{0,4}}\s{{0,4}}[:=,]\s{{0,4}}[\\"']{{0,4}}(?:(?:{scheme})\s+([^\s"'`\\][^"'`\\\r\n]*)|([^\s"'`\\]+)(?:["'`\\\r\n]|$))"#
    ))
});

/// All cookies of a line.
static COOKIE: Pattern =
    LazyLock::new(|| pattern(r#"(?i)\b(?:set-)?cookie[\\"']{0,4}\s{0,4}:\s{0,4}[\\"']{0,4}([\w.-]+=[^"'\\\r\n]+)"#));

/// `X-Api-Key`, `PRIVATE-TOKEN` and what else vendors have.
static OF_A_VENDOR: Pattern = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:x|private|job|deploy)-[\w-]{0,40}(?:key|token|secret|signature|auth)[\\"']{0,4}\s{0,4}:\s{0,4}[\\"']{0,4}([^\s"'`\\<>,;]+)"#,
    )
});

/// A scheme and its value outside of a header.
static BEARER: Pattern = LazyLock::new(|| pattern(r"\b[Bb]earer\s+([\w.~+/=-]*[0-9][\w.~+/=-]*)"));

/// The credentials in the headers of a text.
pub(super) fn masks(text: &str) -> Vec<Mask> {
    let values = |pattern: &'static Pattern| groups(pattern, text);
    let of_vendors = values(&OF_A_VENDOR).filter(|range| is_value(&text[range.clone()]));
    let found = values(&AUTHORIZATION)
        .chain(values(&COOKIE))
        .chain(of_vendors)
        .chain(values(&BEARER));
    found
        .filter(|range| !is_placeholder(&text[range.clone()]))
        .map(|range| Mask { reason: REASON, range })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> Vec<&str> {
        masks(text).into_iter().map(|mask| &text[mask.range]).collect()
    }

    #[test]
    fn values_are_masked() {
        for (text, secret) in [
            ("Authorization: Bearer swordfish", "swordfish"),
            ("Authorization: Basic c3dvcmRmaXNo", "c3dvcmRmaXNo"),
            (r#"-H "authorization: token swordfish""#, "swordfish"),
            (r#"{"Authorization":"swordfish"}"#, "swordfish"),
            ("Cookie: sid=swordfish; theme=dark", "sid=swordfish; theme=dark"),
            ("Set-Cookie: sid=swordfish", "sid=swordfish"),
            ("sent bearer abc123def", "abc123def"),
            ("> X-Api-Key: swordfish", "swordfish"),
            ("curl -H 'PRIVATE-TOKEN: swordfish' https://git.example", "swordfish"),
        ] {
            assert!(masked(text).contains(&secret), "{text}: {:?}", masked(text));
        }
    }

    #[test]
    fn words_and_variables_stay() {
        for text in [
            "bearer authentication is needed",
            "Authorization: Bearer $TOKEN",
            "no cookie: not found",
            "x-api-key header is required",
            "x-api-key: missing",
        ] {
            assert_eq!(masked(text), [""; 0], "{text}");
        }
    }
}
