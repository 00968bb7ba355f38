//! What the tests of the masks check of many texts.

/// Finds the masked parts of a text.
type Masked = fn(&str) -> Vec<&str>;

/// Checks that each secret is masked in its text.
#[track_caller]
pub(super) fn are_masked(masked: Masked, texts: &[(&str, &str)]) {
    for (text, secret) in texts {
        assert!(masked(text).contains(secret), "{text}: {:?}", masked(text));
    }
}

/// Checks that nothing is masked in these texts.
#[track_caller]
pub(super) fn are_left_alone(masked: Masked, texts: &[&str]) {
    for text in texts {
        assert_eq!(masked(text), [""; 0], "{text}");
    }
}
