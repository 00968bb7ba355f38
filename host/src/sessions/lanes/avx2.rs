//! Eight lanes, for CPUs with AVX2.

use std::arch::x86_64::{
    __m256i, _mm_cvtsi32_si128, _mm256_add_epi32, _mm256_and_si256, _mm256_or_si256, _mm256_permute2x128_si256,
    _mm256_set1_epi32, _mm256_sll_epi32, _mm256_srl_epi32, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64,
    _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use zerocopy::transmute;

use super::{Blocks, States, rounds::compress};

/// How many lanes there are.
pub(super) const LANES: usize = 8;

/// A word of every lane.
type Words = __m256i;

/// Adds the same number of blocks to each state.
#[target_feature(enable = "avx2")]
pub(super) fn add_blocks(states: &mut States<LANES>, blocks: [Blocks<'_>; LANES], count: usize) {
    let mut state: [Words; 4] = transmute!(*states);
    for at in 0..count {
        let halves: [[Words; 2]; LANES] = blocks.map(|blocks| transmute!(blocks[at]));
        let block = [
            transposed(halves.map(|[first, _]| first)),
            transposed(halves.map(|[_, second]| second)),
        ];
        let block: [Words; 16] = transmute!(block);
        state = compress!(state, block);
    }
    *states = transmute!(state);
}

/// Turns eight words of each lane into each of these words of all lanes.
#[target_feature(enable = "avx2")]
fn transposed(lanes: [Words; LANES]) -> [Words; 8] {
    let [a, b, c, d, e, f, g, h] = lanes;
    // Of four lanes, each half of these vectors holds one word: the first vector has the words 0 and 4.
    let [ad, bd, cd, dd] = in_halves(a, b, c, d);
    let [eh, fh, gh, hh] = in_halves(e, f, g, h);
    let (word_0, word_4) = across(ad, eh);
    let (word_1, word_5) = across(bd, fh);
    let (word_2, word_6) = across(cd, gh);
    let (word_3, word_7) = across(dd, hh);
    [word_0, word_1, word_2, word_3, word_4, word_5, word_6, word_7]
}

/// Transposes the words within each half of four vectors.
#[target_feature(enable = "avx2")]
fn in_halves(a: Words, b: Words, c: Words, d: Words) -> [Words; 4] {
    let (ab_low, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (cd_low, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    [
        _mm256_unpacklo_epi64(ab_low, cd_low),
        _mm256_unpackhi_epi64(ab_low, cd_low),
        _mm256_unpacklo_epi64(ab_high, cd_high),
        _mm256_unpackhi_epi64(ab_high, cd_high),
    ]
}

/// Transposes the halves of two vectors.
#[target_feature(enable = "avx2")]
fn across(a: Words, b: Words) -> (Words, Words) {
    (
        _mm256_permute2x128_si256::<0x20>(a, b),
        _mm256_permute2x128_si256::<0x31>(a, b),
    )
}

#[target_feature(enable = "avx2")]
fn add(one: Words, other: Words) -> Words {
    _mm256_add_epi32(one, other)
}

#[target_feature(enable = "avx2")]
fn splat(word: u32) -> Words {
    _mm256_set1_epi32(word.cast_signed())
}

/// AVX2 has no rotation.
#[target_feature(enable = "avx2")]
fn rotate<const BITS: i32>(words: Words) -> Words {
    let left = _mm256_sll_epi32(words, _mm_cvtsi32_si128(BITS));
    let right = _mm256_srl_epi32(words, _mm_cvtsi32_si128(32 - BITS));
    _mm256_or_si256(left, right)
}

#[target_feature(enable = "avx2")]
fn f(b: Words, c: Words, d: Words) -> Words {
    _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d)))
}

#[target_feature(enable = "avx2")]
fn g(b: Words, c: Words, d: Words) -> Words {
    f(d, b, c)
}

#[target_feature(enable = "avx2")]
fn h(b: Words, c: Words, d: Words) -> Words {
    _mm256_xor_si256(b, _mm256_xor_si256(c, d))
}

#[target_feature(enable = "avx2")]
fn i(b: Words, c: Words, d: Words) -> Words {
    _mm256_xor_si256(c, _mm256_or_si256(b, _mm256_xor_si256(d, splat(!0))))
}
