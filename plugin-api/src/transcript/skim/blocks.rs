//! Passes over strings 64 bytes at a time, on processors with AVX2.
//!
//! A long string contains many escapes. One look at a block gives a mask for each kind of byte, and arithmetic on the masks
//! tells which quotes are escaped. So an escape costs no branch that the processor mispredicts.

mod avx2;

use super::Spelling;

const BLOCK: usize = 64;

/// The part of a string that was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    /// The position behind the part.
    pub(super) at: usize,
    pub(super) end: End,
    pub(super) spelling: Spelling,
}

/// The end of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The closing quote.
    OfString,
    /// The last full block.
    OfBlocks,
}

/// Passes over a string as far as there are full blocks. `at` is the position behind its opening quote.
///
/// `None` if the string has a fault, or if the processor has no AVX2.
#[inline]
pub(super) fn pass_over(bytes: &[u8], at: usize) -> Option<Passed> {
    if !std::arch::is_x86_feature_detected!("avx2") {
        return None;
    }
    #[expect(unsafe_code, reason = "instructions that only some processors have")]
    // SAFETY: the processor has AVX2.
    unsafe {
        pass_over_blocks(bytes, at)
    }
}

#[target_feature(enable = "avx2")]
fn pass_over_blocks(bytes: &[u8], mut at: usize) -> Option<Passed> {
    let mut spelling = Spelling::Plain;
    let mut carry = 0;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        let block = avx2::Block::of(block);
        let escaped = escaped_bytes(block.equal_to(b'\\'), &mut carry);
        let quotes = block.equal_to(b'"') & !escaped;
        let inside = before_first(quotes);
        if block.controls() & inside != 0 {
            return None;
        }
        let escaped = escaped & inside;
        if escaped != 0 {
            spelling = Spelling::Escaped;
            let units = escaped & block.equal_to(b'u');
            if escaped & !block.escapable() != 0 || !are_units(bytes, at, units) {
                return None;
            }
        }
        if quotes != 0 {
            at += quotes.trailing_zeros() as usize + 1;
            let end = End::OfString;
            return Some(Passed { at, end, spelling });
        }
        at += BLOCK;
    }
    // An escape is not cut in two.
    at -= carry as usize;
    let end = End::OfBlocks;
    Some(Passed { at, end, spelling })
}

/// The bytes that a backslash escapes. `carry` is 1 if the first byte is escaped, and becomes 1 if the first byte of the
/// next block is.
fn escaped_bytes(backslashes: u64, carry: &mut u64) -> u64 {
    const ODD: u64 = u64::MAX / 3 * 2;
    if backslashes == 0 {
        return std::mem::take(carry);
    }
    let starting = backslashes & !*carry;
    // In a run of backslashes, every second one escapes: the subtraction carries through the run.
    let escapes_and_escaped = (starting << 1 | ODD).wrapping_sub(starting) ^ ODD;
    let escaped = escapes_and_escaped ^ (backslashes | *carry);
    *carry = (escapes_and_escaped & backslashes) >> 63;
    escaped
}

/// Marks the bytes before the first marked one; all if none is marked.
fn before_first(marked: u64) -> u64 {
    (marked & marked.wrapping_neg()).wrapping_sub(1)
}

/// Whether four hexadecimal digits follow each marked `u` of the block at this position.
fn are_units(bytes: &[u8], at: usize, mut units: u64) -> bool {
    while units != 0 {
        let digits = at + units.trailing_zeros() as usize + 1;
        let is_digit = u8::is_ascii_hexdigit;
        if !bytes
            .get(digits..digits + 4)
            .is_some_and(|digits| digits.iter().all(is_digit))
        {
            return false;
        }
        units &= units - 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_byte_behind_an_escaping_backslash_is_escaped(text in "[\\\\a]{0,20}(\\\\{0,70}a{0,70}){0,6}") {
            let mut expected = Vec::new();
            let mut is_escaped = false;
            for byte in text.bytes() {
                expected.push(is_escaped);
                is_escaped = byte == b'\\' && !is_escaped;
            }
            let mut carry = 0;
            for (block, expected) in text.as_bytes().chunks(BLOCK).zip(expected.chunks(BLOCK)) {
                let mask = |bits: Vec<bool>| (0..).zip(bits).fold(0, |mask, (place, bit)| mask | u64::from(bit) << place);
                let backslashes = mask(block.iter().map(|byte| *byte == b'\\').collect());
                let all = before_first(1_u64.checked_shl(block.len() as u32).unwrap_or(0));
                prop_assert_eq!(escaped_bytes(backslashes, &mut carry) & all, mask(expected.to_vec()));
            }
        }
    }
}
