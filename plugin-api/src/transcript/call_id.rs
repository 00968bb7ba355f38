//! What identifiers of calls are worth.

/// Whether a call's identifier is given once: those of Anthropic (`toolu_...`) and Bedrock (`tooluse_...`) are, and so is what
/// holds as many letters and digits in a row as chance needs. `Bash:0` is not.
///
/// Such a call is the same one in every transcript, however a fork of its session stamps the lines.
#[must_use]
pub fn is_unique_call_id(id: &str) -> bool {
    let is_random = |part: &str| part.len() >= 16 && part.bytes().any(|byte| byte.is_ascii_digit());
    id.contains("toolu_") || id.starts_with("tooluse_") || id.split(|c: char| !c.is_ascii_alphanumeric()).any(is_random)
}
