//! HTTP headers that carry credentials.

use super::{
    names::{REASON, is_value},
    shapes::{Reach, Shape, Shapes},
};

/// The headers and their values.
pub(super) static HEADERS: Shapes = Shapes {
    reason: REASON,
    words: &["authorization", "cookie", "bearer", "x-", "private-", "job-", "deploy-"],
    reach: Reach::Far,
    shapes: &[
        // Any scheme, to the end of the line or of the quoted string.
        Shape {
            pattern: r#"(?i)authorization[\\"']{0,4}\s{0,4}[:=,]\s{0,4}[\\"']{0,4}(?:(?:bearer|basic|token|digest|negotiate|apikey|bot|ssws|aws4-hmac-sha256)\s+([^\s"'`\\][^"'`\\\r\n]*)|([^\s"'`\\]+)(?:["'`\\\r\n]|$))"#,
            fits: |_| true,
        },
        // All cookies in a line.
        Shape {
            pattern: r#"(?i)cookie[\\"']{0,4}\s{0,4}:\s{0,4}[\\"']{0,4}([\w.-]+=[^"'\\\r\n]+)"#,
            fits: |_| true,
        },
        // `X-Api-Key`, `PRIVATE-TOKEN` and other vendors' headers.
        Shape {
            pattern: r#"(?i)(?:x|private|job|deploy)-[\w-]{0,40}(?:key|token|secret|signature|auth)[\\"']{0,4}\s{0,4}:\s{0,4}[\\"']{0,4}([^\s"'`\\<>,;]+)"#,
            fits: |found| is_value(found.value),
        },
        // A scheme and its value outside a header.
        Shape {
            pattern: r"[Bb]earer\s+([\w.~+/=-]*[0-9][\w.~+/=-]*)",
            fits: |_| true,
        },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::{
        checks::{are_left_alone, are_masked},
        shapes::Search,
    };

    fn masked(text: &str) -> Vec<&str> {
        static SEARCH: Search = Search::new(&[&HEADERS]);
        SEARCH.masked(text)
    }

    #[test]
    fn values_are_masked() {
        let texts = [
            ("Authorization: Bearer swordfish", "swordfish"),
            ("Authorization: Basic c3dvcmRmaXNo", "c3dvcmRmaXNo"),
            (r#"-H "authorization: token swordfish""#, "swordfish"),
            (r#"{"Authorization":"swordfish"}"#, "swordfish"),
            ("Cookie: sid=swordfish; theme=dark", "sid=swordfish; theme=dark"),
            ("Set-Cookie: sid=swordfish", "sid=swordfish"),
            ("sent bearer abc123def", "abc123def"),
            ("> X-Api-Key: swordfish", "swordfish"),
            ("curl -H 'PRIVATE-TOKEN: swordfish' https://git.example", "swordfish"),
        ];
        are_masked(masked, &texts);
    }

    #[test]
    fn words_and_variables_stay() {
        let texts = [
            "bearer authentication is needed",
            "Authorization: Bearer $TOKEN",
            "no cookie: not found",
            "x-api-key header is required",
            "x-api-key: missing",
        ];
        are_left_alone(masked, &texts);
    }
}
