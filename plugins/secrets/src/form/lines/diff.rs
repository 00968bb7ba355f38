//! Separates the two sides of a diff, because each may contain a secret.

/// The old and the new lines of a diff, without their signs. Only one side if the diff replaces nothing, or if the
/// lines are not a diff.
///
/// The first line begins after a marker, and has no sign.
pub(super) fn sides<'t>(lines: &[&'t str]) -> Vec<Vec<&'t str>> {
    let Some((first, signed)) = lines.split_first().filter(|(_, lines)| are_signed(lines)) else {
        return vec![lines.to_vec()];
    };
    let has = |sign: char| signed.iter().any(|line| line.starts_with(sign));
    let without = |left_out: Option<char>| {
        let kept = signed
            .iter()
            .filter(|line| left_out.is_none_or(|sign| !line.starts_with(sign)));
        let unsigned = kept.map(|line| line.get(1..).unwrap_or_default());
        std::iter::once(*first).chain(unsigned).collect()
    };
    match has('-') && has('+') {
        true => vec![without(Some('+')), without(Some('-'))],
        false => vec![without(None)],
    }
}

/// Whether each line has a sign, including the last one. An empty line may have lost its leading space.
fn are_signed(lines: &[&str]) -> bool {
    let is_signed = |line: &&str| line.starts_with([' ', '+', '-']);
    lines.last().is_some_and(is_signed) && lines.iter().all(|line| line.trim_end().is_empty() || is_signed(line))
}
