//! Lines of a diff.

/// The lines as they were and as they are, without the signs before them. One side where the diff replaces nothing, and
/// where the lines are none of a diff.
///
/// The first line begins behind a marker, and has no sign.
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

/// Whether each line has a sign, the last one too. Others may have lost a blank at their end.
fn are_signed(lines: &[&str]) -> bool {
    let is_signed = |line: &&str| line.starts_with([' ', '+', '-']);
    lines.last().is_some_and(is_signed) && lines.iter().all(|line| line.trim_end().is_empty() || is_signed(line))
}
