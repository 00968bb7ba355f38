//! Finds the first byte of a string that is not plain text: a quote, a backslash or a control character.

/// The end of a short string without escapes, from behind its opening quote; `None` for any other string.
#[inline]
pub(super) fn short_end(bytes: &[u8]) -> Option<usize> {
    let chunk = bytes.first_chunk::<WIDTH>()?;
    let place = first_special(chunk)?;
    (bytes.get(place) == Some(&b'"')).then_some(place + 1)
}

/// The number of bytes before the first quote, backslash or control character.
#[inline]
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<WIDTH>();
    let mut length = 0;
    for chunk in chunks {
        if let Some(place) = first_special(chunk) {
            return length + place;
        }
        length += WIDTH;
    }
    length + short_length(rest)
}

/// As [`plain_length`], for the few bytes at the end.
fn short_length(bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut length = 0;
    for chunk in chunks {
        if let Some(place) = portable::first_special(chunk) {
            return length + place;
        }
        length += chunk.len();
    }
    let is_plain = |byte: &&u8| **byte >= 0x20 && **byte != b'"' && **byte != b'\\';
    length + rest.iter().take_while(is_plain).count()
}

#[cfg(not(target_arch = "x86_64"))]
use portable::{WIDTH, first_special};
#[cfg(target_arch = "x86_64")]
use sse2::{WIDTH, first_special};

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };

    pub(super) const WIDTH: usize = 16;

    #[inline]
    #[expect(unsafe_code, reason = "the instructions of one processor")]
    pub(super) fn first_special(chunk: &[u8; WIDTH]) -> Option<usize> {
        // SAFETY: every x86-64 processor has SSE2.
        let special = unsafe { special_bytes(chunk) };
        (special != 0).then(|| special.trailing_zeros() as usize)
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn special_bytes(chunk: &[u8; WIDTH]) -> u32 {
        let bytes = load(chunk);
        let quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
        let backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
        let controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), controls)) as u32
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn load(chunk: &[u8; WIDTH]) -> __m128i {
        let bits = u128::from_le_bytes(*chunk);
        _mm_set_epi64x((bits >> 64) as i64, bits as i64)
    }
}

mod portable {
    #[cfg_attr(target_arch = "x86_64", expect(dead_code))]
    pub(super) const WIDTH: usize = 8;

    pub(super) fn first_special(chunk: &[u8; 8]) -> Option<usize> {
        let special = special_bytes(u64::from_le_bytes(*chunk));
        (special != 0).then(|| special.trailing_zeros() as usize / 8)
    }

    /// Marks the first quote, backslash or control character with the highest bit of its byte. A borrow may mark bytes after
    /// it (Mycroft's test for a zero byte).
    fn special_bytes(bytes: u64) -> u64 {
        const ONES: u64 = u64::MAX / 255;
        let has_zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
        let quotes = has_zero(bytes ^ (ONES * u64::from(b'"')));
        let backslashes = has_zero(bytes ^ (ONES * u64::from(b'\\')));
        let controls = bytes.wrapping_sub(ONES * 0x20) & !bytes;
        (quotes | backslashes | controls) & (ONES << 7)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_bytes_are_found_wherever_they_stand() {
        for place in 0..20 {
            for special in [b'"', b'\\', 0x00, 0x1f] {
                let mut bytes = [b'!'; 20];
                bytes[place] = special;
                assert_eq!(plain_length(&bytes), place, "{special} at {place}");
            }
            assert_eq!(plain_length(&vec![b' '; place]), place);
            assert_eq!(plain_length("ÿ\u{7f}".repeat(place).as_bytes()), 3 * place);
        }
    }
}
