//! Removes the secrets of a text, and the end of a very long one.

use secret_detector::{Rules, redact};

/// How many bytes of a text are kept.
const KEPT: usize = 256 << 10;

/// How many bytes behind that are searched for secrets too. A secret that is cut off there may not be recognised.
const MAY_BE_CUT_OFF: usize = 4 << 10;

/// How much of a text is looked at. What follows does not change what is kept.
pub(crate) const LOOKED_AT: usize = KEPT + MAY_BE_CUT_OFF;

/// How many bytes of a name are kept, such as that of a tool.
const KEPT_OF_A_NAME: usize = 200;

/// What is kept of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Masked {
    /// The text without secrets.
    pub(crate) text: String,
    /// How many bytes at its end are left out.
    pub(crate) omitted_bytes: usize,
}

/// A text without secrets, and without its end if it is very long.
pub(crate) fn masked(text: &str, rules: &Rules) -> Masked {
    if text.len() <= KEPT {
        return Masked {
            text: redact(text, rules).into_owned(),
            omitted_bytes: 0,
        };
    }
    let searched = &text[..text.floor_char_boundary(LOOKED_AT)];
    let mut kept = redact(searched, rules).into_owned();
    kept.truncate(kept.floor_char_boundary(kept.len().saturating_sub(MAY_BE_CUT_OFF)));
    Masked {
        text: kept,
        omitted_bytes: text.len() - searched.len() + MAY_BE_CUT_OFF.min(searched.len()),
    }
}

/// A name without secrets, and without its end if it is long.
pub(crate) fn masked_name(name: &str, rules: &Rules) -> String {
    let searched = &name[..name.floor_char_boundary(KEPT_OF_A_NAME + MAY_BE_CUT_OFF)];
    let mut kept = redact(searched, rules).into_owned();
    kept.truncate(kept.floor_char_boundary(KEPT_OF_A_NAME));
    kept
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::shipped().unwrap());

    fn key() -> String {
        ["AKIA", "QMGK2UPXJNE74YPX"].concat()
    }

    #[test]
    fn the_end_of_a_long_text_is_left_out_and_counted() {
        let text = "wörter ".repeat(100_000);
        let kept = masked(&text, &RULES);
        assert!(text.starts_with(&kept.text));
        assert!(
            kept.text.len() <= KEPT && kept.text.len() > KEPT - 8,
            "{}",
            kept.text.len()
        );
        assert!(kept.omitted_bytes.abs_diff(text.len() - kept.text.len()) < 8);
    }

    #[test]
    fn a_secret_at_the_cut_leaves_no_part_of_itself() {
        for before in KEPT - 30..KEPT + 10 {
            let text = format!("{}{}\n{}", " ".repeat(before), key(), " ".repeat(9000));
            let kept = masked(&text, &RULES).text;
            assert!(!kept.contains("AKIA"), "{before}");
        }
    }

    #[test]
    fn a_name_is_kept_without_secrets_and_not_for_ever() {
        assert_eq!(masked_name("Bash", &RULES), "Bash");
        let secret = masked_name(&key(), &RULES);
        assert!(!secret.contains("AKIA"), "{secret}");
        let long = masked_name(&"wörter ".repeat(100_000), &RULES);
        assert!(
            long.len() <= KEPT_OF_A_NAME && long.len() > KEPT_OF_A_NAME - 8,
            "{long}"
        );
    }

    proptest! {
        #[test]
        fn no_text_keeps_the_key_in_it(before in "[ -~äß\n]{0,80}[ \n]", after in "[ \n][ -~äß\n]{0,80}") {
                let kept = masked(&format!("{before}{}{after}", key()), &RULES);
            prop_assert!(!kept.text.contains(&key()));
            prop_assert_eq!(kept.omitted_bytes, 0);
        }
    }
}
