//! Masks of the bytes of a block, with the instructions of AVX2.

use std::arch::x86_64::{
    __m256i, _mm_setr_epi8, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_min_epu8,
    _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
};

use super::BLOCK;

/// 64 bytes of a string. A mask of them has one bit per byte, the first in the lowest.
pub(super) struct Block([__m256i; 2]);

impl Block {
    #[inline]
    #[target_feature(enable = "avx2")]
    #[expect(unsafe_code, reason = "the safe ways do not become one load per vector")]
    pub(super) fn of(bytes: &[u8; BLOCK]) -> Self {
        // SAFETY: both types are 64 bytes, and any bytes are valid in vectors.
        Self(unsafe { std::mem::transmute::<[u8; BLOCK], [__m256i; 2]>(*bytes) })
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn equal_to(&self, byte: u8) -> u64 {
        let byte = _mm256_set1_epi8(byte as i8);
        mask(self.0.map(|half| _mm256_cmpeq_epi8(half, byte)))
    }

    /// The control characters.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn controls(&self) -> u64 {
        let last = _mm256_set1_epi8(0x1f);
        mask(self.0.map(|half| _mm256_cmpeq_epi8(_mm256_min_epu8(half, last), half)))
    }

    /// The bytes that may follow a backslash: `"\/bfnrtu`.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn escapable(&self) -> u64 {
        const OF_2: i8 = 1;
        const OF_5: i8 = 2;
        const OF_6: i8 = 4;
        const OF_7: i8 = 8;
        // Bit by bit: which high digits go with a low digit, and which high digit this is.
        #[rustfmt::skip]
        let of_low = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            0, 0, OF_2 | OF_6 | OF_7, 0, OF_7, OF_7, OF_6, 0, 0, 0, 0, 0, OF_5, 0, OF_6, OF_2,
        ));
        let of_high = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            0, 0, OF_2, 0, 0, OF_5, OF_6, OF_7, 0, 0, 0, 0, 0, 0, 0, 0,
        ));
        let digit = _mm256_set1_epi8(0x0f);
        !mask(self.0.map(|half| {
            let low = _mm256_shuffle_epi8(of_low, _mm256_and_si256(half, digit));
            let high = _mm256_shuffle_epi8(of_high, _mm256_and_si256(_mm256_srli_epi16::<4>(half), digit));
            _mm256_cmpeq_epi8(_mm256_and_si256(low, high), _mm256_setzero_si256())
        }))
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn mask([first, second]: [__m256i; 2]) -> u64 {
    u64::from(_mm256_movemask_epi8(first) as u32) | u64::from(_mm256_movemask_epi8(second) as u32) << 32
}
