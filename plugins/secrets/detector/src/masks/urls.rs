//! Credentials in URLs: of the user, and in the query.

use std::sync::LazyLock;

use regex::Regex;

use super::{Mask, Pattern, groups, is_placeholder};

/// What stands in the place of one.
const REASON: &str = "URL credential";

/// A user without a password is a credential where the name is this long: `https://TOKEN@host`.
const LONG_USER: usize = 16;

/// `scheme://user:password@`.
static PASSWORD: Pattern = LazyLock::new(|| {
    Regex::new(r#"(?i)\b[a-z][a-z0-9+.-]{1,30}:(?:\\?/){2}[^\s/?#@:"'`<>\\]*:([^\s/@"'`<>\\]+)@"#).ok()
});

/// `scheme://user@`.
static USER: Pattern =
    LazyLock::new(|| Regex::new(r#"(?i)\b[a-z][a-z0-9+.-]{1,30}:(?:\\?/){2}([^\s/?#@:"'`<>\\]+)@"#).ok());

/// `?token=value`, `&X-Amz-Signature=value`, `#access_token=value`.
static PARAMETER: Pattern = LazyLock::new(|| {
    let name = r"[\w.-]*(?:token|secret|passw(?:or)?d|pwd|api[_-]?key|access[_-]?key(?:id)?|signature|credential|jwt|sas)|x-amz-[\w-]*|sig|auth|authorization|pass|code_verifier|client_assertion|saml(?:request|response)|ticket";
    Regex::new(&format!(r#"(?i)[?&#;](?:amp;)?(?:{name})=([^\s&#;"'`<>\\]+)"#)).ok()
});

/// `?key=value` and the like, whose values are often no secrets: the long ones are.
static LONG_PARAMETER: Pattern = LazyLock::new(|| {
    Regex::new(r#"(?i)[?&](?:key|code|state|session|sessionid|sid|nonce|hash|s|k|t)=([^\s&#;"'`<>\\]{20,})"#).ok()
});

/// The credentials in the URLs of a text.
pub(super) fn masks(text: &str) -> Vec<Mask> {
    if !text.contains([':', '?', '&', '#']) {
        return Vec::new();
    }
    let of = |pattern: &'static Pattern, least: usize| {
        let found = groups(pattern, text);
        found.filter(move |range| range.len() >= least && !is_placeholder(&text[range.clone()]))
    };
    let found = of(&PASSWORD, 1)
        .chain(of(&USER, LONG_USER))
        .chain(of(&PARAMETER, 4))
        .chain(of(&LONG_PARAMETER, 20));
    found.map(|range| Mask { reason: REASON, range }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> Vec<&str> {
        masks(text).into_iter().map(|mask| &text[mask.range]).collect()
    }

    #[test]
    fn credentials_are_masked() {
        for (text, secret) in [
            ("cannot reach postgres://app:swordfish@db:5432/shop", "swordfish"),
            ("mongodb+srv://root:p%40ss@cluster0.example.net", "p%40ss"),
            (r"amqp:\/\/app:swordfish@queue", "swordfish"),
            ("https://x-access-token:abc@github.com/a/b", "abc"),
            ("redis://:swordfish@cache:6379/0", "swordfish"),
            (
                "fatal: https://8f3kQ92mLx04Bv7zRt61@github.com/a/b.git",
                "8f3kQ92mLx04Bv7zRt61",
            ),
            ("GET /v1/items?page=2&access_token=abcd1234&sort=up", "abcd1234"),
            (
                "https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=9f86d081",
                "9f86d081",
            ),
            ("https://app.example/cb#id_token=abcd.efgh", "abcd.efgh"),
            (
                "https://maps.example/api?key=Zk3vQ9wLr7XtZk3vQ9wLr7Xt",
                "Zk3vQ9wLr7XtZk3vQ9wLr7Xt",
            ),
            ("https://a.blob.core.windows.net/c?sv=1&sig=ab%2Bcd%3D", "ab%2Bcd%3D"),
        ] {
            assert!(masked(text).contains(&secret), "{text}: {:?}", masked(text));
        }
    }

    #[test]
    fn addresses_stay() {
        for text in [
            "https://example.org/a/b?page=2&sort=up#top",
            "ssh://git@github.com/a/b.git",
            "git@github.com:a/b.git",
            "http://127.0.0.1:8080/health",
            "postgres://$USER:$PASSWORD@db/shop",
            "https://example.org/search?key=value&code=404",
            "src/main.rs:12:5: error",
            "npm:@scope/package@1.0.0",
        ] {
            assert_eq!(masked(text), [""; 0], "{text}");
        }
    }
}
