//! Numbers and sums of money as people read them.

/// A number with thousands separators.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of things, such as `1 line` or `1,234 lines`.
#[must_use]
pub fn counted(count: u64, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        count => format!("{} {thing}s", grouped(count)),
    }
}

/// A number with so many decimals, and thousands separators.
#[must_use]
pub fn decimal(number: f64, decimals: usize) -> String {
    format!("{}{}", sign(number), unsigned(number, decimals))
}

/// A sum of money with so many decimals, such as `$1,234.50`.
#[must_use]
pub fn dollars(number: f64, decimals: usize) -> String {
    format!("{}${}", sign(number), unsigned(number, decimals))
}

fn sign(number: f64) -> &'static str {
    match number < 0.0 {
        true => "-",
        false => "",
    }
}

fn unsigned(number: f64, decimals: usize) -> String {
    let written = format!("{:.decimals$}", number.abs());
    let (whole, rest) = written.split_once('.').unwrap_or((&written, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), grouped);
    match rest {
        "" => whole,
        rest => format!("{whole}.{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_has_no_plural() {
        assert_eq!(counted(0, "line"), "0 lines");
        assert_eq!(counted(1, "line"), "1 line");
        assert_eq!(counted(1_234, "line"), "1,234 lines");
    }

    #[test]
    fn separates_thousands() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
