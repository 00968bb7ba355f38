//! Decides whether the identifier of a tool call is unique, so that copies of a call can be recognised.

/// Whether a call's identifier is unique over all transcripts.
///
/// Identifiers of Anthropic (`toolu_...`) and Bedrock (`tooluse_...`) are unique. So is any identifier with at least 16
/// letters and digits in a row, a digit among them: it is random. `Bash:0` is not unique.
///
/// Two calls with the same unique identifier are the same call, even if a fork of the session gave the lines new times.
#[must_use]
pub fn is_unique_call_id(id: &str) -> bool {
    let is_random = |part: &str| part.len() >= 16 && part.bytes().any(|byte| byte.is_ascii_digit());
    id.contains("toolu_") || id.starts_with("tooluse_") || id.split(|c: char| !c.is_ascii_alphanumeric()).any(is_random)
}
